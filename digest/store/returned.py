"""What came back of which delivery, and when an address has failed too often."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, func, select

from digest.store.dialect import insert_or_ignore
from digest.store.people import suppress
from digest.store.schema import bounces, deliveries

SOFT_LIMIT = 5  # on so many days
SOFT_WINDOW = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Returned:
    """One report about one delivery."""

    content_hash: str
    delivery_id: int
    kind: str  # hard | soft | policy | complaint
    status: str | None
    detail: str


def record_returned(tx: Connection, returned: Returned, *, now: datetime) -> bool:
    """Note it, and suppress the address when it is hard, a complaint, or soft for too long. False when it was known.

    A report about a delivery that is not there has no effect either.
    """
    address = address_of(tx, returned.delivery_id)
    if address is None:
        return False
    row = {
        "content_hash": returned.content_hash,
        "address_hash": address,
        "delivery_id": returned.delivery_id,
        "kind": returned.kind,
        "status": returned.status,
        "detail": returned.detail,
        "received_at": now,
    }
    noted = insert_or_ignore(tx, bounces).values(row).returning(bounces.c.content_hash)
    new = tx.execute(noted).first() is not None
    if new and returned.kind in ("hard", "complaint"):
        reason = "hard_bounce" if returned.kind == "hard" else "complaint"
        suppress(tx, address, reason, returned.detail, now)
    elif new and returned.kind == "soft" and _soft_days(tx, address, now) >= SOFT_LIMIT:
        suppress(tx, address, "hard_bounce", f"failed on {SOFT_LIMIT} days: {returned.detail}", now)
    return new


def address_of(db: Connection, delivery_id: int) -> str | None:
    """The hash of the address a delivery went to."""
    return db.execute(select(deliveries.c.address_hash).where(deliveries.c.id == delivery_id)).scalar()


def recipient_of(db: Connection, message_id: str) -> str | None:
    """The address a mail of ours went to."""
    return db.execute(select(deliveries.c.rcpt_to).where(deliveries.c.message_id == message_id)).scalar()


def _soft_days(db: Connection, address: str, now: datetime) -> int:
    """On how many days of late this address failed for the time being."""
    recent = select(bounces.c.received_at).where(
        bounces.c.address_hash == address, bounces.c.kind == "soft", bounces.c.received_at > now - SOFT_WINDOW
    )
    return len({received_at.date() for received_at in db.execute(recent).scalars()})


def last_policy(db: Connection, since: datetime) -> tuple[int, str, str]:
    """How many mails came back since then for what is no reader's fault; status and words of the last one."""
    mine = (bounces.c.kind == "policy", bounces.c.received_at >= since)
    count = db.execute(select(func.count()).select_from(bounces).where(*mine)).scalar() or 0
    last = select(bounces.c.status, bounces.c.detail).where(*mine).order_by(bounces.c.received_at.desc())
    row = db.execute(last.limit(1)).first()
    return (count, row.status or "", row.detail or "") if row is not None else (0, "", "")
