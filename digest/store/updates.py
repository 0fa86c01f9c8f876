"""Papers that people were shown before: how many upvotes they had then, and whether their rise was told since."""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import Connection, bindparam, select, update

from digest.store.schema import deliveries, listings, pages, shown

_CHUNK = 500  # values in one IN (...)


@dataclass(frozen=True, slots=True)
class ShownBefore:
    """A paper somebody has had, of which no update was told."""

    subscriber_id: int
    paper_pk: int
    shown_on: date
    upvotes: int  # as far as we knew when that mail was written


def shown_before(
    db: Connection, subscriber_ids: Sequence[int], paper_pks: Collection[int]
) -> Iterator[ShownBefore]:
    """Which of these papers these people were shown, and how much liked they were then."""
    if not paper_pks:
        return
    counted = _counted(db, paper_pks)
    query = select(shown.c.subscriber_id, shown.c.paper_pk, deliveries.c.issue_on, deliveries.c.queued_at)
    query = query.join(deliveries, deliveries.c.id == shown.c.delivery_id)
    query = query.where(shown.c.paper_pk.in_(paper_pks), shown.c.updated_on.is_(None))
    for start in range(0, len(subscriber_ids), _CHUNK):
        some = shown.c.subscriber_id.in_(subscriber_ids[start : start + _CHUNK])
        for subscriber_id, pk, on, at in db.execute(query.where(some, deliveries.c.issue_on.is_not(None))):
            known = counted[pk]
            before = bisect_right(known, at, key=lambda one: one[0])
            most = max((upvotes for _, upvotes in known[:before]), default=0)
            yield ShownBefore(subscriber_id, pk, on, most)


def tell_updates(tx: Connection, told: Sequence[tuple[int, int, date]]) -> None:
    """Remember that these updates (subscriber, row of the paper, local date) were told: they never are again."""
    if told:
        is_row = shown.c.subscriber_id == bindparam("of"), shown.c.paper_pk == bindparam("pk")
        change = update(shown).where(*is_row).values(updated_on=bindparam("told_on"))
        tx.execute(change, [{"of": person, "pk": pk, "told_on": on} for person, pk, on in told])


def _counted(db: Connection, paper_pks: Collection[int]) -> dict[int, list[tuple[datetime, int]]]:
    """The upvotes of each paper by when a page was read that said them, the oldest first."""
    counted: defaultdict[int, list[tuple[datetime, int]]] = defaultdict(list)
    query = select(listings.c.paper_pk, pages.c.fetched_at, listings.c.upvotes)
    query = query.join(pages, pages.c.id == listings.c.page_id).order_by(pages.c.fetched_at, pages.c.id)
    for pk, at, upvotes in db.execute(query.where(listings.c.paper_pk.in_(paper_pks))):
        if upvotes is not None:
            counted[pk].append((at, upvotes))
    return counted
