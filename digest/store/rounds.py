"""How the verbs fare: one row each, added to by every process, so that figures survive restarts."""

import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, select

from digest.errors import StoreError
from digest.store import Store
from digest.store.dialect import upsert
from digest.store.schema_operator import rounds


@dataclass(frozen=True, slots=True)
class Round:
    """One verb: all its runs together, and the last one."""

    verb: str  # ingest | publish | deliver
    count: int
    failures: int
    seconds: float
    last_seconds: float
    last_began_at: datetime
    last_ended_at: datetime
    last_error: str | None


def note_round(tx: Connection, verb: str, began_at: datetime, ended_at: datetime, error: str | None) -> None:
    """Add one run of a verb. `error` says in one line what went wrong."""
    took = max(0.0, (ended_at - began_at).total_seconds())
    last = {
        "last_seconds": took,
        "last_began_at": began_at,
        "last_ended_at": ended_at,
        "last_error": error,
    }
    first = {"verb": verb, "count": 1, "failures": int(error is not None), "seconds": took}
    added = {
        "count": rounds.c.count + 1,
        "failures": rounds.c.failures + first["failures"],
        "seconds": rounds.c.seconds + took,
    }
    statement = upsert(tx, rounds).values(first | last)
    tx.execute(statement.on_conflict_do_update(index_elements=["verb"], set_=added | last))


def every_round(db: Connection) -> dict[str, Round]:
    """What is known of each verb, by its name."""
    return {row.verb: Round(**row._mapping) for row in db.execute(select(rounds).order_by(rounds.c.verb))}


@dataclass(slots=True)
class Running:
    """A verb at work. Set `error` when it ended well enough to report, but not as it should."""

    error: str | None = None


@contextmanager
def noted(store: Store, verb: str, began_at: datetime) -> Iterator[Running]:
    """Note that the verb ran, how long it took by the steady clock, and what it failed with; failures pass on."""
    running, started = Running(), time.monotonic()
    try:
        yield running
    except Exception as error:
        running.error = f"{type(error).__name__}: {error}"
        with suppress(StoreError):  # the first failure is the one to tell
            _note(store, verb, began_at, time.monotonic() - started, running.error)
        raise
    _note(store, verb, began_at, time.monotonic() - started, running.error)


def _note(store: Store, verb: str, began_at: datetime, seconds: float, error: str | None) -> None:
    with store.writing() as tx:
        note_round(tx, verb, began_at, began_at + timedelta(seconds=seconds), error)
