"""The operator's word on single messages: look at one, try it again, keep it back, say what became of it."""

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select, text, update

from digest.errors import StoreError
from digest.model import DeliveryState
from digest.store.bodies import read_body
from digest.store.schema import deliveries
from digest.store.withdrawn import reinstate, withdraw

_WAITING = text("state IN ('queued', 'deferred')")


def show(db: Connection, delivery_id: int) -> dict[str, Any]:
    """Everything known of one delivery, with the bytes of its message. Raises `StoreError` when there is none."""
    row = db.execute(select(deliveries).where(deliveries.c.id == delivery_id)).mappings().first()
    if row is None:
        raise StoreError(f"there is no delivery {delivery_id}; `digest outbox list` shows them")
    return {**row, "raw": read_body(db, delivery_id)}


def retry(tx: Connection, delivery_id: int | None, *, now: datetime) -> int:
    """Try again at once: this one, whatever it waits for, or everything that is deferred. Returns how many.

    The papers of one that was given up count as shown again.
    Raises `StoreError` when this one cannot be tried: it was sent, or is being sent, or may have been.
    """
    values = {
        "state": DeliveryState.QUEUED,
        "due_at": now,
        "settled_at": None,
        "takeovers": 0,
        "handed_at": None,
    }
    if delivery_id is None:
        return tx.execute(update(deliveries).where(text("state = 'deferred'")).values(due_at=now)).rowcount
    allowed = text("state IN ('queued', 'deferred', 'failed', 'held')")
    changed = tx.execute(
        update(deliveries).where(deliveries.c.id == delivery_id, allowed).values(values | {"queued_at": now})
    )
    if not changed.rowcount:
        return _refuse(tx, delivery_id, "tried again")
    reinstate(tx, delivery_id)
    return changed.rowcount


def hold(tx: Connection, delivery_id: int) -> int:
    """Keep this one back until `retry`. Raises `StoreError` when it does not wait."""
    mine = update(deliveries).where(deliveries.c.id == delivery_id, _WAITING)
    return tx.execute(mine.values(state=DeliveryState.HELD)).rowcount or _refuse(tx, delivery_id, "held")


def resolve(tx: Connection, delivery_id: int, outcome: str, *, now: datetime) -> int:
    """Say what became of a message that may have left: "sent", "resend" (the same bytes) or "drop".

    Raises `StoreError` when it is not in doubt.
    """
    values: dict[str, Any] = {
        "sent": {
            "state": DeliveryState.SENT,
            "settled_at": now,
            "last_reply": "the operator knows that it was sent",
        },
        "resend": {
            "state": DeliveryState.QUEUED,
            "due_at": now,
            "queued_at": now,
            "settled_at": None,
            "handed_at": None,
        },
        "drop": {"state": DeliveryState.FAILED, "settled_at": now, "last_reply": "dropped by the operator"},
    }[outcome]
    doubtful = (deliveries.c.id == delivery_id, text("state = 'unknown'"))
    changed = tx.execute(update(deliveries).where(*doubtful).values(values)).rowcount
    if changed and outcome == "drop":
        withdraw(tx, [delivery_id])
    return changed or _refuse(tx, delivery_id, "resolved")


def _refuse(db: Connection, delivery_id: int, verb: str) -> int:
    state = show(db, delivery_id)["state"]
    hints = {
        "unknown": "it may have been sent: use `digest outbox resolve`",
        "sending": "a worker has it at the moment",
        "sent": "it was accepted by the next server",
    }
    raise StoreError(
        f"delivery {delivery_id} is {state} and cannot be {verb}"
        + (f"; {hints[state]}" if state in hints else "")
    )
