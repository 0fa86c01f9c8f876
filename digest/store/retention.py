"""Forgetting what has served its purpose, a little at a time, so that no reader's mail waits for it."""

from datetime import datetime

from sqlalchemy import ColumnElement, Connection, and_, delete, select, tuple_

from digest.model import DeliveryState
from digest.store.schema import bounces, deliveries, messages, skips

# What is still owed, in doubt or kept back by the operator is never forgotten, however old.
_OVER = (DeliveryState.SENT, DeliveryState.FAILED, DeliveryState.SUPPRESSED)
CHUNK = 500  # rows in one transaction


def forget_messages(tx: Connection, before: datetime) -> int:
    """Forget the text of mails that were settled before then; that they were sent stays known. Returns how many, at
    most `CHUNK`."""
    old = select(messages.c.delivery_id).join(deliveries).where(_settled(before)).limit(CHUNK)
    ids = list(tx.scalars(old))
    tx.execute(delete(messages).where(messages.c.delivery_id.in_(ids)))
    return len(ids)


def forget_deliveries(tx: Connection, before: datetime) -> int:
    """Forget mails that were settled before then, with the papers they showed. Returns how many, at most `CHUNK`."""
    ids = list(tx.scalars(select(deliveries.c.id).where(_settled(before)).limit(CHUNK)))
    tx.execute(delete(deliveries).where(deliveries.c.id.in_(ids)))
    return len(ids)


def forget_skips(tx: Connection, before: datetime) -> int:
    """Forget why people got nothing before then. Returns how many, at most `CHUNK`."""
    old = select(skips.c.subscriber_id, skips.c.issue_on).where(skips.c.skipped_at < before).limit(CHUNK)
    keys = [tuple(row) for row in tx.execute(old)]
    tx.execute(delete(skips).where(tuple_(skips.c.subscriber_id, skips.c.issue_on).in_(keys)))
    return len(keys)


def forget_bounces(tx: Connection, before: datetime) -> int:
    """Forget reports that came back before then; suppressions stay. Returns how many, at most `CHUNK`."""
    old = select(bounces.c.content_hash).where(bounces.c.received_at < before).limit(CHUNK)
    keys = list(tx.scalars(old))
    tx.execute(delete(bounces).where(bounces.c.content_hash.in_(keys)))
    return len(keys)


def _settled(before: datetime) -> ColumnElement[bool]:
    return and_(deliveries.c.state.in_(_OVER), deliveries.c.settled_at < before)
