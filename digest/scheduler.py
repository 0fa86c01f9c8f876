"""When to look: APScheduler calls the three verbs. It owns no state; what is due is in the database.

So a missed tick, a restart or a second scheduler is harmless: the next look finds what the last one left. One thread
runs the verbs one after the other, and SIGTERM or SIGINT ends after the item at hand.
"""

import logging
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from types import FrameType

from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.background import BackgroundScheduler

from digest.store.postgres import Leadership

log = logging.getLogger(__name__)
_ASK_EVERY = 1.0  # seconds


@dataclass(frozen=True, slots=True)
class Job:
    """A verb and how often to call it; `every` is asked again and again, and may change its mind."""

    name: str
    call: Callable[[], object]
    every: Callable[[], timedelta]


def run_forever(
    jobs: Sequence[Job], stopping: threading.Event, leads: Callable[[], bool] = lambda: True
) -> None:
    """Call every job now, in order, and then at its pace, until `stopping` is set. Returns when the item at hand is done.

    Of several processes only the one that `leads` does so; the others ask every second whether they do now.
    """
    is_told = False
    while not stopping.is_set():
        if leads():
            _lead(jobs, stopping, leads)
            is_told = False
            continue
        if not is_told:
            log.info("another process leads; waiting to take over")
            is_told = True
        stopping.wait(_ASK_EVERY)


@contextmanager
def leading(leaderships: Sequence[Leadership]) -> Iterator[Callable[[], bool]]:
    """Asks, again and again, whether this process leads all of these, or else none.

    On SQLite whoever asks leads: there is one machine, and the ledger keeps two schedules from harm.
    """

    def leads() -> bool:
        if all(leadership.holds() for leadership in leaderships):
            return True
        resign()
        return False

    def resign() -> None:
        for leadership in leaderships:
            leadership.resign()

    try:
        yield leads
    finally:
        resign()


def _lead(jobs: Sequence[Job], stopping: threading.Event, leads: Callable[[], bool]) -> None:
    scheduler = BackgroundScheduler(
        timezone="UTC",
        executors={"default": ThreadPoolExecutor(1)},
        # The defaults would drop a tick that is more than a second late; ours are harmless at any time, once.
        job_defaults={"coalesce": True, "misfire_grace_time": None, "max_instances": 1},
    )
    for job in jobs:
        _guarded(job)()
        if stopping.is_set():
            return
    paces = {job.name: job.every() for job in jobs}
    for job in jobs:
        scheduler.add_job(_guarded(job), "interval", seconds=paces[job.name].total_seconds(), id=job.name)
    scheduler.start()
    try:
        while not stopping.wait(_ASK_EVERY) and leads():
            for job in jobs:
                if (every := job.every()) != paces[job.name]:
                    paces[job.name] = every
                    scheduler.reschedule_job(job.name, trigger="interval", seconds=every.total_seconds())
    finally:
        scheduler.shutdown(wait=True)


def _guarded(job: Job) -> Callable[[], None]:
    """A job whose failure is told and does not end the others."""

    def call() -> None:
        try:
            job.call()
        except Exception:
            log.exception("job=%s failed; it is tried again in %s", job.name, job.every())

    return call


def stop_on_signals(stopping: threading.Event) -> None:
    """SIGTERM and SIGINT ask for an orderly end; a second one ends at once."""

    def ask(signum: int, _frame: FrameType | None) -> None:
        log.info("signal=%s stopping after the item at hand", signal.Signals(signum).name)
        stopping.set()
        signal.signal(signum, signal.SIG_DFL)

    for signum in (signal.SIGTERM, signal.SIGINT):
        signal.signal(signum, ask)
