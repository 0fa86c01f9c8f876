"""Remembering that a server is in trouble, so that a new process does not ask it every minute all the same."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, delete, select, update

from digest.store.dialect import insert_or_ignore
from digest.store.schema import outages

NEXT_SERVER = "next server"


@dataclass(frozen=True, slots=True)
class Outage:
    """Why nothing leaves at the moment, since when, and when it is tried again."""

    reason: str
    began_at: datetime
    next_probe_at: datetime
    probes: int


def current_outage(db: Connection, name: str = NEXT_SERVER) -> Outage | None:
    """The trouble at hand, None when there is none."""
    row = db.execute(select(outages).where(outages.c.name == name)).first()
    return None if row is None else Outage(row.reason, row.began_at, row.next_probe_at, row.probes)


def note_outage(
    tx: Connection, reason: str, *, now: datetime, pause: timedelta, name: str = NEXT_SERVER
) -> None:
    """The server is in trouble (still, or anew): leave it alone for `pause`."""
    values = {"reason": reason, "next_probe_at": now + pause}
    first = {"name": name, "began_at": now, "probes": 0}
    tx.execute(insert_or_ignore(tx, outages).values(values | first))
    tx.execute(
        update(outages).where(outages.c.name == name).values(values | {"probes": outages.c.probes + 1})
    )


def end_outage(tx: Connection, name: str = NEXT_SERVER) -> bool:
    """It takes mail again, or the operator says to try now. Whether there was any trouble."""
    return tx.execute(delete(outages).where(outages.c.name == name)).rowcount > 0
