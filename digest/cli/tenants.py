"""`digest tenants`: several digests in one installation; and opening all of them."""

import shlex
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from digest.cli.context import Context, complain, exits_in_words
from digest.cli.output import print_json, print_table
from digest.cli.start import make_home
from digest.errors import DigestError, SettingsError
from digest.house import Tenant, check_home, home_of, mark_house, new_home, tenants_of

if TYPE_CHECKING:
    from digest.app import App

tenants = typer.Typer(help="Several digests in one installation, each with a home of its own.")


@tenants.command("list")
def list_tenants(
    ctx: typer.Context, as_json: Annotated[bool, typer.Option("--json", help="Answer in JSON.")] = False
) -> None:
    """The digests of this house, with what each is called and where its pages are.

    Example: digest tenants list
    """
    from digest.settings import load_settings

    context: Context = ctx.obj
    rows = []
    with exits_in_words():
        for tenant in tenants_of(context.house):
            file = load_settings(tenant.home).file
            rows.append(
                {
                    "tenant": tenant.name,
                    "name": file.sender.name,
                    "from": file.sender.address,
                    "web": file.web.url or "",
                    "sources": len(file.source),
                }
            )
    if as_json:
        print_json({"tenants": rows})
    else:
        print_table(list(rows[0]), [[str(value) for value in row.values()] for row in rows])


@tenants.command()
def add(ctx: typer.Context, name: Annotated[str, typer.Argument(help="Letters, digits, - and _.")]) -> None:
    """Make a home for one more digest: tenants/NAME/ with its own config/, .env and pages/.

    Example: digest tenants add robotics
    """
    context: Context = ctx.obj
    with exits_in_words():
        home = new_home(context.house, name)
        made = list(make_home(home, demo=False))
        mark_house(context.house)
        if not made:
            raise DigestError(f"{home} is a home already; `digest --tenant {name} status` says how it is")
    for path in made:
        typer.echo(f"made         {path}")
    house = shlex.quote(str(context.house))
    typer.echo(
        f"\nNext: edit {home / 'config/digest.toml'}. Then: digest --home {house} --tenant {name} status"
    )


@dataclass(frozen=True, slots=True)
class OpenHouse:
    """The digests a program runs, by name, and those that could not be opened."""

    apps: "dict[str, App]"
    broken: tuple[str, ...]


@contextmanager
def opened(context: Context, *, web_url: str | None = None) -> Iterator[OpenHouse]:
    """Every digest of the house, or the one that was named. One of several that cannot be opened costs only itself.

    Raises `DigestError` when none can be opened.
    """
    from digest.app import App

    house, name = context.house, context.tenant
    chosen = tenants_of(house) if name is None else [Tenant(name, home_of(house, name))]
    apps, broken = {}, []
    with ExitStack() as stack:
        for tenant in chosen:
            try:
                apps[tenant.name] = stack.enter_context(App.open(check_home(tenant.home), web_url=web_url))
            except DigestError as error:
                if len(chosen) == 1:
                    raise
                broken.append(tenant.name)
                _complain_of(tenant.name, error)
        if not apps:
            raise DigestError("none of the digests here can be opened; mend what is said above")
        yield OpenHouse(apps, tuple(broken))


def _complain_of(name: str, error: DigestError) -> None:
    for one in error.mistakes if isinstance(error, SettingsError) else [error]:
        complain(f"{name}: {one}")
