"""Subscribers who look after themselves: made on the web, changed by their own hand, and erased without a trace."""

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, delete, select, update

from digest.model import Profile
from digest.store.dialect import insert_or_ignore
from digest.store.schema import bounces, deliveries, subscribers


def put_pending(
    tx: Connection, profile: Profile, address_hash: str, *, due_at: datetime, now: datetime
) -> int:
    """Somebody who has yet to confirm. Returns their number, also when another process was faster by a moment."""
    row = {
        "email": profile.email,
        "address_key": profile.email.lower(),
        "address_hash": address_hash,
        "status": "pending",
        "owner": "web",
        "profile": profile.to_json(),
        "next_due_at": due_at,
        # Numbers of the erased are given again; a link of theirs must not fit whoever comes after them.
        "links_version": int(now.timestamp()),
        "created_at": now,
        "updated_at": now,
    }
    added = insert_or_ignore(tx, subscribers).values(row).returning(subscribers.c.id)
    number = tx.execute(added).scalar()
    if number is None:
        known = select(subscribers.c.id).where(subscribers.c.address_key == row["address_key"])
        number = tx.execute(known).scalar_one()
    return int(number)


def forget_pending(tx: Connection, subscriber_id: int) -> None:
    """Forget somebody who never confirmed, with what was asked of them."""
    mine = subscribers.c.id == subscriber_id, subscribers.c.status == "pending"
    tx.execute(delete(subscribers).where(*mine))


def change_subscriber(tx: Connection, subscriber_id: int, now: datetime, **values: Any) -> None:
    """Set these columns of one person; a profile is given as such."""
    said = {
        key: value.to_json() if isinstance(value, Profile) else value
        for key, value in (values | {"updated_at": now}).items()
    }
    tx.execute(update(subscribers).where(subscribers.c.id == subscriber_id).values(said))


def ended_pauses(db: Connection, now: datetime) -> list[int]:
    """Who wanted to be back by now."""
    over = (subscribers.c.status == "paused", subscribers.c.paused_until <= now)
    return list(db.execute(select(subscribers.c.id).where(*over)).scalars())


def deliveries_of(db: Connection, subscriber_id: int, address_hash: str) -> list[dict[str, Any]]:
    """Every mail to somebody, the oldest first: kind, day, subject, state and times."""
    names = ("kind", "issue_on", "subject", "state", "queued_at", "settled_at")
    query = select(*(deliveries.c[name] for name in names)).order_by(deliveries.c.id)
    mine = (deliveries.c.subscriber_id == subscriber_id) | (deliveries.c.address_hash == address_hash)
    return [dict(row) for row in db.execute(query.where(mine)).mappings()]


def erase_subscriber(tx: Connection, subscriber_id: int, address_hash: str) -> None:
    """Delete every row about somebody, with all that hangs on it. A suppression stays: it is a hash, and protects them."""
    mine = (deliveries.c.subscriber_id == subscriber_id) | (deliveries.c.address_hash == address_hash)
    tx.execute(delete(bounces).where(bounces.c.address_hash == address_hash))
    tx.execute(delete(deliveries).where(mine))
    tx.execute(delete(subscribers).where(subscribers.c.id == subscriber_id))


def wipe_free_space(tx: Connection) -> None:
    """Overwrite what is deleted in this transaction, where the database would leave the bytes in its file (SQLite)."""
    if tx.dialect.name == "sqlite":
        tx.exec_driver_sql("PRAGMA secure_delete = ON")
