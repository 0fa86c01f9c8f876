"""`digest status`: sources, people, outbox, and what needs a look; once, or again and again."""

import signal
import sys
import threading
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any

import typer

from digest.cli.context import Context, exits_in_words
from digest.cli.output import print_json, print_table, to_json
from digest.cli.sources import print_states, states

if TYPE_CHECKING:
    from digest.app import App
    from digest.errors import Mistake


_WEEK = timedelta(days=7)  # for so long a page that gave nothing is worth a look


def status(
    ctx: typer.Context,
    watch: Annotated[
        float | None, typer.Option("--watch", min=0.2, help="Again every so many seconds, until Ctrl-C.")
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Answer in JSON; one line each with --watch.")
    ] = False,
) -> None:
    """Show sources, people, outbox, and what needs a look.

    Example: digest status --watch 5
    """
    from digest.app import App

    context: Context = ctx.obj
    with exits_in_words(), App.open(context.home) as app:
        if watch is None:
            answer = _look(app, context.now)
            print_json(answer) if as_json else _print(answer)
        else:
            _watch(app, context, watch, as_json=as_json)


def _watch(app: "App", context: Context, seconds: float, *, as_json: bool) -> None:
    stopping = threading.Event()
    for signum in (signal.SIGINT, signal.SIGTERM):
        signal.signal(signum, lambda *_: stopping.set())
    while not stopping.is_set():
        answer = _look(app, context.clock())
        if as_json:
            typer.echo(to_json(answer))
        else:
            _clear()
            _print(answer)
        stopping.wait(seconds)


def _clear() -> None:
    """The cursor home and the screen empty, on a terminal."""
    if sys.stdout.isatty():
        typer.echo("\x1b[H\x1b[2J", nl=False)


def _look(app: "App", now: datetime) -> dict[str, Any]:
    from digest.alerts import hindrances
    from digest.profiles import read_profiles
    from digest.store import history, papers, people, sources

    found = states(app)
    reads = read_profiles(app.settings.subscribers_folder)
    broken = [
        {"file": read.path.name, "reason": _without_file(one)} for read in reads for one in read.mistakes
    ]
    home, alerts = app.settings.home, app.settings.file.alerts
    with app.store.reading() as db:
        return {
            "home": home,
            "stopped": [trouble._asdict() for trouble in hindrances(db, alerts, home)],
            "papers": papers.count_papers(db),
            "sources": found,
            "subscribers": people.count_subscribers(db),
            "broken_profiles": broken,
            "outbox": history.count_deliveries(db),
            "waiting_since": history.oldest_open(db),
            "pages_with_trouble": sources.pages_with_trouble(db, now - _WEEK),
            "refusals": history.last_refusals(db),
            "skips": people.last_skips(db, 10),
        }


def _without_file(mistake: "Mistake") -> str:
    return f"{mistake.key}: {mistake.remedy}" if mistake.key else mistake.remedy


def _print(answer: dict[str, Any]) -> None:
    typer.echo(f"home         {answer['home']}")
    typer.echo(f"papers       {answer['papers']}")
    typer.echo(f"subscribers  {_counts(answer['subscribers']) or 'none; write config/subscribers/NAME.toml'}")
    typer.echo(f"outbox       {_counts(answer['outbox']) or 'empty'}")
    if answer["waiting_since"]:
        typer.echo(f"waiting      since {answer['waiting_since']:%Y-%m-%d %H:%M} UTC")
    for trouble in answer["stopped"]:
        typer.echo(f"stopped      {trouble['what']}. {trouble['detail']}. {trouble['remedy']}")
    typer.echo("")
    print_states(answer["sources"])
    for title, rows in (
        ("Profiles that cannot be read", [(p["file"], p["reason"]) for p in answer["broken_profiles"]]),
        (
            "Pages that gave nothing",
            [(p["status"], p["name"], p["reason"]) for p in answer["pages_with_trouble"]],
        ),
        (
            "Mail that did not leave",
            [(r["state"], r["rcpt_to"], r["last_reply"]) for r in answer["refusals"]],
        ),
        ("Nobody mailed, and why", [(s["on"], s["subscriber"], s["reason"]) for s in answer["skips"]]),
    ):
        if rows:
            typer.echo("")
            print_table(("",) * len(rows[0]), rows, title=title)


def _counts(counts: dict[str, int]) -> str:
    return ", ".join(f"{count} {name}" for name, count in sorted(counts.items()))
