"""What happens to rows of the outbox without a worker's word: leases of the dead, poison, doubt, and age."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import (
    ColumnElement,
    Connection,
    bindparam,
    exists,
    func,
    literal,
    literal_column,
    select,
    update,
)

from digest.model import Delivery, DeliveryState
from digest.store.outbox import SENDING, WAITING
from digest.store.schema import deliveries, subscribers, suppressions
from digest.store.withdrawn import withdraw

MAX_TAKEOVERS = 4


def held_leases(db: Connection) -> set[str]:
    """Who holds rows at the moment."""
    return set(db.execute(select(deliveries.c.lease_owner).where(SENDING).distinct()).scalars())


def release_dead(tx: Connection, owner: str, *, now: datetime) -> int:
    """The worker `owner` is gone: whatever it held may be claimed at once. Returns how many rows."""
    held = (SENDING, deliveries.c.lease_owner == owner)
    return tx.execute(update(deliveries).where(*held).values(due_at=now)).rowcount


def bury_poison(tx: Connection, *, now: datetime) -> int:
    """Fail the rows whose workers died or stalled too often, so that they stop taking the others down. Returns how many."""
    poisonous = (SENDING, deliveries.c.due_at <= now, deliveries.c.takeovers >= MAX_TAKEOVERS)
    reply = (
        f"given up: {MAX_TAKEOVERS + 1} workers died or stalled while sending it; `digest outbox show` has its"
        " bytes, `digest outbox retry` tries it again"
    )
    return _fail(tx, poisonous, reply, now)


def expire(tx: Connection, *, queued_before: datetime, now: datetime) -> int:
    """Fail what has waited too long and was never ended; its papers may come with the next digest. Returns how many.

    What may have left already is not given up: it is resolved, or sent again with the same bytes.
    """
    too_old = (WAITING, deliveries.c.queued_at <= queued_before, deliveries.c.handed_at.is_(None))
    last_word = func.coalesce(deliveries.c.last_reply, "never tried")
    return _fail(
        tx, too_old, literal("too late, its papers may come with the next digest; before: ") + last_word, now
    )


def park_doubtful(tx: Connection, *, now: datetime) -> int:
    """Policy "hold": rows whose worker vanished after their end may have been sent become `unknown`. Returns how many."""
    doubtful = (SENDING, deliveries.c.due_at <= now, deliveries.c.handed_at.is_not(None))
    values = {
        "state": DeliveryState.UNKNOWN,
        "last_reply": "its worker vanished while the end of the message was under way: it may have been sent",
        "settled_at": now,
        "lease_owner": None,
    }
    return tx.execute(update(deliveries).where(*doubtful).values(values)).rowcount


def drop_unwanted(tx: Connection, claimed: Sequence[Delivery], *, now: datetime) -> set[int]:
    """Suppress what is owed to people who left meanwhile and to addresses that must not be mailed. Returns whose ids.

    An address that its reader moved away from is one of them. Their papers may come to them yet, should they be back.
    """
    ids = [delivery.id for delivery in claimed]
    dropped = list(tx.execute(_DROP, {"ids": ids, "dropped_at": now}).scalars()) if ids else []
    for start in range(0, len(dropped), 500):
        withdraw(tx, dropped[start : start + 500])
    return set(dropped)


_MOVED = (subscribers.c.address_hash != deliveries.c.address_hash) & (
    subscribers.c.email != deliveries.c.rcpt_to
)
_LEFT = exists().where(
    subscribers.c.id == deliveries.c.subscriber_id, literal_column("status = 'unsubscribed'") | _MOVED
)
_BARRED = exists().where(suppressions.c.address_hash == deliveries.c.address_hash)
_DROP = (
    update(deliveries)
    .where(deliveries.c.id.in_(bindparam("ids", expanding=True)), SENDING, _LEFT | _BARRED)
    .values(
        state=DeliveryState.SUPPRESSED,
        settled_at=bindparam("dropped_at"),
        lease_owner=None,
        last_reply="the reader left or moved, or the address is suppressed",
    )
    .returning(deliveries.c.id)
)


def _fail(
    tx: Connection,
    which: tuple[ColumnElement[bool], ...],
    reply: str | ColumnElement[str],
    now: datetime,
) -> int:
    """Fail these rows, and give their papers and the news in them back."""
    values = {"state": DeliveryState.FAILED, "settled_at": now, "last_reply": reply, "lease_owner": None}
    change = update(deliveries).where(*which).values(values).returning(deliveries.c.id)
    failed = list(tx.execute(change).scalars())
    for start in range(0, len(failed), 500):
        withdraw(tx, failed[start : start + 500])
    return len(failed)
