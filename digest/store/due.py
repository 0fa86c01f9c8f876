"""Who is due, a page at a time by the index of due instants, and when they are looked at next."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime

from sqlalchemy import ColumnElement, Connection, delete, literal, literal_column, select, tuple_, update

from digest.model import Skip
from digest.store.dialect import any_of, upsert
from digest.store.people import Subscriber, list_subscribers
from digest.store.schema import Instant, RowId, skips, subscribers

# Written out, not bound: a partial index serves only a condition the planner can read.
ACTIVE: ColumnElement[bool] = literal_column("subscribers.status = 'active'")
Place = tuple[datetime, int]  # where the last page ended: due instant and number


def due_subscribers(
    db: Connection, now: datetime, *, after: Place | None = None, limit: int = 500
) -> list[Subscriber]:
    """Active people whose next look has come, the longest waiting first: ask again with `after` for the next ones."""
    query = select(subscribers).where(ACTIVE, subscribers.c.next_due_at <= now)
    if after is not None:
        query = query.where(_beyond(after))
    return list_subscribers(db, query.order_by(subscribers.c.next_due_at, subscribers.c.id).limit(limit))


def due_numbers(db: Connection, now: datetime, *, since: datetime | None, size: int) -> Iterator[list[int]]:
    """The same people as numbers, in parts of `size`; only those due after `since`, when that is given."""
    after: Place | None = None
    while True:
        query = select(subscribers.c.next_due_at, subscribers.c.id).where(
            ACTIVE, subscribers.c.next_due_at <= now
        )
        if since is not None:
            query = query.where(subscribers.c.next_due_at > since)
        if after is not None:
            query = query.where(_beyond(after))
        rows = db.execute(query.order_by(subscribers.c.next_due_at, subscribers.c.id).limit(size)).all()
        if not rows:
            return
        yield [row.id for row in rows]
        after = (rows[-1].next_due_at, rows[-1].id)


def still_due(db: Connection, numbers: Sequence[int], now: datetime) -> list[Subscriber]:
    """Those of these people who are active and due at `now`, in order of their numbers. At most 500 numbers."""
    query = select(subscribers).where(ACTIVE, subscribers.c.next_due_at <= now, subscribers.c.id.in_(numbers))
    return list_subscribers(db, query.order_by(subscribers.c.id))


def lock_due(tx: Connection, numbers: Sequence[int], now: datetime) -> set[int]:
    """Which of these people still want their digest: nobody erased them, they did not leave, pause or choose another time.

    They stay there until the transaction ends.
    """
    these = any_of(tx, subscribers.c.id, numbers)
    query = select(subscribers.c.id).where(these, ACTIVE, subscribers.c.next_due_at <= now)
    return set(tx.scalars(query.order_by(subscribers.c.id).with_for_update(read=True, key_share=True)).all())


def move_due(tx: Connection, following: Mapping[int, datetime], *, now: datetime) -> None:
    """Set when to look at each of these people again; whoever chose another time meanwhile keeps it."""
    by_instant: dict[datetime, list[int]] = {}
    for number, instant in sorted(following.items()):
        by_instant.setdefault(instant, []).append(number)
    for instant, numbers in by_instant.items():
        still = any_of(tx, subscribers.c.id, numbers), subscribers.c.next_due_at <= now
        change = update(subscribers).where(*still).values(next_due_at=instant)
        tx.execute(change, execution_options={"synchronize_session": False})


def record_skips(tx: Connection, decided: Sequence[tuple[int, date, Skip]], now: datetime) -> None:
    """Store why these people get nothing on these days; a later decision for the same day replaces it."""
    if not decided:
        return
    rows = [
        {"subscriber_id": number, "issue_on": on, "why": skip.why, "detail": skip.detail, "skipped_at": now}
        for number, on, skip in decided
    ]
    statement = upsert(tx, skips)
    changes = {key: statement.excluded[key] for key in ("why", "detail", "skipped_at")}
    tx.execute(
        statement.on_conflict_do_update(index_elements=["subscriber_id", "issue_on"], set_=changes), rows
    )


def drop_skips(tx: Connection, decided: Sequence[tuple[int, date]]) -> None:
    """There are digests after all."""
    for on in sorted({on for _, on in decided}):
        numbers = [number for number, day in decided if day == on]
        tx.execute(delete(skips).where(skips.c.issue_on == on, any_of(tx, skips.c.subscriber_id, numbers)))


def _beyond(place: Place) -> ColumnElement[bool]:
    here = tuple_(literal(place[0], Instant), literal(place[1], RowId))
    return tuple_(subscribers.c.next_due_at, subscribers.c.id) > here
