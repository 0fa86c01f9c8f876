"""VERB 2: whoever is due gets a message in the outbox, or a reason why not.

due subscribers                       the ledger says who, never "the hour equals"
| rank      the candidates of their cadence against their profile, many profiles at a time
| compose   a Digest, or a Skip
| render    the Digest into the bytes that will leave
| enqueue   message + shown papers + next due instant, one transaction a batch

One process does it all (`publish`), or plans a run whose shards any number of workers publish (`plan`,
`ShardPublisher`): the same desk, the same bytes.
"""

import logging
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import islice

from sqlalchemy import Connection

from digest.cadence import in_words, next_issue
from digest.desk import Desk, Limits, Writer, snapshot_at
from digest.errors import StoreError
from digest.material import FittedOnce
from digest.model import Skip, SkipReason
from digest.store import Store
from digest.store.due import due_subscribers, still_due
from digest.store.outbox import Claim
from digest.store.people import Subscriber, not_due
from digest.store.runs import (
    Shard,
    finish_shard,
    give_back,
    look_at,
    open_shards,
    plan_run,
    renew_shard,
    take_shard,
    wake_shards,
)
from digest.store.snapshots import keep_snapshot, read_snapshot
from digest.store.workers import at_work
from digest.traces import traced

__all__ = ["Limits", "PublishReport", "ShardPublisher", "Writer", "plan", "publish"]
log = logging.getLogger(__name__)
BATCH = 500  # people in one transaction: a commit costs a disk's patience, a crash costs a batch of work
LEASE = timedelta(seconds=60)  # of a shard; renewed with every batch
_LISTED = 200  # people who are not due that a report names one by one
_NAMED = 1000  # people who got nothing
Wake = Callable[[Connection, Sequence[int]], None]


@dataclass(slots=True)
class PublishReport:
    """What one round did. `not_due` counts everybody who waits; `skipped` names people as long as they are few."""

    queued: int = 0
    not_due: int = 0
    skipped: list[Skip] = field(default_factory=list)
    skips: Counter[SkipReason] = field(default_factory=Counter)  # of everybody who was due and got nothing

    @property
    def has_trouble(self) -> bool:
        """Whether somebody should look: a digest could not be made."""
        return self.skips[SkipReason.FAILED] > 0 or any(
            skip.why in (SkipReason.FAILED, SkipReason.BROKEN_PROFILE) for skip in self.skipped
        )

    def count(self, outcomes: Iterable[Skip | None]) -> None:
        """Add what `Desk.publish` said."""
        for skip in outcomes:
            if skip is None:
                self.queued += 1
                continue
            self.skips[skip.why] += 1
            if len(self.skipped) < _NAMED:
                self.skipped.append(skip)


@traced("publish", "queued")
def publish(
    store: Store, writer: Writer, *, limits: Limits, now: datetime, fitted: FittedOnce | None = None
) -> PublishReport:
    """Queue one message for every subscriber who is due at `now`, and say why everybody else gets none.

    Give the same `fitted` to every round of a process: it spares learning the same corpus again.
    """
    report = PublishReport()
    with store.reading() as db:
        waiting = not_due(db, now, _LISTED)
    desk = Desk(store, writer, limits, now, fitted or FittedOnce())
    for people in _due(store, now):
        report.count(desk.publish(people))
    report.not_due = len(waiting)
    report.skipped += [_why_not(person) for person in waiting]
    log.info("publish queued=%d skipped=%d", report.queued, report.skips.total() + len(waiting))
    return report


def _due(store: Store, now: datetime) -> Iterator[list[Subscriber]]:
    """Everybody who is due, read once, a batch at a time."""
    after = None
    while True:
        with store.reading() as db:
            people = due_subscribers(db, now, after=after, limit=BATCH)
        if not people:
            return
        yield people
        after = (people[-1].next_due_at, people[-1].id)


