"""`digest sources`: list them, try one out, add one."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from digest.cli.context import Context, exits_in_words
from digest.cli.output import print_json, print_table
from digest.mail.wording import counted

if TYPE_CHECKING:
    from digest.app import App
    from digest.sources import Trial

AsJson = Annotated[bool, typer.Option("--json", help="Answer in JSON.")]

sources = typer.Typer(help="Where pages come from, and what each place said the last time.")


@sources.callback(invoke_without_command=True)
def list_sources(ctx: typer.Context, as_json: AsJson = False) -> None:
    """List the sources and what each said the last time.

    Example: digest sources
    """
    if ctx.invoked_subcommand is not None:
        return
    from digest.app import App

    context: Context = ctx.obj
    with exits_in_words(), App.open(context.home) as app:
        found = states(app)
    print_json(found) if as_json else print_states(found)


def states(app: "App") -> list[dict[str, Any]]:
    """Every configured source with its state; one that was never tried is `new`."""
    from digest.store.sources import source_state

    found = []
    with app.store.reading() as db:
        for source in app.sources():
            state = source_state(db, source.name)
            known = asdict(state) if state else {"state": "new", "reason": None}
            place = source.url or str(source.path)
            found.append(
                {"name": source.name, "place": place} | {k: v for k, v in known.items() if k != "name"}
            )
    return found


def print_states(found: list[dict[str, Any]]) -> None:
    """One line a source, in words a person acts on."""
    rows = []
    for source in found:
        succeeded = source.get("succeeded_at")
        last = f"{succeeded:%Y-%m-%d %H:%M} UTC" if succeeded else "never"
        upcoming = f"next try {source['next_try_at']:%Y-%m-%d %H:%M} UTC" if source.get("failures") else ""
        told = "; ".join(filter(None, [source["reason"], upcoming]))
        rows.append((source["name"], source["state"], last, source.get("papers", 0), source["place"], told))
    none = "no source is configured; `digest sources add PLACE` adds one"
    print_table(("source", "state", "last success", "papers", "place", ""), rows, none=none)


@sources.command("test")
def try_source(
    ctx: typer.Context, name: Annotated[str, typer.Argument(help="A source's name.")], as_json: AsJson = False
) -> None:
    """Fetch one source and show what is understood of it; nothing is stored.

    Example: digest sources test pages
    """
    from digest.app import App
    from digest.errors import DigestError

    context: Context = ctx.obj
    with exits_in_words(), App.open(context.home) as app:
        chosen = next((source for source in app.sources() if source.name == name), None)
        if chosen is None:
            known = ", ".join(source.name for source in app.sources())
            raise DigestError(f'no source is called "{name}"; there are: {known}')
        trials = app.try_source(chosen, now=context.now)
    _print_trials(trials, as_json=as_json)


@sources.command("add")
def add(
    ctx: typer.Context,
    place: Annotated[str, typer.Argument(help="An address, a folder or a saved page.")],
    name: Annotated[str | None, typer.Option("--name", help="What to call it.")] = None,
    as_json: AsJson = False,
) -> None:
    """Recognise a place's format and write its entry into config/digest.toml.

    Example: digest sources add https://huggingface.co/papers
    """
    from digest.app import App
    from digest.sources import add_source, entry_for

    context: Context = ctx.obj
    with exits_in_words(), App.open(context.home) as app:
        wanted = entry_for(place, name, home=app.settings.home)
        trials = app.try_source(app.source(wanted), now=context.now)
        if all(trial.parsed.status in ("broken", "unrecognised") for trial in trials):
            _print_trials(trials, as_json=as_json)
        file = add_source(app.settings.home, wanted)
    typer.echo(
        f'added "{wanted.name}" to {file}; a program that runs already takes it up when it is started again',
        err=as_json,
    )
    _print_trials(trials, as_json=as_json)


def _print_trials(trials: list["Trial"], *, as_json: bool) -> None:
    """What each page turned out to be. Exits 1 when none of them was understood."""
    if as_json:
        print_json([_trial_as_json(trial) for trial in trials])
    else:
        for trial in trials:
            parsed = trial.parsed
            typer.echo(
                f"{parsed.status:<12} {trial.page}: {parsed.format or 'no known format'}, {counted(len(parsed.papers), 'paper')}"
            )
            if parsed.reason:
                typer.echo(f"{'':<12} {parsed.reason}")
            rows = [
                (paper.id, paper.title, paper.published_on, paper.upvotes, paper.comments)
                for paper in parsed.papers[:5]
            ]
            if rows:
                print_table(("id", "title", "published", "upvotes", "comments"), rows)
    if all(trial.parsed.status in ("broken", "unrecognised") for trial in trials):
        raise typer.Exit(1)


def _trial_as_json(trial: "Trial") -> dict[str, Any]:
    parsed = trial.parsed
    said = {
        "page": trial.page,
        "format": parsed.format,
        "status": parsed.status,
        "papers": len(parsed.papers),
    }
    return said | {"reason": parsed.reason, "rejected": [asdict(rejected) for rejected in parsed.rejected]}
