"""Looking at the outbox: what is owed, what left, what did not, and which papers were in it."""

import json
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, func, select, text

from digest.model import DeliveryState
from digest.store.outbox import OPEN
from digest.store.schema import deliveries, papers, shown


def count_deliveries(db: Connection) -> dict[str, int]:
    """How many rows there are of each state."""
    counted = select(deliveries.c.state, func.count()).group_by(deliveries.c.state)
    return {row[0]: row[1] for row in db.execute(counted)}


def oldest_open(db: Connection) -> datetime | None:
    """When the longest waiting unsent message was queued."""
    return db.execute(select(func.min(deliveries.c.queued_at)).where(OPEN)).scalar()


def last_refusals(db: Connection, limit: int = 20) -> list[dict[str, Any]]:
    """The newest messages that did not leave, with what the server said."""
    columns = (
        deliveries.c.id,
        deliveries.c.rcpt_to,
        deliveries.c.state,
        deliveries.c.attempts,
        deliveries.c.last_reply,
    )
    refused = select(*columns).where(text("state IN ('deferred', 'failed', 'suppressed', 'unknown', 'held')"))
    return [dict(row) for row in db.execute(refused.order_by(deliveries.c.id.desc()).limit(limit)).mappings()]


def failed_since(db: Connection, since: datetime) -> tuple[int, str]:
    """How many messages were given up since then, alerts aside, and what was said of the last one."""
    failed = select(func.count(), func.max(deliveries.c.id)).where(
        deliveries.c.kind != "alert", deliveries.c.state == "failed", deliveries.c.settled_at > since
    )
    count, last = db.execute(failed).one()
    reply = select(deliveries.c.last_reply).where(deliveries.c.id == last)
    return count, db.execute(reply).scalar() or ""


def newest_deliveries(db: Connection, limit: int, state: DeliveryState | None = None) -> list[dict[str, Any]]:
    """The newest deliveries, all or those in one state.

    With id, kind, state, day, subscriber, subject, attempts and what the server said.
    """
    columns = (
        deliveries.c.id,
        deliveries.c.kind,
        deliveries.c.state,
        deliveries.c.issue_on.label("on"),
        deliveries.c.rcpt_to.label("subscriber"),
        deliveries.c.subject,
        deliveries.c.attempts,
        deliveries.c.queued_at,
        deliveries.c.settled_at,
        deliveries.c.last_reply,
    )
    newest = select(*columns).order_by(deliveries.c.id.desc()).limit(limit)
    chosen = newest if state is None else newest.where(deliveries.c.state == state)
    return [dict(row) for row in db.execute(chosen).mappings()]


def shown_in(db: Connection, delivery_id: int) -> list[dict[str, Any]]:
    """The papers of one digest, best first: id, title, score, section and reasons."""
    query = select(papers.c.id, papers.c.title, shown.c.score).join(shown, shown.c.paper_pk == papers.c.pk)
    rows = [
        (row.id, row.title, json.loads(row.score))
        for row in db.execute(query.where(shown.c.delivery_id == delivery_id))
    ]
    rows.sort(key=lambda row: (-row[2]["value"], row[0]))
    return [
        {
            "id": paper_id,
            "title": title,
            "score": score["value"],
            "section": score["section"],
            "why": score["why"],
        }
        for paper_id, title, score in rows
    ]


def shown_score(db: Connection, subscriber_id: int, paper_pk: int) -> dict[str, Any] | None:
    """With which score and reasons this person was shown this paper, and when; None when they were not."""
    query = select(shown.c.score, deliveries.c.issue_on, deliveries.c.state).join(
        deliveries, deliveries.c.id == shown.c.delivery_id
    )
    row = db.execute(
        query.where(shown.c.subscriber_id == subscriber_id, shown.c.paper_pk == paper_pk)
    ).first()
    return None if row is None else {**json.loads(row.score), "on": row.issue_on, "state": row.state}
