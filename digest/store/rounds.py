"""How the verbs fare: one row each, added to by every process, so that figures survive restarts."""

import json
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import Connection, select, update

from digest.errors import StoreError
from digest.store import Store
from digest.store.dialect import insert_or_ignore
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
    tallies: Mapping[str, int]  # what all runs did together: {"sent": 12, ...}


@dataclass(slots=True)
class Run:
    """One run of a verb. Whoever runs it sets `error` when it did not go as it should, and what it did."""

    error: str | None = None
    tallies: dict[str, int] = field(default_factory=dict)


def note_round(tx: Connection, verb: str, began_at: datetime, ended_at: datetime, run: Run) -> None:
    """Add one run of a verb."""
    took = max(0.0, (ended_at - began_at).total_seconds())
    nothing = {"count": 0, "failures": 0, "seconds": 0.0, "tallies": "{}"}
    last = {
        "last_seconds": took,
        "last_began_at": began_at,
        "last_ended_at": ended_at,
        "last_error": run.error,
    }
    tx.execute(insert_or_ignore(tx, rounds).values(nothing | last | {"verb": verb}))
    known = tx.execute(select(rounds).where(rounds.c.verb == verb).with_for_update()).mappings().one()
    tallies = Counter(json.loads(known["tallies"])) + Counter(run.tallies)
    values = {
        "count": known["count"] + 1,
        "failures": known["failures"] + int(run.error is not None),
        "seconds": known["seconds"] + took,
        "tallies": json.dumps(tallies),
    }
    tx.execute(update(rounds).where(rounds.c.verb == verb).values(values | last))


def every_round(db: Connection) -> dict[str, Round]:
    """What is known of each verb, by its name."""
    rows = db.execute(select(rounds).order_by(rounds.c.verb)).mappings()
    return {row["verb"]: Round(**{**row, "tallies": json.loads(row["tallies"])}) for row in rows}


@contextmanager
def noted(store: Store, verb: str, began_at: datetime) -> Iterator[Run]:
    """Note that the verb ran, how long it took by the steady clock, and what it failed with; failures pass on."""
    run, started = Run(), time.monotonic()
    try:
        yield run
    except Exception as error:
        run.error = f"{type(error).__name__}: {error}"
        with suppress(StoreError):  # the first failure is the one to tell
            _note(store, verb, began_at, time.monotonic() - started, run)
        raise
    _note(store, verb, began_at, time.monotonic() - started, run)


def _note(store: Store, verb: str, began_at: datetime, seconds: float, run: Run) -> None:
    with store.writing() as tx:
        note_round(tx, verb, began_at, began_at + timedelta(seconds=seconds), run)
