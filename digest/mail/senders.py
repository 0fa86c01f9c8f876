"""Several connections at once, which take turns. They know nothing of the database: they ask, and they tell.

A sender asks before it ends a message, and waits for the answer. What became of a message it tells at once: whoever
keeps the books writes it down together with the next question, or soon. So at most one message a connection is ever in
doubt. With the end of a message it announces the next one, which saves a round trip; an announced message has not been
tried.
"""

import logging
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

from digest.errors import TransportError
from digest.mail.transport import InDoubt, Transport, Unreachable, Withdrawn
from digest.mail.turns import Conversation, Turns, here
from digest.model import Delivery, Envelope

log = logging.getLogger(__name__)


class Outcome(NamedTuple):
    """What became of one message: the server's reply, or the error. `Withdrawn` means that it was told not to go on.

    After an error the sender waits until it is `heard`: whether to go on at all may depend on it. A tuple, for there
    are many.
    """

    delivery: Delivery
    reply: str = ""
    error: Exception | None = None
    heard: Callable[[], None] = lambda: None


class Request(NamedTuple):
    """May this message be ended? The sender waits for the `answer`."""

    delivery: Delivery
    answer: Callable[[bool], None]


@dataclass(frozen=True, slots=True)
class Retired:
    """A sender stopped: `why` is None when there was nothing left to do, else what keeps it from sending."""

    why: Unreachable | None


Event = Request | Outcome | Retired


class Senders:
    """Sends what is put into it. What is said of that comes out of `events`, in the order it was said."""

    def __init__(self, sender_of: Callable[[Delivery], str]) -> None:
        self.alive = 0
        self._sender_of = sender_of
        self._turns = Turns()
        self._work: deque[Delivery] = deque()
        self._announced: dict[Transport, tuple[Delivery, Envelope]] = {}  # what comes next there
        self._idle: deque[Conversation] = deque()
        self._said: list[Event] = []
        self._asking = 0  # of what was said
        self._is_finishing = False

    def start(self, transports: Sequence[Transport]) -> None:
        """One more sender for each of these. A transport is closed by the sender that used it."""
        for transport in transports:
            self.alive += 1
            self._turns.begin(partial(self._serve, transport))

    @property
    def waiting(self) -> int:
        """How many were put in, and no connection was free for."""
        return len(self._work)

    def put(self, delivery: Delivery) -> None:
        """Send this when a connection is free."""
        self._work.append(delivery)
        self._wake()

    def take_back(self) -> None:
        """Begin nothing of what was put in so far."""
        self._work.clear()
        self._announced.clear()

    def finish(self) -> None:
        """Nothing more will come: every sender stops after the message at hand."""
        self._is_finishing = True
        self._wake()

    def events(self, seconds: float, *, linger: float = 0.0) -> list[Event]:
        """Everything said since the last time; waits up to `seconds` when that is nothing.

        Once something is said, waits up to `linger` seconds more for the other senders to speak too.
        """
        self._wake()
        self._turns.take(0.0 if self._said else seconds)
        ends_at = time.monotonic() + linger
        while self._said and self._asking + len(self._idle) < self.alive:  # others are busy
            if (left := ends_at - time.monotonic()) <= 0:
                break
            self._turns.take(left)
        said, self._said, self._asking = self._said, [], 0
        return said

    def _wake(self) -> None:
        while self._idle and (self._work or self._is_finishing):
            self._idle.popleft().tell()

    # From here on each sender's own conversation speaks.

    def _serve(self, transport: Transport) -> None:
        """One connection, one message after the other."""
        why: Unreachable | None = None
        try:
            with transport:
                while why is None and (waiting := self._next(transport)) is not None:
                    why = self._send(transport, *waiting)
        except Exception:
            log.exception("a sender broke")
        finally:
            if (announced := self._announced.pop(transport, None)) is not None:
                self._work.appendleft(announced[0])  # another connection may take it
            self._said.append(Retired(why))

    def _next(self, transport: Transport) -> tuple[Delivery, Envelope | None] | None:
        """What was announced here, else what waits longest; waits for it. None when nothing more will come.

        With what was announced comes what was said of it.
        """
        if (announced := self._announced.pop(transport, None)) is not None:
            return announced
        while not self._work:
            if self._is_finishing:
                return None
            self._idle.append(here())
            here().listen()
        return self._work.popleft(), None

    def _send(
        self, transport: Transport, delivery: Delivery, announced_as: Envelope | None
    ) -> Unreachable | None:
        """Send one message. Returns why there is no use in going on here, if so."""
        is_ended = False

        def may_end() -> bool:
            nonlocal is_ended
            sender = here()
            self._said.append(Request(delivery, sender.tell))
            self._asking += 1
            is_ended = bool(sender.listen())
            return is_ended

        try:
            announce = partial(self._announce, transport)
            envelope = announced_as or self._envelope(delivery)
            reply = transport.send(envelope, delivery.raw, may_end, announce)
        except (TransportError, Withdrawn) as error:
            return self._failed(delivery, error)
        except Exception as error:  # a mistake of ours, which may cost one message and not the others
            log.exception("delivery id=%d broke its sender", delivery.id)
            words = f"{type(error).__name__}: {error}; see the log"
            return self._failed(delivery, InDoubt(words) if is_ended else error)
        self._said.append(Outcome(delivery, reply))
        return None

    def _failed(self, delivery: Delivery, error: Exception) -> Unreachable | None:
        self._said.append(Outcome(delivery, error=error, heard=here().tell))
        here().listen()
        return error if isinstance(error, Unreachable) else None

    def _announce(self, transport: Transport) -> tuple[Envelope, bytes] | None:
        """The message that comes next on this connection, if there is one."""
        if transport not in self._announced:
            if not self._work:
                return None
            self._announced[transport] = self._work[0], self._envelope(self._work[0])
            self._work.popleft()
        delivery, envelope = self._announced[transport]
        return envelope, delivery.raw

    def _envelope(self, delivery: Delivery) -> Envelope:
        return Envelope(self._sender_of(delivery), delivery.envelope.rcpt_to)
