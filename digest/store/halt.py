"""The operator's hand on the brake: nothing is sent while the row is there. Everything else goes on."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, delete, exists, select

from digest.store.dialect import insert_or_ignore
from digest.store.schema_operator import halts

_SENDING = "sending"


@dataclass(frozen=True, slots=True)
class Halt:
    """Why nothing leaves, and since when."""

    reason: str
    began_at: datetime


def halt_sending(tx: Connection, reason: str, *, now: datetime) -> bool:
    """From this commit on no message is claimed; those already claimed are finished. False when it was halted before."""
    row = {"name": _SENDING, "reason": reason, "began_at": now}
    statement = insert_or_ignore(tx, halts).values(row).returning(halts.c.name)
    return tx.execute(statement).first() is not None


def resume_sending(tx: Connection) -> bool:
    """Let it go on. False when it was not halted."""
    return tx.execute(delete(halts).where(halts.c.name == _SENDING)).rowcount > 0


def current_halt(db: Connection) -> Halt | None:
    """The halt at hand, None when mail may leave."""
    row = db.execute(select(halts).where(halts.c.name == _SENDING)).first()
    return None if row is None else Halt(row.reason, row.began_at)


def is_halted() -> ColumnElement[bool]:
    """The same as a condition, for the statement that claims: no worker, on any machine, takes a row while it holds."""
    return exists(select(halts.c.name).where(halts.c.name == _SENDING))
