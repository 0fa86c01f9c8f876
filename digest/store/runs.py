"""Runs of publishing and their shards: plan, take, renew, finish, and wake what nobody has taken.

    open ──> held ──> done
      ^        └────> failed     given up: too many workers died over it; its people are due still, and planned anew
      └────────┘ lease ended, or its worker is dead

Leases are the truth. Whoever is told of a shard asks here first, so telling somebody twice, or late, changes nothing.
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Connection, delete, exists, func, insert, literal_column, select, update

from digest.store.dialect import alone
from digest.store.due import due_numbers
from digest.store.outbox import Claim
from digest.store.schema_cluster import runs, shards
from digest.store.snapshots import forget_snapshots
from digest.store.workers import is_dead

SHARD = 1000  # people
MAX_ATTEMPTS = 6
_WAKE_AGAIN = timedelta(seconds=60)
_KEPT = timedelta(hours=1)  # a finished run, for whoever wants to look
OPEN: ColumnElement[bool] = literal_column("shards.state IN ('open', 'held')")


@dataclass(frozen=True, slots=True)
class Shard:
    """A part of a run, held by one worker."""

    id: int
    planned_at: datetime  # the moment all digests of the run are of
    snapshot_id: int
    people: tuple[int, ...]
    attempt: int


def plan_run(tx: Connection, now: datetime, *, snapshot: Callable[[], int], size: int = SHARD) -> list[int]:
    """Plan everybody who is due and in no open shard. Returns the numbers of the new shards, none when nobody is due.

    `snapshot` gives the number of what the run is made from; it is asked only when somebody is due.
    """
    alone(tx, "plan")
    _forget_finished(tx, now)
    unfinished = select(func.max(runs.c.planned_at)).where(exists().where(OPEN, shards.c.run_id == runs.c.id))
    # Whoever was due before the newest unfinished run was planned is part of it, or of one before it.
    parts = due_numbers(tx, now, since=tx.execute(unfinished).scalar(), size=size)
    return _make(tx, parts, now, snapshot)


def _make(
    tx: Connection, parts: Iterator[list[int]], now: datetime, snapshot: Callable[[], int]
) -> list[int]:
    made: list[int] = []
    run_id, people = 0, 0
    for numbers in parts:
        if not made:
            row = {"planned_at": now, "snapshot_id": snapshot(), "people": 0}
            run_id = tx.execute(insert(runs).values(row).returning(runs.c.id)).scalar_one()
        shard = {"run_id": run_id, "people": json.dumps(numbers), "state": "open", "attempts": 0}
        shard |= {"due_at": now, "wake_at": now + _WAKE_AGAIN}
        made.append(tx.execute(insert(shards).values(shard).returning(shards.c.id)).scalar_one())
        people += len(numbers)
    if made:
        tx.execute(update(runs).where(runs.c.id == run_id).values(people=people))
    return made


def look_at(db: Connection, shard_id: int) -> Shard | None:
    """An unfinished shard, whoever holds it."""
    query = select(shards.c.people, shards.c.attempts, runs.c.planned_at, runs.c.snapshot_id).join(runs)
    row = db.execute(query.where(shards.c.id == shard_id, OPEN)).first()
    if row is None:
        return None
    return Shard(shard_id, row.planned_at, row.snapshot_id, tuple(json.loads(row.people)), row.attempts)


def give_back(tx: Connection, shard: Shard, now: datetime) -> bool:
    """Somebody else may take it at once. False when somebody has."""
    values = {"state": "open", "due_at": now, "wake_at": now, "lease_owner": None}
    return tx.execute(update(shards).where(*_ours(shard)).values(values)).rowcount == 1


def take_shard(tx: Connection, shard_id: int, lease: Claim, *, now: datetime) -> Shard | None:
    """Hold a shard until the lease ends. None when somebody else has it, or it is done."""
    free = (shards.c.id == shard_id, OPEN, shards.c.due_at <= now)
    values = {
        "state": "held",
        "lease_owner": lease.owner,
        "due_at": lease.until,
        "attempts": shards.c.attempts + 1,
    }
    taken = (
        update(shards)
        .where(*free)
        .values(values)
        .returning(shards.c.run_id, shards.c.people, shards.c.attempts)
    )
    row = tx.execute(taken).first()
    if row is None:
        return None
    run = tx.execute(select(runs.c.planned_at, runs.c.snapshot_id).where(runs.c.id == row.run_id)).one()
    return Shard(shard_id, run.planned_at, run.snapshot_id, tuple(json.loads(row.people)), row.attempts)


def renew_shard(tx: Connection, shard: Shard, until: datetime) -> bool:
    """Hold it longer. False when it was taken over meanwhile: then nothing more may be done for it."""
    return tx.execute(update(shards).where(*_ours(shard)).values(due_at=until)).rowcount == 1


def finish_shard(tx: Connection, shard: Shard, *, queued: int, skipped: int, now: datetime) -> bool:
    """Everybody in it has a digest or a reason. False when it was taken over meanwhile."""
    values = {"state": "done", "queued": queued, "skipped": skipped, "finished_at": now, "lease_owner": None}
    return tx.execute(update(shards).where(*_ours(shard)).values(values)).rowcount == 1


def _ours(shard: Shard) -> tuple[ColumnElement[bool], ...]:
    return (shards.c.id == shard.id, shards.c.state == "held", shards.c.attempts == shard.attempt)


def open_shards(db: Connection, now: datetime) -> list[int]:
    """The shards that may be taken, the longest waiting first."""
    free = select(shards.c.id).where(OPEN, shards.c.due_at <= now)
    return list(db.scalars(free.order_by(shards.c.due_at, shards.c.id)))


def count_open(db: Connection) -> int:
    """How many shards are not finished."""
    return int(db.execute(select(func.count()).select_from(shards).where(OPEN)).scalar_one())


def wake_shards(tx: Connection, now: datetime) -> list[int]:
    """The shards somebody should be told of again: their worker is gone, or nobody has taken them for a minute.

    Those that too many workers died over are given up.
    """
    for owner in list(tx.scalars(select(shards.c.lease_owner).where(_HELD).distinct())):
        if is_dead(owner):
            tx.execute(
                update(shards).where(_HELD, shards.c.lease_owner == owner).values(due_at=now, wake_at=now)
            )
    ended = (OPEN, shards.c.due_at <= now)
    hopeless = update(shards).where(*ended, shards.c.attempts >= MAX_ATTEMPTS)
    tx.execute(hopeless.values(state="failed", finished_at=now, lease_owner=None))
    unheard = update(shards).where(*ended, shards.c.wake_at <= now).values(wake_at=now + _WAKE_AGAIN)
    return sorted(tx.scalars(unheard.returning(shards.c.id)))


def _forget_finished(tx: Connection, now: datetime) -> None:
    over = runs.c.planned_at <= now - _KEPT
    if tx.execute(delete(runs).where(over, ~exists().where(OPEN, shards.c.run_id == runs.c.id))).rowcount:
        forget_snapshots(tx)


_HELD: ColumnElement[bool] = literal_column("shards.state = 'held'")
