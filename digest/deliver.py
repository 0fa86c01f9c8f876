"""VERB 3: outbox -> claim -> send -> settle.

    release    what a dead worker held
    | claim    a batch, under a lease
    | send     everything but the end of the message
    | note     "may have left from here on", together with the outcome of the message before: one commit a message
    | end      the server says 250, 4xx, 5xx or nothing
    | settle   sent, deferred or failed

Nothing is lost: a row leaves the open states only by `sent`, `failed` or `suppressed`. Nothing leaves twice but in one
window: between the note and the next commit, when the process dies there. Then the same bytes leave again, with the
same Message-ID.
"""

import logging
import os
import socket
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy import Connection

from digest.errors import PermanentTransportError, TemporaryTransportError, TransportError
from digest.mail.transport import Transport, Withdrawn
from digest.model import Delivery
from digest.store import Store
from digest.store.outbox import (
    Claim,
    bury_poison,
    claim,
    drop_unwanted,
    give_back,
    held_leases,
    mark_handed,
    release_dead,
    settle_deferred,
    settle_failed,
    settle_sent,
)
from digest.store.people import suppress as suppress_address

log = logging.getLogger(__name__)
Clock = Callable[[], datetime]
# Retry after the age of the message, clamped: young ones soon, old ones patiently (the rule of Postfix).
_SOONEST = timedelta(seconds=300)
_LATEST = timedelta(seconds=4000)


@dataclass(frozen=True, slots=True)
class Policy:
    """How patient delivery is."""

    batch: int = 50
    lease: timedelta = timedelta(seconds=300)
    give_up_after: timedelta = timedelta(hours=20)


@dataclass(slots=True)
class DeliverReport:
    """What one round did."""

    sent: int = 0
    deferred: int = 0
    failed: int = 0
    suppressed: int = 0
    stopped: str | None = None  # why the round ended early: the server itself is in trouble

    @property
    def has_trouble(self) -> bool:
        """Whether somebody should look."""
        return bool(self.deferred or self.failed or self.stopped)


def deliver(
    store: Store,
    transport: Transport,
    *,
    policy: Policy,
    clock: Clock,
    is_stopping: Callable[[], bool] = lambda: False,
) -> DeliverReport:
    """Send what is owed and due. Ends when nothing is left, when the server is in trouble, or when told to stop.

    `clock` is asked for each message, since sending many takes long.
    """
    report = DeliverReport()
    owner = _this_worker()
    with store.writing() as tx:
        for holder in held_leases(tx):
            if is_dead(holder):
                release_dead(tx, holder, now=clock())
        report.failed += bury_poison(tx, now=clock())
    try:
        with transport:
            round_ = _Round(store, transport, policy, clock, report)
            while report.stopped is None and not is_stopping() and (batch := round_.claim(owner)):
                round_.send_all(batch, is_stopping)
    finally:
        with store.writing() as tx:
            give_back(tx, owner, now=clock())
    log.info("deliver sent=%d deferred=%d failed=%d", report.sent, report.deferred, report.failed)
    return report


class _Round:
    """One worker's way through the outbox. An outcome is written together with the next message's note."""

    def __init__(
        self, store: Store, transport: Transport, policy: Policy, clock: Clock, report: DeliverReport
    ) -> None:
        self._store = store
        self._transport = transport
        self._policy = policy
        self._clock = clock
        self._report = report
        self._accepted: tuple[Delivery, str] | None = None  # said 250, not yet written down

    def claim(self, owner: str) -> list[Delivery]:
        now = self._clock()
        with self._store.writing() as tx:
            self._report.suppressed += drop_unwanted(tx, now)
            return claim(tx, Claim(owner, now + self._policy.lease), now=now, limit=self._policy.batch)

    def send_all(self, batch: list[Delivery], is_stopping: Callable[[], bool]) -> None:
        for delivery in batch:
            if is_stopping() or self._report.stopped is not None:
                break
            self._send(delivery)
        with self._store.writing() as tx:
            self._settle_accepted(tx)

    def _send(self, delivery: Delivery) -> None:
        try:
            reply = self._transport.send(delivery.envelope, delivery.raw, lambda: self._note(delivery))
        except Withdrawn:
            log.warning("delivery id=%d claim lost, not sent", delivery.id)
        except TransportError as error:
            self._refused(delivery, error)
        else:
            self._accepted = (delivery, reply)

    def _note(self, delivery: Delivery) -> bool:
        with self._store.writing() as tx:
            self._settle_accepted(tx)
            return mark_handed(tx, delivery, now=self._clock())

    def _settle_accepted(self, tx: Connection) -> None:
        if self._accepted is None:
            return
        delivery, reply = self._accepted
        if settle_sent(tx, delivery, reply, now=self._clock()):
            self._report.sent += 1
        else:
            log.warning("delivery id=%d was taken over while it was sent", delivery.id)
        self._accepted = None

    def _refused(self, delivery: Delivery, error: TransportError) -> None:
        now = self._clock()
        with self._store.writing() as tx:
            self._settle_accepted(tx)
            if (
                isinstance(error, PermanentTransportError)
                or now - delivery.queued_at >= self._policy.give_up_after
            ):
                self._report.failed += settle_failed(tx, delivery, str(error), now=now)
                if error.about_reader:
                    suppress_address(
                        tx,
                        self._store.address_hash(delivery.envelope.rcpt_to),
                        "hard_bounce",
                        str(error),
                        now,
                    )
            else:
                next_at = now + retry_delay(now - delivery.queued_at)
                self._report.deferred += settle_deferred(tx, delivery, str(error), next_at=next_at)
        log.warning("delivery id=%d refused: %s", delivery.id, error)
        if isinstance(error, TemporaryTransportError) and error.whole_server:
            self._report.stopped = str(error)


def retry_delay(age: timedelta) -> timedelta:
    """How long to wait before the next try of a message of this age."""
    return min(max(age, _SOONEST), _LATEST)


def _this_worker() -> str:
    """Names this process so that another one on this machine can tell whether it still lives."""
    return f"{socket.gethostname()}|{_boot_id()}|{os.getpid()}"


def is_dead(owner: str) -> bool:
    """Whether the worker of that name is gone for certain: it ran on this machine, and no longer does.

    When in doubt it lives, and its lease decides.
    """
    host, boot, pid = owner.rsplit("|", 2)
    if host != socket.gethostname() or not pid.isdigit():
        return False
    if boot != _boot_id():
        return True
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return True
    except OSError:
        return False
    return (
        int(pid) == os.getpid()
    )  # nobody else has our number: an earlier process had it, or an earlier round of ours


def _boot_id() -> str:
    """Changes with every start of the machine, where the system tells; process numbers are reused after one."""
    with suppress(OSError):
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    return "unknown"
