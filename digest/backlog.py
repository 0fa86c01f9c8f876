"""What one round has claimed and not yet given to its senders.

What is kept of a mail is read soon after the claim, many at once. A mail itself is put together when its turn comes: so
its bytes leave while they are at hand, into memory that the last one has just left.
"""

import logging
import math
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import replace

from digest.mail.pace import Pace
from digest.model import Delivery
from digest.store import Store
from digest.store.bodies import Body, bodies_of, words_of

log = logging.getLogger(__name__)


class Backlog:
    """Mails in the order in which they may leave. Reading may raise `StoreError`."""

    def __init__(self, store: Store, pace: Pace) -> None:
        self._store = store
        self._pace = pace
        self._waiting: deque[Delivery] = deque()
        self._bodies: dict[int, Body] = {}  # of those that wait
        self._words: Mapping[bytes, bytes] = {}  # of the pieces that they share

    def add(self, claimed: Sequence[Delivery]) -> list[Delivery]:
        """Read what is kept of these. Returns those of which nothing is kept any more, which are left out."""
        with self._store.reading() as db:
            found = bodies_of(db, [delivery.id for delivery in claimed])
        self._bodies |= found
        self._waiting.extend(delivery for delivery in claimed if delivery.id in found)
        return [delivery for delivery in claimed if delivery.id not in found]

    def put_back(self, delivery: Delivery) -> None:
        """This one was given out, and nobody tried to send it."""
        self._waiting.append(delivery)

    def next(self, at: float) -> Delivery | None:
        """The next that may leave `at` this time of the steady clock; None when there is none.

        It comes with its bytes, or with none when they cannot be put together.
        """
        for _ in range(len(self._waiting)):
            delivery = self._waiting.popleft()
            if self._wait_for(delivery, at) > 0:
                self._waiting.append(delivery)
                continue
            self._pace.started(delivery.envelope.rcpt_to, at)
            return self._whole(delivery)
        return None

    def wait(self, at: float) -> float:
        """For how many seconds nothing more may leave."""
        return min((self._wait_for(delivery, at) for delivery in self._waiting), default=math.inf)

    def _wait_for(self, delivery: Delivery, at: float) -> float:
        return self._pace.wait_for(delivery.envelope.rcpt_to, at) if self._pace.is_limited else 0.0

    def _whole(self, delivery: Delivery) -> Delivery:
        body = self._bodies.pop(delivery.id, None)
        if body is None:  # it was put back
            return delivery
        try:
            return replace(delivery, raw=self._raw(body))
        except KeyError as lost:
            log.error("delivery id=%d cannot be put together: the database has lost %s", delivery.id, lost)  # noqa: TRY400
            return delivery

    def _raw(self, body: Body) -> bytes:
        try:
            return body.raw(self._words)
        except KeyError:
            with self._store.reading() as db:
                self._words = words_of(db, [body, *self._bodies.values()])
            return body.raw(self._words)
