"""VERB 3: outbox -> claim -> send -> settle.

    connect    before anybody is claimed: a wrong password costs no reader an attempt
    | claim    a batch, under a lease that is renewed while it lasts
    | send     everything but the end of the message, on several connections at once
    | note     "may have left from here on", together with the outcomes of the messages before, of all connections
    | end      the server says 250, 4xx, 5xx or nothing
    | settle   sent, deferred, failed or unknown

Nothing is lost: a row leaves the open states only by `sent`, `failed`, `unknown` or `suppressed`. Nothing leaves twice
but in one window: between the note and the next commit, when the process dies there. Then the same bytes leave again,
with the same Message-ID, at most one message a connection.
"""

import logging
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime

from sqlalchemy import Connection

from digest.garbage import undisturbed
from digest.mail.transport import Transport, Unreachable
from digest.sending import Clock, DeliverReport, Round
from digest.settling import Policy, retry_delay
from digest.store import Store
from digest.store.halt import Halt, current_halt
from digest.store.outages import current_outage, note_outage
from digest.store.outbox import count_due, has_due
from digest.store.rescue import bury_poison, expire, held_leases, park_doubtful, release_dead
from digest.store.workers import at_work, is_dead
from digest.traces import traced

__all__ = ["DeliverReport", "Policy", "deliver", "retry_delay"]
log = logging.getLogger(__name__)


@traced("deliver", "sent", "deferred", "failed", "suppressed", "unknown")
def deliver(
    store: Store,
    transports: Sequence[Transport],
    *,
    policy: Policy,
    clock: Clock,
    is_stopping: Callable[[], bool] = lambda: False,
) -> DeliverReport:
    """Send what is owed and due, over at most as many connections as there are `transports`.

    Ends when nothing is left, when the server is in trouble, or when told to stop: then the messages at hand are
    finished. `clock` is asked again and again, since sending many takes long. Raises `StoreError`.
    """
    with at_work() as owner, store.often():
        now = clock()
        with store.writing() as tx:
            given_up, unknown = _tidy(tx, policy, now)
        with store.reading() as db:
            outage, halt = current_outage(db), current_halt(db)
            is_due = has_due(db, now)
        round_ = Round(store, policy, owner, clock=clock, is_probe=outage is not None)
        report = round_.report
        report.failed, report.unknown = given_up, unknown
        if halt is not None:
            report.stopped = _halted(halt) if is_due else None
        elif outage is not None and now < outage.next_probe_at:
            report.stopped = _told(outage.reason, outage.next_probe_at) if is_due else None
        elif is_due and not is_stopping():
            _go(round_, transports, is_stopping)
            _remember(store, report, policy, clock())
        if report.stopped is not None:
            with store.reading() as db:
                report.waiting = count_due(db, clock())
    log.info("deliver sent=%d deferred=%d failed=%d", report.sent, report.deferred, report.failed)
    return report


def _go(round_: Round, transports: Sequence[Transport], is_stopping: Callable[[], bool]) -> None:
    try:
        transports[0].connect()
    except Unreachable as error:
        round_.report.stopped = str(error)
        with suppress(Exception):
            transports[0].__exit__(None, None, None)
        return
    with undisturbed():
        round_.run(transports, is_stopping)


def _tidy(tx: Connection, policy: Policy, now: datetime) -> tuple[int, int]:
    """What nobody holds any more. Returns how many messages are given up and how many are in doubt."""
    for holder in held_leases(tx):
        if is_dead(holder):
            release_dead(tx, holder, now=now)
    unknown = park_doubtful(tx, now=now) if policy.on_unknown == "hold" else 0
    return bury_poison(tx, now=now) + expire(tx, queued_before=now - policy.give_up_after, now=now), unknown


def _remember(store: Store, report: DeliverReport, policy: Policy, now: datetime) -> None:
    """A server in trouble is left alone for a while, by every process."""
    if report.stopped is not None:
        with store.writing() as tx:
            note_outage(tx, report.stopped, now=now, pause=policy.pause)
        report.stopped = _told(report.stopped, now + policy.pause)


def _halted(halt: Halt) -> str:
    since = f"{halt.began_at:%Y-%m-%d %H:%M} UTC"
    return f"the operator halted sending at {since} ({halt.reason}); `digest operator resume` lets it go on"


def _told(reason: str, until: datetime) -> str:
    return f"{reason}; nothing is tried until {until:%H:%M} UTC (`digest outbox retry` tries at once)"
