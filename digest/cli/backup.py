"""`digest backup` and `digest restore`."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from digest.cli.context import Context, exits_in_words
from digest.cli.output import print_json
from digest.mail.wording import counted

if TYPE_CHECKING:
    from digest.store.backup import Copy

AsJson = Annotated[bool, typer.Option("--json", help="Answer in JSON.")]


def backup(
    ctx: typer.Context,
    file: Annotated[Path, typer.Argument(help="Where to put the copy.")],
    as_json: AsJson = False,
) -> None:
    """Copy the database, whole and checked, while everything goes on. Keep config/ and .env too.

    Example: digest backup /mnt/backup/digest.db
    """
    from digest.settings import load_settings
    from digest.store.backup import back_up

    context: Context = ctx.obj
    with exits_in_words():
        copy = back_up(load_settings(context.home).database.get_secret_value(), file)
    said = f"{copy.file}: {_of(copy)}, checked"
    print_json(asdict(copy)) if as_json else typer.echo(said)


def restore(
    ctx: typer.Context,
    file: Annotated[Path, typer.Argument(help="A file made by `digest backup`.")],
    verify: Annotated[bool, typer.Option("--verify", help="Only check it; change nothing.")] = False,
    as_json: AsJson = False,
) -> None:
    """Check a backup and put it in the place of the database. Mails sent since it was made may be sent again.

    Example: digest restore --verify /mnt/backup/digest.db
    """
    from digest.settings import load_settings
    from digest.store.backup import check
    from digest.store.backup import restore as put_back

    context: Context = ctx.obj
    with exits_in_words():
        url = load_settings(context.home).database.get_secret_value()
        copy = check(file) if verify else put_back(url, file)
    done = "is whole" if verify else "is in place"
    said = f"{copy.file} {done}: {_of(copy)}"
    print_json(asdict(copy) | {"is_in_place": not verify}) if as_json else typer.echo(said)


def _of(copy: "Copy") -> str:
    return f"{counted(copy.subscribers, 'subscriber')}, {counted(copy.deliveries, 'delivery', 'deliveries')}"
