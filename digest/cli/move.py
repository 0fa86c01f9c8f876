"""`digest export` and `digest import`: a home's database as one file, from one kind of database to another."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from digest.cli.context import Context, exits_in_words
from digest.cli.output import print_json

if TYPE_CHECKING:
    from digest.store import Store
    from digest.store.moving import Counted

AsJson = Annotated[bool, typer.Option("--json", help="Answer in JSON.")]


def export(
    ctx: typer.Context,
    file: Annotated[Path, typer.Argument(help="Where to put it.")],
    as_json: AsJson = False,
) -> None:
    """Write the whole database into one file that `digest import` reads, on SQLite or PostgreSQL. Keep config/ and .env too.

    Example: digest export home.zip
    """
    from digest.store.moving import export_all

    context: Context = ctx.obj
    with exits_in_words():
        store = _open(context)
        try:
            counted = export_all(store, file, now=context.now)
        finally:
            store.close()
    _tell(counted, as_json=as_json, done=f"{file} holds rows:")


def import_(
    ctx: typer.Context,
    file: Annotated[Path, typer.Argument(help="A file made by `digest export`.")],
    as_json: AsJson = False,
) -> None:
    """Read such a file into the empty database of this home, all of it or nothing, and compare every table.

    Example: digest import home.zip
    """
    from digest.store.moving import import_all

    context: Context = ctx.obj
    with exits_in_words():
        store = _open(context)
        try:
            counted = import_all(store, file)
        finally:
            store.close()
    _tell(counted, as_json=as_json, done="imported and compared, rows:")


def _open(context: Context) -> "Store":
    from digest.settings import load_settings
    from digest.stationery import read_secret
    from digest.store import Store

    settings = load_settings(context.home)
    return Store(settings.database.get_secret_value(), secret=read_secret(settings))


def _tell(counted: "dict[str, Counted]", *, as_json: bool, done: str) -> None:
    if as_json:
        print_json({name: {"rows": one.rows, "sha256_sum": one.sha256_sum} for name, one in counted.items()})
        return
    rows = ", ".join(f"{name} {one.rows:,}" for name, one in sorted(counted.items()) if one.rows)
    typer.echo(f"{done} {rows or 'none'}")
