"""`ingest`, `publish`, `deliver`, and `run`, which does the three of them."""

import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from digest.cli.context import Context, complain, exits_in_words
from digest.cli.output import (
    deliver_as_json,
    ingest_as_json,
    print_deliver,
    print_ingest,
    print_json,
    print_publish,
    publish_as_json,
)
from digest.logs import tell_each_step

if TYPE_CHECKING:  # sqlalchemy and scikit-learn take a second to load; `digest --help` does not need them
    from digest.app import App

AsJson = Annotated[bool, typer.Option("--json", help="Answer in JSON.")]


def ingest(
    ctx: typer.Context,
    paths: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[PATH]...", help="Files, folders or addresses; none: the configured sources."
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Pick up new pages.

    Example: digest ingest ~/Downloads/papers-2026-03-02.json
    """
    from digest.app import App, wait_for_settling

    context: Context = ctx.obj
    with exits_in_words(), App.open(context.home) as app:
        wait_for_settling([Path(path) for path in paths] if paths else app.folders())
        report = app.ingest_paths(paths, now=context.now) if paths else app.ingest(now=context.now)
    print_json(ingest_as_json(report)) if as_json else print_ingest(report)
    raise typer.Exit(1 if report.has_trouble else 0)


def publish(ctx: typer.Context, as_json: AsJson = False) -> None:
    """Queue a digest for everybody who is due.

    Example: digest --now 2026-03-02T07:30:00Z publish
    """
    from digest.app import App

    context: Context = ctx.obj
    with exits_in_words(), App.open(context.home) as app:
        report = app.publish(now=context.now)
    print_json(publish_as_json(report)) if as_json else print_publish(report)
    raise typer.Exit(1 if report.has_trouble else 0)


def deliver(ctx: typer.Context, as_json: AsJson = False) -> None:
    """Send what is queued.

    Example: digest deliver
    """
    from digest.app import App
    from digest.scheduler import stop_on_signals

    context: Context = ctx.obj
    stopping = threading.Event()
    with exits_in_words(), App.open(context.home) as app:
        stop_on_signals(stopping)
        report = app.deliver(clock=context.clock, is_stopping=stopping.is_set)
    print_json(deliver_as_json(report)) if as_json else print_deliver(report)
    raise typer.Exit(1 if report.has_trouble else 0)


def run(
    ctx: typer.Context,
    once: Annotated[bool, typer.Option("--once", help="One round, then stop (for cron).")] = False,
    as_json: AsJson = False,
) -> None:
    """Ingest, publish and deliver, again and again; --once for one round.

    Example: digest run --once
    """
    from digest.app import App
    from digest.scheduler import stop_on_signals

    context: Context = ctx.obj
    stopping = threading.Event()
    with exits_in_words(), App.open(context.home) as app:
        stop_on_signals(stopping)
        if once:
            raise typer.Exit(_one_round(app, context, stopping, as_json=as_json))
        tell_each_step()
        complain(f"running; the home is {app.settings.home}. Stop with Ctrl-C.")
        rounds(app, context.wall_clock, stopping)


def _one_round(app: "App", context: Context, stopping: threading.Event, *, as_json: bool) -> int:
    """The three verbs once. Returns the exit code: 1 when somebody should look."""
    from digest.app import wait_for_settling

    wait_for_settling(app.folders())
    ingested = app.ingest(now=context.now)
    published = app.publish(now=context.now)
    delivered = app.deliver(clock=context.clock, is_stopping=stopping.is_set)
    app.tidy(now=context.now)
    if as_json:
        answer = {"ingest": ingest_as_json(ingested), "publish": publish_as_json(published)}
        print_json({**answer, "deliver": deliver_as_json(delivered)})
    else:
        print_ingest(ingested)
        print_publish(published)
        print_deliver(delivered)
    return 1 if ingested.has_trouble or published.has_trouble or delivered.has_trouble else 0


def rounds(app: "App", now: Callable[[], datetime], stopping: threading.Event) -> None:
    """The verbs at their pace, until `stopping` is set."""
    from digest.scheduler import Job, run_forever

    pace = app.settings.file.schedule
    # Folders are looked at every minute; addresses keep the pace of their own that the ledger knows.
    looks = timedelta(minutes=min(pace.ingest_minutes, 1.0))
    jobs = [
        Job("ingest", lambda: app.ingest(now=now()), looks),
        Job("publish", lambda: app.publish(now=now()), timedelta(minutes=pace.publish_minutes)),
        Job(
            "deliver",
            lambda: app.deliver(clock=now, is_stopping=stopping.is_set),
            timedelta(minutes=pace.deliver_minutes),
        ),
        Job("tidy", lambda: app.tidy(now=now()), timedelta(days=1)),
    ]
    run_forever(jobs, stopping)
