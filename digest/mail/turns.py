"""Conversations that take turns in one thread: whoever waits lets the others go on.

A conversation is ordinary code, read from top to bottom. It is interrupted in two places only: where it waits for a
socket (`until_ready`) and where it waits for a word of whoever began it (`Conversation.listen`). So nothing between
needs a lock, and many connections cost no more than the work on them. Outside of a conversation, `until_ready` waits.
"""

import math
import select
import socket
import time
from collections.abc import Callable
from typing import Any

from greenlet import getcurrent, greenlet

READ, WRITE = 1, 2  # what a socket is waited for


class Conversation(greenlet):
    """One of those that take turns; `Turns.begin` makes it."""

    def __init__(self, act: Callable[[], None], turns: "Turns") -> None:
        super().__init__(act)
        self.turns = turns

    def listen(self) -> Any:
        """From inside: wait for a word."""
        return self.turns.home.switch()

    def tell(self, word: Any = None) -> None:
        """From outside: give the word it listens for, and let it go on until it waits again."""
        self.switch(word)


class Turns:
    """All conversations of one place; they run inside of `begin`, `tell` and `take`, in the thread that made this."""

    def __init__(self) -> None:
        self.home = getcurrent()
        self._watched = _watched()
        self._waiting: dict[int, tuple[Conversation, float]] = {}  # for this socket, and until when
        self._look_at = math.inf  # nobody waits too long before

    def begin(self, act: Callable[[], None]) -> None:
        """Let `act` go on until it waits for the first time. It must not raise."""
        Conversation(act, self).switch()

    def take(self, seconds: float) -> None:
        """Wait up to `seconds` until sockets are ready, and let everybody who waited for one go on."""
        waiting = self._waiting
        for number in self._watched.ready(seconds):
            waiting[number][0].switch(True)
        if (now := time.monotonic()) >= self._look_at:
            for late in [one for one, ends_at in waiting.values() if ends_at <= now]:
                late.switch(False)
            self._look_at = min((ends_at for _, ends_at in waiting.values()), default=math.inf)

    def wait_in(
        self, conversation: Conversation, waited_for: socket.socket, event: int, ends_at: float
    ) -> bool:
        """From inside: let the others go on until the socket is ready. False when that took longer than `ends_at`."""
        number = waited_for.fileno()
        self._watched.add(number, event)
        self._waiting[number] = conversation, ends_at
        self._look_at = min(self._look_at, ends_at)
        try:
            return bool(self.home.switch())
        finally:
            del self._waiting[number]
            self._watched.remove(number)


class Polled:
    """Sockets that are waited for, where the system has `poll`: what is watched may change without telling the system."""

    def __init__(self) -> None:
        self._poll = select.poll()
        self.remove = self._poll.unregister

    def add(self, number: int, event: int) -> None:
        """Wait for this one, too."""
        self._poll.register(number, select.POLLIN if event == READ else select.POLLOUT)

    def ready(self, seconds: float) -> list[int]:
        """Wait up to `seconds` for those that can go on, or are broken."""
        return [number for number, _ in self._poll.poll(max(math.ceil(seconds * 1000), 0))]


class Selected:
    """The same where there is no `poll` (Windows)."""

    def __init__(self) -> None:
        self._events: dict[int, int] = {}
        self.remove = self._events.pop

    def add(self, number: int, event: int) -> None:
        """See `Polled.add`."""
        self._events[number] = event

    def ready(self, seconds: float) -> list[int]:
        """See `Polled.ready`."""
        if not self._events:  # which that system takes for a mistake
            time.sleep(max(seconds, 0.0))  # noqa: TID251
            return []
        reads = [number for number, event in self._events.items() if event == READ]
        writes = [number for number, event in self._events.items() if event == WRITE]
        found = select.select(reads, writes, writes, max(seconds, 0.0))
        return list({*found[0], *found[1], *found[2]})


def _watched() -> Polled | Selected:
    return Polled() if hasattr(select, "poll") else Selected()


def here() -> Conversation:
    """The conversation this is called in."""
    current = getcurrent()
    assert isinstance(current, Conversation), "nobody to listen to"
    return current


def until_ready(waited_for: socket.socket, event: int, ends_at: float) -> None:
    """Wait until the socket can be read from or written to. Raises `TimeoutError` at `ends_at`, by the steady clock."""
    current = getcurrent()
    if isinstance(current, Conversation):
        is_ready = current.turns.wait_in(current, waited_for, event, ends_at)
    else:
        alone = _watched()
        alone.add(waited_for.fileno(), event)
        is_ready = bool(alone.ready(ends_at - time.monotonic()))
    if not is_ready:
        raise TimeoutError
