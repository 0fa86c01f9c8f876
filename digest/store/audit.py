"""What was done by hand, so that nobody has to guess afterwards; and how often a login was refused."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, delete, func, insert, select, update

from digest.store.schema_operator import audit

REFUSED = "login refused"
_LONGEST = 500


@dataclass(frozen=True, slots=True)
class Act:
    """One line of the audit."""

    at: datetime
    act: str
    about: str
    detail: str
    network: str


def note_act(tx: Connection, act: Act) -> int:
    """Write it down, in the transaction of what was done: neither is without the other. Returns its number."""
    said = {"act": act.act, "about": act.about, "detail": act.detail[:_LONGEST], "network": act.network}
    return int(tx.execute(insert(audit).values(at=act.at, **said).returning(audit.c.id)).scalar_one())


def note_login(tx: Connection, number: int) -> None:
    """The try with this number was no failure."""
    tx.execute(update(audit).where(audit.c.id == number).values(act="login"))


def last_acts(db: Connection, limit: int = 50) -> list[Act]:
    """The newest first."""
    rows = db.execute(select(audit).order_by(audit.c.id.desc()).limit(limit))
    return [Act(row.at, row.act, row.about, row.detail, row.network) for row in rows]


def count_refused(db: Connection, *, since: datetime, network: str | None = None) -> int:
    """How many logins were refused since then: from one network, or from everywhere."""
    refused = select(func.count()).select_from(audit).where(audit.c.at > since, audit.c.act == REFUSED)
    if network is not None:
        refused = refused.where(audit.c.network == network)
    return int(db.execute(refused).scalar_one())


def forget_acts(tx: Connection, before: datetime) -> int:
    """Remove the lines older than that. Returns how many."""
    return tx.execute(delete(audit).where(audit.c.at < before)).rowcount
