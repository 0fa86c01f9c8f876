"""The ledger of what is owed: claim, hand over, settle. What a worker does; others change no claimed row.

    queued ──> sending ──> sent
       ^          ├──────> deferred ──> (claimed again when its time has come)
       │          ├──────> failed
       │          ├──────> unknown     in doubt, and the policy is to hold: the operator decides (`desk`)
       └──────────┘ lease ended, or its worker is dead: claimed again, same bytes (`rescue`)
    queued | deferred ───> suppressed      the person left, or the address must not be mailed
    queued | deferred ───> failed          too late; its papers may come with the next digest

`due_at` is when a worker may take the row next: at once when queued, after the backoff when deferred, when the lease
ends while sending. Every change after a claim names the claim (`attempts`), so that a worker whose lease was taken
over changes nothing: it is fenced off.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    bindparam,
    func,
    literal_column,
    null,
    select,
    update,
)

from digest.model import Delivery, DeliveryState, Envelope
from digest.store.halt import is_halted
from digest.store.prepared import Prepared
from digest.store.schema import deliveries, suppressions
from digest.store.withdrawn import withdraw

# Written out, not bound: a partial index serves only a condition the planner can read (SQLite and PostgreSQL alike).
OPEN: ColumnElement[bool] = literal_column("state IN ('queued', 'deferred', 'sending')")
SENDING = OPEN & literal_column("state = 'sending'")
WAITING = OPEN & literal_column("state IN ('queued', 'deferred')")


@dataclass(frozen=True, slots=True)
class Claim:
    """One worker's right to send some rows for a while."""

    owner: (
        str  # says which process holds it, so that the rows of a dead one need not wait for the lease to end
    )
    until: datetime


def claim(tx: Connection, lease: Claim, *, now: datetime, limit: int) -> list[Delivery]:
    """Take up to `limit` rows whose time has come, the longest waiting first; none while the operator has halted sending.

    What is kept of them is not read yet (`bodies`): that takes time, and a claim keeps every other writer waiting.
    """
    taken = _TAKE.ask(tx, owner=lease.owner, until=lease.until, now=now, most=limit)
    return [
        Delivery(number, message_id, Envelope(mail_from, rcpt_to), attempts, queued_at)
        for number, message_id, mail_from, rcpt_to, attempts, queued_at in sorted(taken)
    ]


def has_due(db: Connection, now: datetime) -> bool:
    """Whether there is anything to claim."""
    return (
        db.execute(select(deliveries.c.id).where(OPEN, deliveries.c.due_at <= now).limit(1)).first()
        is not None
    )


def count_due(db: Connection, now: datetime) -> int:
    """How many rows could be claimed at `now`."""
    return int(
        db.execute(
            select(func.count()).select_from(deliveries).where(OPEN, deliveries.c.due_at <= now)
        ).scalar_one()
    )


def renew(tx: Connection, lease: Claim) -> int:
    """A worker that still works keeps its rows longer. Returns how many."""
    held = (SENDING, deliveries.c.lease_owner == lease.owner)
    return tx.execute(update(deliveries).where(*held).values(due_at=lease.until)).rowcount


def give_back(tx: Connection, delivery: Delivery, *, now: datetime) -> bool:
    """A claimed row whose message was not tried is queued again, as if it had not been claimed."""
    values = {"due_at": now, "attempts": delivery.attempt - 1, "lease_owner": None, "handed_at": None}
    return _settle(tx, delivery, values | {"state": DeliveryState.QUEUED})


def mark_handed(tx: Connection, about_to_end: Sequence[Delivery], *, now: datetime) -> set[int]:
    """Note that the ends of these messages are about to be sent. Returns the ids of those whose claim is still ours.

    The others must not be sent. From this commit to `settle_sent` lies the one window in which a crash leaves it open
    whether a mail left.
    """
    return _run_all(tx, _HAND, [(one.id, one.attempt) for one in about_to_end], new_handed_at=now)


