"""`digest init`: a home to begin with."""

import secrets
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from digest.cli.context import Context, exits_in_words
from digest.errors import DigestError
from digest.house import home_of

_ENV = """\
# Secrets only; everything else belongs into config/digest.toml.
DIGEST_SECRET={secret}
# DIGEST_SMTP_PASSWORD=
# DIGEST_IMAP_PASSWORD=
# DIGEST_DATABASE_URL=
"""


def init(
    ctx: typer.Context,
    demo: Annotated[
        bool, typer.Option("--demo", help="With sample pages and three invented readers.")
    ] = False,
) -> None:
    """Make a home: config/, .env and pages/. What is there already stays as it is.

    Example: digest --home ~/digest init
    """
    context: Context = ctx.obj
    with exits_in_words():
        home = home_of(context.house, context.tenant)
        made = list(make_home(home, demo=demo))
    for path in made:
        typer.echo(f"made         {path}")
    if not made:
        typer.echo(f"nothing to do: {home} is a home already")
    if not demo:
        typer.echo(_next_steps(home))


def _next_steps(home: Path) -> str:
    profile, pages = home / "config/subscribers/yourname.toml", home / "pages"
    digest = f"digest --home {shlex.quote(str(home))}"
    seen = (
        f"digest preview --profile {shlex.quote(str(profile))} --page {shlex.quote(str(pages))} --out preview"
    )
    return (
        f"\nNext: rename {home / 'config/subscribers/example.toml.sample'} to yourname.toml and edit it.\n"
        f"Put a page of papers into {pages}, or: {digest} sources add https://huggingface.co/papers\n"
        f"See at once what you would get: {seen}\n"
        f"Get it at your hour: {digest} run"
    )


def make_home(home: Path, *, demo: bool) -> Iterator[Path]:
    """Write what is missing. Raises `DigestError` where the folder cannot be written."""
    from digest.settings import write_private
    from digest.shipped import shipped

    config = shipped("config")
    files = {home / "config/digest.toml": (config / "digest.example.toml").read_bytes()}
    if demo:
        files |= {
            home / "config/subscribers" / path.name: path.read_bytes()
            for path in (config / "demo/subscribers").glob("*.toml")
        }
        files |= {home / "pages" / path.name: path.read_bytes() for path in (config / "demo/pages").iterdir()}
    else:
        example = (config / "subscribers/example.toml").read_bytes()
        files[home / "config/subscribers/example.toml.sample"] = example
    try:
        (home / "pages").mkdir(parents=True, exist_ok=True)
        for path, content in files.items():
            if not path.exists():
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(content)
                yield path
        if not (home / ".env").exists():
            write_private(home / ".env", _ENV.format(secret=secrets.token_urlsafe(32)))
            yield home / ".env"
    except OSError as error:
        raise DigestError(
            f"cannot write {error.filename}: {error.strerror}; choose another --home"
        ) from error
