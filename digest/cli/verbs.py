"""`ingest`, `publish`, `deliver`, and `run`, which does the three of them."""

import threading
from collections.abc import Callable, Mapping
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
from digest.cli.tenants import opened
from digest.cli.watching import keeping_up
from digest.logs import tell_each_step
from digest.traces import start_tracing

if TYPE_CHECKING:  # sqlalchemy and scikit-learn take a second to load; `digest --help` does not need them
    from digest.app import App
    from digest.cli.tenants import OpenHouse
    from digest.commands import MailboxReport
    from digest.deliver import DeliverReport
    from digest.ingest import IngestReport
    from digest.publish import PublishReport
    from digest.scheduler import Job
    from digest.tables import ScheduleSettings

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
    from digest.app import App
    from digest.pages.places import wait_for_settling

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
    """Ingest, publish and deliver, again and again; --once for one round. A house of several digests: all of them.

    Example: digest run --once
    """
    from digest.scheduler import stop_on_signals

    if as_json and not once:
        raise typer.BadParameter(
            "give --once, too: rounds without an end have no answer", param_hint="--json"
        )
    context: Context = ctx.obj
    stopping = threading.Event()
    with exits_in_words(), opened(context) as house:
        stop_on_signals(stopping)
        if once:
            raise typer.Exit(_one_round(house, context, stopping, as_json=as_json))
        tell_each_step()
        start_tracing()
        for app in house.apps.values():
            complain(f"running; the home is {app.settings.home}. Stop with Ctrl-C.")
        with keeping_up(house.apps):
            rounds(house.apps, context.wall_clock, stopping)


def _one_round(house: "OpenHouse", context: Context, stopping: threading.Event, *, as_json: bool) -> int:
    """The three verbs once, for every digest. Returns the exit code: 1 when somebody should look."""
    answers = {}
    is_well = not house.broken
    for name, app in house.apps.items():
        if name and not as_json:
            typer.echo(f"== {name}")
        read, done = _verbs(app, context, stopping, is_told=not as_json)
        is_well &= not any(report.has_trouble for report in (read, *done))
        if as_json:
            answers[name] = _as_json(*done)
    if as_json:
        print_json(answers.get("", answers))
    return 0 if is_well else 1


def _verbs(
    app: "App", context: Context, stopping: threading.Event, *, is_told: bool
) -> "tuple[MailboxReport, tuple[IngestReport, PublishReport, DeliverReport]]":
    """One after the other, each told as soon as it is done: what breaks a later one does not hide it."""
    from digest.pages.places import wait_for_settling

    wait_for_settling(app.folders())
    read = app.read_mailbox(now=context.now)
    if read.stopped:
        complain(read.stopped)
    ingested = app.ingest(now=context.now)
    if is_told:
        print_ingest(ingested)
    published = app.publish(now=context.now)
    if is_told:
        print_publish(published)
    app.alert(now=context.now)
    delivered = app.deliver(clock=context.clock, is_stopping=stopping.is_set)
    if is_told:
        print_deliver(delivered)
    app.tidy(now=context.now)
    return read, (ingested, published, delivered)


def _as_json(
    ingested: "IngestReport", published: "PublishReport", delivered: "DeliverReport"
) -> dict[str, object]:
    answer = {"ingest": ingest_as_json(ingested), "publish": publish_as_json(published)}
    return {**answer, "deliver": deliver_as_json(delivered)}


def rounds(apps: "Mapping[str, App]", now: Callable[[], datetime], stopping: threading.Event) -> None:
    """The verbs of every digest at their pace, until `stopping` is set."""
    from digest.scheduler import leading, run_forever

    jobs = [job for name, app in apps.items() for job in _jobs(name, app, now, stopping)]
    with leading([app.store.leadership("schedule") for _, app in sorted(apps.items())]) as leads:
        run_forever(jobs, stopping, leads)


def _jobs(name: str, app: "App", now: Callable[[], datetime], stopping: threading.Event) -> "list[Job]":
    from digest.scheduler import Job

    def pace() -> "ScheduleSettings":
        return app.settings.file.schedule

    of = f"{name}/" if name else ""
    publish, deliver = _own_hands(app, now, stopping)
    return [
        Job(f"{of}mailbox", lambda: app.read_mailbox(now=now()), lambda: timedelta(minutes=1)),
        # Folders are looked at every minute; addresses keep the pace of their own that the ledger knows.
        Job(
            f"{of}ingest",
            lambda: app.ingest(now=now()),
            lambda: timedelta(minutes=min(pace().ingest_minutes, 1.0)),
        ),
        Job(f"{of}publish", publish, lambda: timedelta(minutes=pace().publish_minutes)),
        Job(f"{of}deliver", deliver, lambda: timedelta(minutes=pace().deliver_minutes)),
        Job(f"{of}alert", lambda: app.alert(now=now()), lambda: timedelta(minutes=5)),
        Job(f"{of}tidy", lambda: app.tidy(now=now()), lambda: timedelta(days=1)),
    ]


def _own_hands(
    app: "App", now: Callable[[], datetime], stopping: threading.Event
) -> tuple[Callable[[], object], Callable[[], object]]:
    """Publishing and sending, by this process or by workers it wakes."""
    if app.settings.file.cluster.engine == "none":
        return lambda: app.publish(now=now()), lambda: app.deliver(clock=now, is_stopping=stopping.is_set)
    from digest.cluster import Planner

    planner = Planner(app)
    return lambda: planner.plan(now=now()), lambda: planner.wake_delivery(now=now())
