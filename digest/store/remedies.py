"""What the operator may do beside `desk`: send a sent mail once more, and mail an address again that must not be mailed."""

from datetime import datetime

from sqlalchemy import Connection, delete, exists, select, text, update

from digest.errors import StoreError
from digest.model import DeliveryState
from digest.store.desk import show
from digest.store.schema import deliveries, messages, suppressions


def send_again(tx: Connection, delivery_id: int, *, now: datetime) -> None:
    """Owe a mail that was sent once more: the same bytes, for a reader who says it did not arrive.

    Raises `StoreError` when it was not sent, or its text is no longer kept.
    """
    kept = exists(select(messages.c.delivery_id).where(messages.c.delivery_id == delivery_id))
    values = {
        "state": DeliveryState.QUEUED,
        "due_at": now,
        "queued_at": now,
        "settled_at": None,
        "handed_at": None,
        "takeovers": 0,
    }
    mine = update(deliveries).where(deliveries.c.id == delivery_id, text("state = 'sent'"), kept)
    if not tx.execute(mine.values(values)).rowcount:
        row = show(tx, delivery_id)
        gone = "its text is no longer kept" if row["state"] == DeliveryState.SENT else f"it is {row['state']}"
        raise StoreError(f"delivery {delivery_id} cannot be sent again: {gone}")


def suppression_of(db: Connection, address_hash: str) -> tuple[str, str] | None:
    """Why an address must not be mailed, and in whose words; None when it may be."""
    row = db.execute(select(suppressions).where(suppressions.c.address_hash == address_hash)).first()
    return None if row is None else (row.reason, row.detail or "")


def lift_suppression(tx: Connection, address_hash: str) -> bool:
    """Mail the address again. False when it was not suppressed."""
    return tx.execute(delete(suppressions).where(suppressions.c.address_hash == address_hash)).rowcount > 0
