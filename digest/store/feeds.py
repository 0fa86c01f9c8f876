"""Personal feeds: which serial opens one, and what the reader's digests had in them."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import Connection, select, update

from digest.model import Paper, Section
from digest.store.bodies import read_body
from digest.store.dialect import upsert
from digest.store.papers import read_papers
from digest.store.schema import deliveries, messages, papers, shown
from digest.store.schema_operator import feeds

_CHUNK = 500  # values in one IN (...)


@dataclass(frozen=True, slots=True)
class Shown:
    """A paper that was in somebody's digest."""

    paper: Paper
    score: float
    section: Section
    why: tuple[tuple[str, str, float], ...]  # kind, term, contribution
    seen_at: datetime  # when the paper was first picked up


@dataclass(frozen=True, slots=True)
class Past:
    """A digest that can be read again."""

    on: date
    subject: str
    state: str


def renew_feed(tx: Connection, subscriber_id: int, *, now: datetime) -> int:
    """Open a person's feed under a new serial, which it returns; the address before it opens nothing any more."""
    # Numbers of the erased are given again; a feed of theirs must not open for whoever comes after them.
    first = {"subscriber_id": subscriber_id, "serial": int(now.timestamp()), "is_open": 1, "renewed_at": now}
    statement = upsert(tx, feeds).values(first)
    changes = {"serial": feeds.c.serial + 1, "is_open": 1, "renewed_at": now}
    statement = statement.on_conflict_do_update(index_elements=["subscriber_id"], set_=changes)
    return int(tx.execute(statement.returning(feeds.c.serial)).scalar_one())


def revoke_feed(tx: Connection, subscriber_id: int, *, now: datetime) -> bool:
    """Close it. False when it was not open."""
    mine = update(feeds).where(feeds.c.subscriber_id == subscriber_id, feeds.c.is_open == 1)
    return tx.execute(mine.values(is_open=0, renewed_at=now)).rowcount > 0


def feed_of(db: Connection, subscriber_id: int) -> dict[str, Any] | None:
    """What is kept of this person's feed, without what opens it: whether it is open, and since when. None for none."""
    row = db.execute(
        select(feeds.c.is_open, feeds.c.renewed_at).where(feeds.c.subscriber_id == subscriber_id)
    ).first()
    return None if row is None else {"is_open": bool(row.is_open), "since": row.renewed_at}


def feed_serial(db: Connection, subscriber_id: int) -> int | None:
    """The serial that opens this person's feed; None when there is none, or it was revoked."""
    query = select(feeds.c.serial).where(feeds.c.subscriber_id == subscriber_id, feeds.c.is_open == 1)
    return db.execute(query).scalar()


def shown_to(db: Connection, subscriber_id: int, *, limit: int) -> list[Shown]:
    """The papers of a person's newest digests, the newest digest first and the best paper of each first."""
    columns = (shown.c.paper_pk, shown.c.score, shown.c.delivery_id, papers.c.first_seen_at)
    query = select(*columns).join(papers, papers.c.pk == shown.c.paper_pk)
    newest = query.where(shown.c.subscriber_id == subscriber_id).order_by(shown.c.delivery_id.desc())
    rows: Sequence[Any] = db.execute(newest.limit(limit)).all()
    found = read_papers(db, sorted({row.paper_pk for row in rows}))
    scored = [(row, json.loads(row.score)) for row in rows]
    scored.sort(key=lambda pair: (-pair[0].delivery_id, -pair[1]["value"], pair[0].paper_pk))
    return [
        Shown(
            found[row.paper_pk],
            score["value"],
            Section(score["section"]),
            tuple((kind, term, part) for kind, term, part in score["why"]),
            row.first_seen_at,
        )
        for row, score in scored
    ]


def first_seen(db: Connection, pks: Sequence[int]) -> dict[int, datetime]:
    """When the papers of these rows were first picked up, by row."""
    found: dict[int, datetime] = {}
    for start in range(0, len(pks), _CHUNK):
        query = select(papers.c.pk, papers.c.first_seen_at)
        found |= {
            row[0]: row[1] for row in db.execute(query.where(papers.c.pk.in_(pks[start : start + _CHUNK])))
        }
    return found


def digest_bytes(db: Connection, subscriber_id: int, on: date) -> bytes | None:
    """The mail somebody was sent for a day, as it left; None when there was none, or it is no longer kept."""
    mine = (deliveries.c.subscriber_id == subscriber_id, deliveries.c.issue_on == on)
    delivery = db.execute(select(deliveries.c.id).where(*mine)).scalar()
    return None if delivery is None else read_body(db, delivery)


def digests_of(db: Connection, subscriber_id: int, *, limit: int) -> list[Past]:
    """A person's digests that are still kept, the newest first."""
    query = select(deliveries.c.issue_on, deliveries.c.subject, deliveries.c.state)
    query = query.join(messages, messages.c.delivery_id == deliveries.c.id)
    mine = (deliveries.c.subscriber_id == subscriber_id, deliveries.c.issue_on.is_not(None))
    rows = db.execute(query.where(*mine).order_by(deliveries.c.issue_on.desc()).limit(limit))
    return [Past(row.issue_on, row.subject, row.state) for row in rows]
