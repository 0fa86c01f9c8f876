"""Figures for whoever runs it: how much went out each day, what waits, and what is in trouble."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, Date, cast, func, select

from digest.store.outbox import OPEN
from digest.store.schema import bounces, deliveries, pages, sources, subscribers, suppressions

STATES = ("sent", "queued", "sending", "deferred", "failed", "suppressed", "unknown", "held")


@dataclass(frozen=True, slots=True)
class Waiting:
    """What is still owed."""

    count: int
    oldest_at: datetime | None  # when the longest waiting one was queued


def deliveries_by_day(db: Connection, *, days: int, now: datetime) -> dict[date, dict[str, int]]:
    """How many deliveries were queued on each of the last `days` days (UTC), by the state they are in now."""
    first = (now - timedelta(days=days - 1)).date()
    found: dict[date, dict[str, int]] = {first + timedelta(days=n): {} for n in range(days)}
    since = now.replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=days - 1)
    day = _day_of(db, deliveries.c.queued_at)
    counted = select(day, deliveries.c.state, func.count()).where(deliveries.c.queued_at >= since)
    for on, state, count in db.execute(counted.group_by(day, deliveries.c.state)):
        found.setdefault(_as_date(on), {})[state] = count
    return found


def pages_by_day(db: Connection, *, days: int, now: datetime) -> dict[date, dict[str, int]]:
    """How many papers came on each of the last `days` days (UTC), by source."""
    first = (now - timedelta(days=days - 1)).date()
    found: dict[date, dict[str, int]] = {first + timedelta(days=n): {} for n in range(days)}
    since = now.replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=days - 1)
    day = _day_of(db, pages.c.fetched_at)
    counted = select(day, pages.c.source, func.sum(pages.c.papers)).where(pages.c.fetched_at >= since)
    for on, source, count in db.execute(counted.group_by(day, pages.c.source)):
        found.setdefault(_as_date(on), {})[source] = int(count)
    return found


def _day_of(db: Connection, column: ColumnElement[datetime]) -> ColumnElement[Any]:
    """The UTC day of an instant. SQLite keeps them as text in UTC; PostgreSQL would take the session's zone."""
    if db.dialect.name == "sqlite":
        return func.date(column)
    return cast(func.timezone("UTC", column), Date)


def _as_date(value: date | str) -> date:
    return date.fromisoformat(value) if isinstance(value, str) else value


def waiting(db: Connection) -> Waiting:
    """What is open in the outbox."""
    row = db.execute(select(func.count(), func.min(deliveries.c.queued_at)).where(OPEN)).one()
    return Waiting(int(row[0]), row[1])


def count_suppressions(db: Connection) -> dict[str, int]:
    """How many addresses are not mailed, by reason."""
    counted = select(suppressions.c.reason, func.count()).group_by(suppressions.c.reason)
    return {row[0]: row[1] for row in db.execute(counted)}


def count_bounces(db: Connection) -> dict[str, int]:
    """How much mail came back, by kind."""
    counted = select(bounces.c.kind, func.count()).group_by(bounces.c.kind)
    return {row[0]: row[1] for row in db.execute(counted)}


def count_pages(db: Connection) -> dict[tuple[str, str], tuple[int, int]]:
    """How many pages were picked up, by source and status, and how many papers they listed."""
    counted = select(pages.c.source, pages.c.status, func.count(), func.sum(pages.c.papers))
    rows = db.execute(counted.group_by(pages.c.source, pages.c.status))
    return {(source, status): (count, int(listed)) for source, status, count, listed in rows}


def source_rows(db: Connection) -> list[dict[str, Any]]:
    """Every source that was ever tried, in order of name."""
    return [dict(row) for row in db.execute(select(sources).order_by(sources.c.name)).mappings()]


def people_page(db: Connection, *, like: str, after_id: int, limit: int) -> list[dict[str, Any]]:
    """People whose address contains `like`, in order of id, those after `after_id`."""
    columns = (
        subscribers.c.id,
        subscribers.c.email,
        subscribers.c.status,
        subscribers.c.status_reason,
        subscribers.c.owner,
        subscribers.c.next_due_at,
    )
    found = select(*columns).where(subscribers.c.id > after_id)
    if like:
        found = found.where(subscribers.c.address_key.contains(like.lower(), autoescape=True))
    return [dict(row) for row in db.execute(found.order_by(subscribers.c.id).limit(limit)).mappings()]


def deliveries_page(
    db: Connection, *, state: str | None = None, address: str = "", before_id: int | None = None, limit: int
) -> list[dict[str, Any]]:
    """Deliveries, the newest first: those of one state, to one address (its keyed hash), older than `before_id`."""
    columns = (
        deliveries.c.id,
        deliveries.c.kind,
        deliveries.c.state,
        deliveries.c.rcpt_to,
        deliveries.c.subject,
        deliveries.c.attempts,
        deliveries.c.issue_on,
        deliveries.c.queued_at,
        deliveries.c.due_at,
        deliveries.c.settled_at,
        deliveries.c.last_reply,
    )
    found = select(*columns)
    if state is not None:
        found = found.where(deliveries.c.state == state)
    if address:
        found = found.where(deliveries.c.address_hash == address)
    if before_id is not None:
        found = found.where(deliveries.c.id < before_id)
    return [dict(row) for row in db.execute(found.order_by(deliveries.c.id.desc()).limit(limit)).mappings()]
