"""The first page of the operator: is everything in order, and if not, what to do."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from markupsafe import Markup
from sqlalchemy import Connection
from starlette.responses import Response
from starlette.routing import Route

from digest.mail.notices import Trouble
from digest.settings import Settings
from digest.store import figures
from digest.store.audit import Act, last_acts
from digest.store.halt import Halt, current_halt
from digest.store.history import count_deliveries
from digest.store.outages import Outage, current_outage
from digest.store.papers import count_papers
from digest.store.people import count_subscribers
from digest.store.rounds import Round, every_round
from digest.web.charts import Bars, bars, legend
from digest.web.operator.login import HOME, Gate, Visit
from digest.web.operator.troubles import coded, troubles_now

_DAYS = 14
_ACTS = 20
_PEOPLE = ("active", "pending", "paused", "unsubscribed")


@dataclass(frozen=True, slots=True)
class Survey:
    """How the house stands at one moment, in one consistent view."""

    troubles: list[Trouble]
    people: dict[str, int]
    papers: int
    outbox: dict[str, int]
    waiting: figures.Waiting
    mails_by_day: dict[date, dict[str, int]]
    papers_by_day: dict[date, dict[str, int]]
    sources: list[dict[str, Any]]
    rounds: dict[str, Round]
    suppressed: dict[str, int]
    halt: Halt | None
    outage: Outage | None
    acts: list[Act]


def survey(db: Connection, settings: Settings, *, now: datetime) -> Survey:
    """Read everything the page shows."""
    return Survey(
        troubles=troubles_now(db, settings, now=now),
        people=count_subscribers(db),
        papers=count_papers(db),
        outbox=count_deliveries(db),
        waiting=figures.waiting(db),
        mails_by_day=figures.deliveries_by_day(db, days=_DAYS, now=now),
        papers_by_day=figures.pages_by_day(db, days=_DAYS, now=now),
        sources=figures.source_rows(db),
        rounds=every_round(db),
        suppressed=figures.count_suppressions(db),
        halt=current_halt(db),
        outage=current_outage(db),
        acts=last_acts(db, _ACTS),
    )


def routes(gate: Gate) -> list[Route]:
    """Where it is."""
    return [gate.view(HOME, show)]


async def show(visit: Visit) -> Response:
    """The page."""
    now = visit.desk.clock()
    settings = visit.desk.app.settings
    found = await visit.desk.read(lambda db: survey(db, settings, now=now))
    configured = {source.name for source in settings.file.source}
    return visit.page(
        "overview.html",
        now=now,
        found=found,
        people={status: found.people.get(status, 0) for status in _PEOPLE},
        states=[(state, found.outbox[state]) for state in figures.STATES if found.outbox.get(state)],
        mails=chart("mails", "Mails of each day, by what became of them", found.mails_by_day, figures.STATES),
        papers=papers_chart(found.papers_by_day),
        give_up=f"{settings.file.delivery.give_up_after_hours:g}",
        coded=coded,
        never_tried=sorted(configured - {row["name"] for row in found.sources}),
    )


@dataclass(frozen=True, slots=True)
class Drawn:
    """A chart, its legend, and the table for whoever prefers figures."""

    chart: Markup
    legend: Markup
    parts: tuple[str, ...]
    rows: tuple[tuple[date, tuple[int, ...]], ...]


def chart(
    name: str, title: str, days: Mapping[date, Mapping[str, int]], parts: tuple[str, ...], noun: str = "mails"
) -> Drawn:
    """One chart; parts that never occur are left out."""
    used = tuple(part for part in parts if any(day.get(part) for day in days.values()))
    figures_of = {part: tuple(day.get(part, 0) for day in days.values()) for part in used}
    drawn = bars(Bars(name, title, tuple(days), figures_of, noun))
    rows = tuple((on, tuple(day.get(part, 0) for part in used)) for on, day in days.items())
    return Drawn(drawn, legend(used), used, rows)


def papers_chart(days: Mapping[date, Mapping[str, int]]) -> Drawn:
    """Papers of each day, all sources together: what matters is a day that has none."""
    together = {on: {"papers": sum(day.values())} for on, day in days.items()}
    return chart("papers", "Papers picked up each day", together, ("papers",), "papers")
