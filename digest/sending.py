"""One round of sending: several connections send (`mail.senders`), and here the books are kept.

Whatever the senders said since the last commit is written in the next one: outcomes, permissions to end a message, the
renewal of the lease and the claim of more. A permission is given only when the commit returned.
"""

import logging
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import chain

from sqlalchemy import Connection

from digest.backlog import Backlog
from digest.crashpoints import crashpoint
from digest.errors import StoreError
from digest.garbage import sweep
from digest.mail.breaker import Breaker
from digest.mail.senders import Event, Outcome, Request, Retired, Senders
from digest.mail.transport import Transport, Unreachable
from digest.model import Delivery
from digest.settling import Policy, settle_error
from digest.store import Store
from digest.store.outages import end_outage
from digest.store.outbox import (
    Claim,
    claim,
    give_back,
    mark_handed,
    renew,
    settle_sent,
)
from digest.store.rescue import drop_unwanted

log = logging.getLogger(__name__)
Clock = Callable[[], datetime]
_PATIENCE = 0.25  # seconds between two looks at whether to stop
_LEAST_LINGER, _LINGER = 0.001, 0.005  # seconds
_SHARED = 0.01  # seconds an outcome may wait for a question to share its commit with
_MESSAGES_A_CONNECTION = (
    8  # a connection costs about as much; so many are claimed at least, that none is idle
)
_SOON = 0.5  # seconds: who wants more before they are over is given more at once, up to
_MORE = 4  # times as many as the policy says; what is claimed nobody else may change, so it is soon sent


@dataclass(slots=True)
class DeliverReport:
    """What one round did."""

    sent: int = 0
    deferred: int = 0
    worrying: int = 0  # of these: not the first time, old already, or more than a "not now"
    failed: int = 0
    suppressed: int = 0
    unknown: int = 0  # may have left; the operator decides
    waiting: int = 0  # due and not tried, since the server itself is in trouble
    stopped: str | None = None  # why the round ended early: the server itself is in trouble

    @property
    def has_trouble(self) -> bool:
        """Whether somebody should look."""
        return bool(self.worrying or self.failed or self.unknown or self.stopped)