def settle_sent(tx: Connection, accepted: Sequence[tuple[Delivery, str]], *, now: datetime) -> set[int]:
    """The next server accepted these, with these replies. Returns the ids of those whose claim is still ours.

    Saying it twice changes nothing: a commit that raised an error may have happened all the same, and whoever is not
    sure says it again.
    """
    said = [(one.id, one.attempt, reply) for one, reply in accepted]
    return _run_all(tx, _SENT, said, new_settled_at=now)


def _run_all(tx: Connection, change: Prepared, rows: list[tuple[Any, ...]], **same: Any) -> set[int]:
    """Change these rows, and return the ids of those that were ours. Either statement may run twice for a row."""
    if not rows:
        return set()
    if change.run(tx, rows, **same) == len(rows):
        return {row[0] for row in rows}
    return {row[0] for row in rows if change.run(tx, [row], **same) == 1}


def settle_deferred(
    tx: Connection, delivery: Delivery, reply: str, *, next_at: datetime, in_doubt: bool = False
) -> bool:
    """It will be tried again at `next_at`. `in_doubt` when it may have left all the same."""
    values = {"state": DeliveryState.DEFERRED, "last_reply": reply, "due_at": next_at, "lease_owner": None}
    return _settle(tx, delivery, values if in_doubt else values | {"handed_at": None})


def settle_unknown(tx: Connection, delivery: Delivery, reply: str, *, now: datetime) -> bool:
    """It may have left, and the operator wants to decide."""
    values = {"state": DeliveryState.UNKNOWN, "last_reply": reply, "settled_at": now, "lease_owner": None}
    return _settle(tx, delivery, values)


def settle_failed(tx: Connection, delivery: Delivery, reply: str, *, now: datetime) -> bool:
    """It will never be sent; its papers may be shown again."""
    values = {"state": DeliveryState.FAILED, "last_reply": reply, "settled_at": now, "lease_owner": None}
    if not _settle(tx, delivery, values):
        return False
    withdraw(tx, [delivery.id])
    return True


def _settle(tx: Connection, delivery: Delivery, values: dict[str, Any]) -> bool:
    fence = {"its_id": delivery.id, "its_attempt": delivery.attempt}
    return tx.execute(update(deliveries).where(*_OURS).values(values), fence).rowcount == 1


_DUE = (
    select(deliveries.c.id)
    .where(OPEN, deliveries.c.due_at <= bindparam("now", type_=deliveries.c.due_at.type), ~is_halted())
    .order_by(deliveries.c.due_at, deliveries.c.id)
    .limit(bindparam("most"))
    .with_for_update(skip_locked=True)
)
_TAKE = Prepared(
    update(deliveries)
    .where(deliveries.c.id.in_(_DUE.scalar_subquery()))
    .values(
        state=literal_column("'sending'"),
        lease_owner=bindparam("owner"),
        due_at=bindparam("until"),
        attempts=deliveries.c.attempts + literal_column("1"),
        takeovers=deliveries.c.takeovers + literal_column("CASE WHEN state = 'sending' THEN 1 ELSE 0 END"),
    )
    .returning(
        deliveries.c.id,
        deliveries.c.message_id,
        deliveries.c.mail_from,
        deliveries.c.rcpt_to,
        deliveries.c.attempts,
        deliveries.c.queued_at,
    )
)
_CLAIM = (deliveries.c.id == bindparam("its_id"), deliveries.c.attempts == bindparam("its_attempt"))
_OURS: tuple[ColumnElement[bool], ...] = (*_CLAIM, literal_column("state = 'sending'"))
_HAND = Prepared(
    update(deliveries)
    .where(*_OURS, ~deliveries.c.address_hash.in_(select(suppressions.c.address_hash)))
    .values(handed_at=bindparam("new_handed_at")),
    "its_id",
    "its_attempt",
)
_SENT = Prepared(
    update(deliveries)
    .where(*_CLAIM, literal_column("state IN ('sending', 'sent')"))
    .values(
        state=literal_column("'sent'"),
        last_reply=bindparam("new_reply"),
        settled_at=bindparam("new_settled_at"),
        lease_owner=null(),
    ),
    "its_id",
    "its_attempt",
    "new_reply",
)
