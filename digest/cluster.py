"""Many processes for one digest: one of them leads and plans, workers publish shards and send, and all meet in PostgreSQL."""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from threading import Event

from digest.app import App
from digest.deliver import DeliverReport
from digest.material import FittedOnce
from digest.publish import PublishReport, ShardPublisher, plan
from digest.store.outbox import has_due
from digest.store.rounds import noted
from digest.subscriptions import come_back
from digest.workers import Waker, prepare, work

log = logging.getLogger(__name__)
Clock = Callable[[], datetime]


class Planner:
    """What the leading process does of a digest that has workers: plan and wake, instead of publishing and sending itself."""

    def __init__(self, app: App) -> None:
        self._app = app
        self._waker = Waker()
        self._is_prepared = False

    def plan(self, *, now: datetime) -> int:
        """Plan a run for whoever is due, and wake workers for it and for what others left. Returns for how many shards.

        Nothing while the disk is nearly full.
        """
        self._prepare()
        if _is_short(self._app):
            return 0
        with noted(self._app.store, "publish", now):
            self._app.sync(now=now)
            come_back(self._app.store, now=now)
            return plan(self._app.store, limits=self._app.limits(), now=now, wake=self._waker.shards)

    def wake_delivery(self, *, now: datetime) -> bool:
        """Wake a worker to send, when something is due. Whether there was."""
        self._prepare()
        with self._app.store.reading() as db:
            is_due = has_due(db, now)
        if is_due:
            with self._app.store.writing() as tx:
                self._waker.deliver(tx)
        return is_due

    def _prepare(self) -> None:
        if not self._is_prepared:
            prepare(self._app.store)
            self._is_prepared = True


class Worker:
    """One worker of a digest."""

    def __init__(self, app: App, *, clock: Clock, stopping: Event) -> None:
        self._app = app
        self._clock = clock
        self._stopping = stopping
        self._waker = Waker()
        self._fitted = FittedOnce()
        self._letters = app.letters
        self._shards = self._publisher()

    def run(self) -> None:
        """Work until told to stop. Raises `StoreError`."""
        prepare(self._app.store)
        work(self._app.settings.database.get_secret_value(), self, self._stopping)

    def publish_shard(self, shard_id: int) -> PublishReport | None:
        """Queue the digests of one shard, and wake a worker to send them; while the disk is nearly full the shard waits."""
        if _is_short(self._app):
            return None
        if self._letters is not self._app.letters:  # the settings were renewed
            self._letters, self._shards = self._app.letters, self._publisher()
        with noted(self._app.store, "publish", self._clock()) as run:
            report = self._shards.publish(shard_id, clock=self._clock)
            run.tallies = {"queued": report.queued if report else 0}
        if report is not None and report.queued:
            with self._app.store.writing() as tx:
                self._waker.deliver(tx)
        return report

    def _publisher(self) -> ShardPublisher:
        return ShardPublisher(self._app.store, self._app.letters, self._app.limits(), self._fitted)

    def deliver_due(self) -> DeliverReport | None:
        """Send what is due. A digest with a rate limit is sent by one worker at a time, so that the limit holds for all."""
        wanted = self._app.settings.file.delivery
        if not (wanted.per_second or wanted.per_domain_per_second):
            return self._app.deliver(clock=self._clock, is_stopping=self._stopping.is_set)
        with _alone(self._app, "delivery") as is_alone:
            if not is_alone():
                return None
            return self._app.deliver(
                clock=self._clock, is_stopping=lambda: self._stopping.is_set() or not is_alone()
            )


def _is_short(app: App) -> bool:
    """Whether the disk is nearly full; then it is told."""
    short = app.shortage()
    if short is not None:
        log.warning("publish %s", short)
    return short is not None


@contextmanager
def _alone(app: App, what: str) -> Iterator[Callable[[], bool]]:
    leadership = app.store.leadership(what)
    try:
        yield leadership.holds
    finally:
        leadership.resign()
