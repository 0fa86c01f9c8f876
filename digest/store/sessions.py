"""Who is logged in as the operator: random keys, of which only the hash is stored, each for some hours."""

import hashlib
import secrets
from datetime import datetime, timedelta

from sqlalchemy import Connection, delete, insert, select

from digest.store.schema_operator import sessions

LASTS = timedelta(hours=12)


def begin_session(tx: Connection, *, now: datetime) -> str:
    """The key (256 bits) of a new session; sessions that are over are forgotten on the way."""
    key = secrets.token_urlsafe(32)
    tx.execute(delete(sessions).where(sessions.c.ends_at <= now))
    tx.execute(insert(sessions).values(key_hash=_hash(key), began_at=now, ends_at=now + LASTS))
    return key


def has_session(db: Connection, key: str, *, now: datetime) -> bool:
    """Whether this key opens anything at `now`."""
    mine = select(sessions.c.began_at).where(sessions.c.key_hash == _hash(key), sessions.c.ends_at > now)
    return db.execute(mine).first() is not None


def end_session(tx: Connection, key: str) -> bool:
    """Log out. False when there was no such session."""
    return tx.execute(delete(sessions).where(sessions.c.key_hash == _hash(key))).rowcount > 0


def end_every_session(tx: Connection) -> int:
    """Log everybody out: the password was changed, or a machine was lost. Returns how many there were."""
    return tx.execute(delete(sessions)).rowcount


def _hash(key: str) -> str:
    # A fast hash does: 256 random bits cannot be guessed, only stolen.
    return hashlib.sha256(key.encode()).hexdigest()