class Round:
    """One worker's way through the outbox. `is_probe`: the server was in trouble, so one message goes first."""

    def __init__(self, store: Store, policy: Policy, owner: str, *, clock: Clock, is_probe: bool) -> None:
        self.report = DeliverReport()
        self._store = store
        self._policy = policy
        self._owner = owner
        self._clock = clock
        self._is_probe = is_probe
        self._senders = Senders(policy.return_path)
        self._breaker = Breaker()
        self._backlog = Backlog(store, policy.pace)
        self._in_hand: dict[int, Delivery] = {}  # claimed, and nothing written of it yet
        self._unwritten: list[Outcome] = []
        self._write_by = math.inf  # when the outcomes that wait must be written, by the steady clock
        self._renewed_at = clock()
        self._linger = 0.0
        self._least = self._batch = policy.batch
        self._claimed_at = -math.inf  # by the steady clock
        self._found_all = False
        self._is_ending = False

    def run(self, transports: Sequence[Transport], is_stopping: Callable[[], bool]) -> None:
        """Send until nothing is left, the server is in trouble, or somebody says stop. Raises `StoreError`."""
        spare = list(transports)
        self._least = self._batch = max(self._policy.batch, len(spare) * _MESSAGES_A_CONNECTION)
        try:
            while self._in_hand or self._wants_more:
                wanted = 1 if self._is_probe else 1 + len(self._in_hand) // _MESSAGES_A_CONNECTION
                while spare and len(transports) - len(spare) < wanted and self.report.stopped is None:
                    self._senders.start([spare.pop(0)])
                patience = min(self._feed(), self._write_by - time.monotonic()) if self._in_hand else 0.0
                self._write(self._senders.events(patience, linger=self._linger))
                if is_stopping() or self.report.stopped is not None:
                    break
        finally:
            self._end()

    def _feed(self) -> float:
        """Give the senders what may leave now. Returns for how many seconds there is nothing to do but listen."""
        at = time.monotonic()
        while self._senders.waiting < self._senders.alive:
            if (delivery := self._backlog.next(at)) is None:
                return min(_PATIENCE, self._backlog.wait(at))
            if delivery.raw:
                self._senders.put(delivery)
            else:
                del self._in_hand[delivery.id]
        return _PATIENCE

    def _write(self, events: Sequence[Event], *, is_last: bool = False) -> None:
        """One commit for everything that was said. Then the senders that asked may go on.

        What was accepted waits a moment for a question to share its commit with, unless this `is_last`.
        """
        requests = self._hear(events)
        now = self._clock()
        is_late = now - self._renewed_at >= self._policy.lease / 3
        is_time = bool(self._unwritten) and (is_last or time.monotonic() >= self._write_by)
        if not (requests or is_time or is_late or self._wants_more):
            return
        lease = Claim(self._owner, now + self._policy.lease)
        tally: list[str] = []
        allowed: set[int] = set()
        taken: list[Delivery] = []
        began = time.monotonic()
        try:
            with self._store.writing() as tx:
                tally = self._settle(tx, now)
                allowed = mark_handed(tx, [request.delivery for request in requests], now=now)
                if is_late:
                    renew(tx, lease)
                if self._wants_more:
                    taken = self._claim(tx, lease, now)
                crashpoint("deliver.before_commit")
            crashpoint("deliver.after_commit")
        except BaseException:
            # The commit may have happened all the same: nobody ends a message on it, and what was accepted stays noted
            # in `_unwritten`, to be written again.
            for request in requests:
                request.answer(False)
            raise
        # Waiting as long as a commit takes for the questions of the others saves whole commits; also where the disk is
        # quick, since a commit costs the processor as much as the message.
        self._linger = min(max(time.monotonic() - began, _LEAST_LINGER), _LINGER)
        self._committed(tally, taken, now if is_late else None)
        for request in requests:
            request.answer(request.delivery.id in allowed)
        if taken:
            self._read(taken)  # now, while the server is busy with what was ended

    def _committed(
        self, tally: Sequence[str], taken: Sequence[Delivery], renewed_at: datetime | None
    ) -> None:
        for name in tally:
            setattr(self.report, name, getattr(self.report, name) + 1)
        for outcome in self._unwritten:
            self._in_hand.pop(outcome.delivery.id, None)
        self._unwritten.clear()
        self._write_by = math.inf
        self._renewed_at = renewed_at or self._renewed_at
        self._in_hand |= {delivery.id: delivery for delivery in taken}
        if "sent" in tally:
            self._is_probe = False

    def _read(self, taken: Sequence[Delivery]) -> None:
        for erased in self._backlog.add(taken):
            del self._in_hand[erased.id]
        sweep()

    @property
    def _wants_more(self) -> bool:
        """Whether the senders will soon have nothing to do."""
        if self._found_all or self.report.stopped is not None:
            return False
        return not self._in_hand if self._is_probe else len(self._in_hand) <= self._batch // 2

    def _claim(self, tx: Connection, lease: Claim, now: datetime) -> list[Delivery]:
        limit = 1 if self._is_probe else self._next_batch()
        taken = claim(tx, lease, now=now, limit=limit)
        self._found_all = len(taken) < limit
        unwanted = drop_unwanted(tx, taken, now=now)
        self.report.suppressed += len(unwanted)
        return [delivery for delivery in taken if delivery.id not in unwanted]

    def _next_batch(self) -> int:
        """How many to claim: a claim costs about as much as ten messages."""
        before, self._claimed_at = self._claimed_at, time.monotonic()
        is_quick = self._claimed_at - before < _SOON
        most = max(self._least, _MORE * self._policy.batch)
        self._batch = min(2 * self._batch, most) if is_quick else self._least
        return self._batch

    def _hear(self, events: Sequence[Event]) -> list[Request]:
        """Sort what was said: outcomes wait to be written, questions to be answered."""
        requests = []
        for event in events:
            if isinstance(event, Request):
                requests.append(event)
            elif isinstance(event, Outcome):
                self._learn(event)
            else:
                self._retire(event)
        return requests

    def _learn(self, outcome: Outcome) -> None:
        if isinstance(outcome.error, Unreachable):
            self._backlog.put_back(outcome.delivery)  # another connection may take it; nothing was tried
            outcome.heard()
            return
        self._unwritten.append(outcome)
        self._write_by = min(self._write_by, time.monotonic() + _SHARED)
        if outcome.error is not None:
            log.warning("delivery id=%d: %s", outcome.delivery.id, outcome.error)
        if self._breaker.saw(outcome.error) and self.report.stopped is None:
            self.report.stopped = str(outcome.error)
            self._senders.take_back()
        outcome.heard()

    def _retire(self, event: Retired) -> None:
        self._senders.alive -= 1
        if event.why is not None and self._senders.alive > 0:
            log.warning("one connection less: %s", event.why)
        elif self._senders.alive == 0 and not self._is_ending and self.report.stopped is None:
            self.report.stopped = str(event.why or "every sender broke; see the log")

    def _settle(self, tx: Connection, now: datetime) -> list[str]:
        """Write what became of messages. Returns what each counts as in the report."""
        accepted = [(outcome.delivery, outcome.reply) for outcome in self._unwritten if outcome.error is None]
        ours = settle_sent(tx, accepted, now=now)
        if self._is_probe and accepted:
            end_outage(tx)
        for delivery, _ in accepted:
            if delivery.id not in ours:
                log.warning("delivery id=%d was taken over while it was sent", delivery.id)
        failed = [outcome for outcome in self._unwritten if outcome.error is not None]
        settled = (settle_error(tx, self._store, self._policy, outcome, now) for outcome in failed)
        return ["sent"] * len(ours) + list(chain.from_iterable(settled))

    def _end(self) -> None:
        """Let the messages at hand be finished, give back the others, and write what is left to write."""
        self._found_all = self._is_ending = True
        self._senders.take_back()
        self._senders.finish()
        broken: StoreError | None = None
        while self._senders.alive > 0:
            try:
                self._write(self._senders.events(_PATIENCE))
            except StoreError as error:
                broken = error  # the senders are told not to go on; go on listening to them
        self._write([], is_last=True)  # once more what could not be written; raises when it still cannot
        with self._store.writing() as tx:
            for delivery in self._in_hand.values():
                give_back(tx, delivery, now=self._clock())
        if broken is not None:
            raise broken
