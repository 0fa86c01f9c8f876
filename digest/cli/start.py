"""Commands a newcomer meets first: `init` and `preview`."""

import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from digest.cli.context import Context, complain, exits_in_words
from digest.cli.output import print_json, print_table
from digest.errors import DigestError

if TYPE_CHECKING:
    from digest.model import Pick

_ENV = """\
# Secrets only; everything else belongs into config/digest.toml.
DIGEST_SECRET={secret}
# DIGEST_SMTP_PASSWORD=
# DIGEST_IMAP_PASSWORD=
# DIGEST_DATABASE_URL=
"""
AsJson = Annotated[bool, typer.Option("--json", help="Answer in JSON.")]


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
        made = list(make_home(context.home, demo=demo))
    for path in made:
        typer.echo(f"made         {path}")
    if not made:
        typer.echo(f"nothing to do: {context.home} is a home already")
    if not demo:
        typer.echo(
            f"\nNext: rename {context.home / 'config/subscribers/example.toml.sample'} to yourname.toml, edit it, and put"
        )
        typer.echo(f"a page into {context.home / 'pages'}. Then: digest --home {context.home} run --once")


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


def preview(
    ctx: typer.Context,
    out: Annotated[Path, typer.Option("--out", help="Folder for digest.html, .txt, .eml and scores.json.")],
    profile: Annotated[
        Path | None, typer.Option("--profile", help="A profile file, as in config/subscribers/.")
    ] = None,
    page: Annotated[
        list[str] | None, typer.Option("--page", help="A page: file, folder or address; may be repeated.")
    ] = None,
    mail: Annotated[
        str | None, typer.Option("--mail", help="A sample of another mail: weekly, confirm, ... or all.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Show what a profile gets from some pages, without home, database, network or mail server.

    Example: digest preview --profile me.toml --page papers.txt --out preview
    """
    context: Context = ctx.obj
    if mail is not None:
        with exits_in_words():
            _preview_samples(mail, out)
        return
    if profile is None or not page:
        raise typer.BadParameter("give --profile and --page, or --mail")
    from digest.app import read_places, wait_for_settling
    from digest.preview import make_preview, scores_of, write_preview
    from digest.profiles import read_profile

    with exits_in_words():
        wanted = read_profile(profile)
        wait_for_settling([Path(place) for place in page])
        made = make_preview(wanted, read_places(page, context.now), now=context.now)
        written = write_preview(made, out, profile_file=profile.name, now=context.now)
    for trouble in made.troubles:
        complain(trouble)
    if as_json:
        print_json(scores_of(made.digest))
        return
    rows = [(f"{pick.score.value:.3f}", pick.paper.title, _why(pick)) for pick in made.digest.picks]
    print_table(("score", "paper", "why"), rows)
    if made.skip:
        typer.echo(f"On a real day nothing would be sent: {made.skip.reason}")
    typer.echo(f"\nwritten      {', '.join(str(path) for path in written)}")


def _preview_samples(mail: str, out: Path) -> None:
    """One mail of a kind, or of every kind, about invented papers. Raises `DigestError` for a kind there is not."""
    from digest.mail.catalogue import sample, sample_message
    from digest.mail.render import KINDS, Renderer

    renderer = Renderer()
    for kind in KINDS if mail == "all" else (mail,):
        rendered = sample(kind, renderer)
        contents = {
            ".html": rendered.html.encode(),
            ".txt": rendered.text.encode(),
            ".eml": sample_message(rendered).raw,
        }
        try:
            out.mkdir(parents=True, exist_ok=True)
            for suffix, content in contents.items():
                (out / f"{kind}{suffix}").write_bytes(content)
        except OSError as error:
            raise DigestError(f"cannot write into {out}: {error.strerror}; choose another --out") from error
        typer.echo(f"written      {out / kind}.html, .txt, .eml: {rendered.subject}")


def _why(pick: "Pick") -> str:
    best = sorted(pick.score.why, key=lambda reason: -reason.contribution)[:2]
    return ", ".join(f"{reason.term} {reason.contribution:+.2f}" for reason in best)
