"""Several connections at once, one thread each. They know nothing of the database: they ask, and they tell.

A sender asks before it ends a message, and waits for the answer. What became of a message it tells at once: whoever
keeps the books writes it down together with the next question, or soon. So at most one message a connection is ever in
doubt.
"""

import logging
import queue
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from digest.errors import TransportError
from digest.mail.transport import InDoubt, Transport, Unreachable, Withdrawn
from digest.model import Delivery, Envelope

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one message: the server's reply, or the error. `Withdrawn` means that it was told not to go on.

    After an error the sender waits until it is `heard`: whether to go on at all may depend on it.
    """

    delivery: Delivery
    reply: str = ""
    error: Exception | None = None
    heard: threading.Event | None = None


@dataclass(slots=True)
class Request:
    """May this message be ended?"""

    delivery: Delivery
    _answer: bool = False
    _unanswered: threading.Lock = field(
        default_factory=threading.Lock
    )  # cheaper than an Event, once a message

    def __post_init__(self) -> None:
        self._unanswered.acquire()

    def answer(self, *, go_on: bool) -> None:
        """Let the sender go on, or tell it to forget the message."""
        self._answer = go_on
        self._unanswered.release()

    def wait(self) -> bool:
        """What the answer is."""
        with self._unanswered:
            return self._answer


@dataclass(frozen=True, slots=True)
class Retired:
    """A sender stopped: `why` is None when there was nothing left to do, else what keeps it from sending."""

    why: Unreachable | None


Event = Request | Outcome | Retired
_Work = queue.SimpleQueue[Delivery | None]
_Events = queue.SimpleQueue[Event]


class Senders:
    """Threads that send what is put into them. What they say comes out of `events`, in the order it was said."""

    def __init__(self, sender_of: Callable[[Delivery], str]) -> None:
        self.alive = 0
        self._sender_of = sender_of
        self._work: _Work = queue.SimpleQueue()
        self._events: _Events = queue.SimpleQueue()
        self._threads: list[threading.Thread] = []

    def start(self, transports: Sequence[Transport]) -> None:
        """One more thread for each of these. A transport is closed by the thread that used it."""
        for transport in transports:
            sender = _Sender(transport, self._work, self._events, self._sender_of)
            thread = threading.Thread(target=sender.run, name="sender", daemon=True)
            self._threads.append(thread)
            self.alive += 1
            thread.start()

    def put(self, delivery: Delivery) -> None:
        """Send this when a connection is free."""
        self._work.put(delivery)

    def take_back(self) -> list[Delivery]:
        """What was put in and nobody has begun."""
        found = []
        with suppress(queue.Empty):
            while True:
                if (delivery := self._work.get_nowait()) is not None:
                    found.append(delivery)
        return found

    def finish(self) -> None:
        """Nothing more will come: every sender stops after the message at hand."""
        for _ in self._threads:
            self._work.put(None)

    def events(self, seconds: float, *, linger: float = 0.0) -> list[Event]:
        """Everything said since the last time; waits up to `seconds` when that is nothing.

        Once something is said, waits up to `linger` seconds more for the other senders to speak too.
        """
        heard: list[Event] = []
        with suppress(queue.Empty):
            heard.append(self._events.get(timeout=seconds) if seconds > 0 else self._events.get_nowait())
            ends_at = time.monotonic() + linger
            while True:
                asking = sum(isinstance(event, Request) for event in heard)
                left = ends_at - time.monotonic() if asking < self.alive else 0.0
                heard.append(self._events.get(timeout=left) if left > 0 else self._events.get_nowait())
        return heard

    def join(self) -> None:
        """Wait until every thread has ended."""
        for thread in self._threads:
            thread.join()


class _Sender:
    """One thread's work: one connection, one message after the other."""

    def __init__(
        self, transport: Transport, work: _Work, events: _Events, sender_of: Callable[[Delivery], str]
    ) -> None:
        self._transport = transport
        self._work = work
        self._events = events
        self._sender_of = sender_of
        self._may_have_ended: int | None = None

    def run(self) -> None:
        why: Unreachable | None = None
        try:
            with self._transport:
                while why is None and (delivery := self._work.get()) is not None:
                    why = self._send(delivery)
        except Exception:
            log.exception("a sender broke")
        finally:
            self._events.put(Retired(why))

    def _send(self, delivery: Delivery) -> Unreachable | None:
        """Send one message. Returns why there is no use in going on, if so."""
        envelope = Envelope(self._sender_of(delivery), delivery.envelope.rcpt_to)
        try:
            reply = self._transport.send(envelope, delivery.raw, lambda: self._may_end(delivery))
        except (TransportError, Withdrawn) as error:
            return self._failed(delivery, error)
        except Exception as error:  # a mistake of ours, which may cost one message and not the others
            log.exception("delivery id=%d broke its sender", delivery.id)
            words = f"{type(error).__name__}: {error}; see the log"
            return self._failed(delivery, InDoubt(words) if self._may_have_ended == delivery.id else error)
        self._events.put(Outcome(delivery, reply))
        return None

    def _failed(self, delivery: Delivery, error: Exception) -> Unreachable | None:
        heard = threading.Event()
        self._events.put(Outcome(delivery, error=error, heard=heard))
        heard.wait()
        return error if isinstance(error, Unreachable) else None

    def _may_end(self, delivery: Delivery) -> bool:
        request = Request(delivery)
        self._events.put(request)
        go_on = request.wait()
        self._may_have_ended = delivery.id if go_on else None
        return go_on
