"""Conversations that take turns in one thread: whoever waits lets the others go on.

A conversation is ordinary code, read from top to bottom. It is interrupted in two places only: where it waits for a
socket (`until_ready`) and where it waits for a word of whoever began it (`Conversation.listen`). So nothing between
needs a lock, and many connections cost no more than the work on them. Outside of a conversation, `until_ready` waits.
"""

import selectors
import socket
import time
from collections.abc import Callable
from typing import Any

from greenlet import getcurrent, greenlet

READ, WRITE = selectors.EVENT_READ, selectors.EVENT_WRITE
# Watching costs no system call with these, and what is watched changes all the time.
_Selector = getattr(selectors, "PollSelector", selectors.SelectSelector)


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
        self._selector = _Selector()
        self._waiting: dict[Conversation, float] = {}  # for a socket, and until when

    def begin(self, act: Callable[[], None]) -> None:
        """Let `act` go on until it waits for the first time. It must not raise."""
        Conversation(act, self).switch()

    def take(self, seconds: float) -> None:
        """Wait up to `seconds` until sockets are ready, and let everybody who waited for one go on."""
        ready = self._selector.select(seconds)
        for key, _ in ready:
            key.data.switch(True)
        now = time.monotonic()
        for late in [one for one, ends_at in self._waiting.items() if ends_at <= now]:
            late.switch(False)

    def wait_in(
        self, conversation: Conversation, waited_for: socket.socket, event: int, ends_at: float
    ) -> bool:
        """From inside: let the others go on until the socket is ready. False when that took longer than `ends_at`."""
        self._selector.register(waited_for, event, conversation)
        self._waiting[conversation] = ends_at
        try:
            return bool(self.home.switch())
        finally:
            del self._waiting[conversation]
            self._selector.unregister(waited_for)


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
        with _Selector() as selector:
            selector.register(waited_for, event)
            is_ready = bool(selector.select(max(ends_at - time.monotonic(), 0.0)))
    if not is_ready:
        raise TimeoutError