@traced("plan")
def plan(store: Store, *, limits: Limits, now: datetime, wake: Wake) -> int:
    """Plan a run for everybody who is due and in none yet, and wake workers for its shards, in one transaction.

    Also wakes them again for shards whose worker is gone. Returns for how many shards.
    """
    with store.writing() as tx:
        waiting = wake_shards(tx, now)
        new = plan_run(tx, now, snapshot=lambda: keep_snapshot(tx, snapshot_at(tx, limits, now), now))
        if waiting or new:
            wake(tx, [*waiting, *new])
    if waiting or new:
        log.info("plan shards=%d again=%d", len(new), len(waiting))
    return len(waiting) + len(new)


class ShardPublisher:
    """One worker's way to publish shards: shards of one run share the desk, so that it is fitted once."""

    def __init__(self, store: Store, writer: Writer, limits: Limits, fitted: FittedOnce) -> None:
        self._store = store
        self._writer = writer
        self._limits = limits
        self._fitted = fitted
        self._desks: dict[tuple[int, datetime], Desk] = {}  # the last one only

    def publish(self, shard_id: int, *, clock: Callable[[], datetime]) -> PublishReport | None:
        """Queue the digests of a shard. None when somebody else has it or had it. Harmless at any time, any number of times.

        Raises `StoreError`; the shard is then taken again when its lease ends.
        """
        with self._store.reading() as db:
            waiting = look_at(db, shard_id)
        if waiting is None:
            return None
        desk = self._desk(waiting)  # learning takes its time, and is done before the lease begins
        with at_work() as owner:
            with self._store.writing() as tx:
                shard = take_shard(tx, shard_id, Claim(owner, clock() + LEASE), now=clock())
            return None if shard is None else self._publish(shard, desk, clock)

    def publish_open(self, *, clock: Callable[[], datetime], is_stopping: Callable[[], bool]) -> int:
        """Publish whatever shards wait, without being told which. Returns how many."""
        done = 0
        with self._store.reading() as db:
            waiting = open_shards(db, clock())
        for shard_id in waiting:
            if is_stopping():
                break
            done += self.publish(shard_id, clock=clock) is not None
        return done

    def _publish(self, shard: Shard, desk: Desk, clock: Callable[[], datetime]) -> PublishReport | None:
        report = PublishReport()

        def still_ours(tx: Connection) -> None:
            if not renew_shard(tx, shard, clock() + LEASE):
                raise _TakenOverError

        people = iter(shard.people)
        try:
            while numbers := list(islice(people, BATCH)):
                with self._store.reading() as db:
                    due = still_due(db, numbers, shard.planned_at)
                report.count(desk.publish(due, first=still_ours))
            with self._store.writing() as tx:
                still_ours(tx)
                finish_shard(tx, shard, queued=report.queued, skipped=report.skips.total(), now=clock())
        except _TakenOverError:
            log.warning("publish shard=%d was taken over", shard.id)
            return None
        except BaseException:
            with suppress(StoreError), self._store.writing() as tx:  # else its lease ends
                give_back(tx, shard, clock())
            raise
        log.info("publish shard=%d queued=%d skipped=%d", shard.id, report.queued, report.skips.total())
        return report

    def _desk(self, shard: Shard) -> Desk:
        key = (shard.snapshot_id, shard.planned_at)
        if key not in self._desks:
            with self._store.reading() as db:
                snapshot = read_snapshot(db, shard.snapshot_id)
            desk = Desk(self._store, self._writer, self._limits, shard.planned_at, self._fitted, snapshot)
            desk.learn()
            self._desks = {key: desk}
        return self._desks[key]


class _TakenOverError(Exception):
    """The lease of a shard ended while it was published; another worker has it."""


def _why_not(person: Subscriber) -> Skip:
    reasons = {
        "paused": SkipReason.PAUSED,
        "unsubscribed": SkipReason.UNSUBSCRIBED,
        "pending": SkipReason.PENDING,
    }
    if person.status in reasons:
        return Skip(person.email, reasons[person.status], person.status_reason or "")
    upcoming = next_issue(
        person.profile.cadence, person.profile.timezone, person.next_due_at - timedelta(seconds=1)
    )
    return Skip(
        person.email, SkipReason.NOT_DUE, f"next digest {in_words(upcoming, person.profile.timezone)}"
    )
