"""The port through which mail leaves, and its double.

A hand-over has two halves. First everything but the end of the message is sent: up to here a server must forget it if
we vanish (RFC 5321, 4.1.1.4). Then `about_to_end` is called, and only when it agrees the end is sent. So the caller can
write down "may have left from here on" in the one moment that matters.
"""

from collections.abc import Callable
from typing import Protocol, Self

from digest.errors import TemporaryTransportError, TransportError
from digest.model import Envelope

AboutToEnd = Callable[[], bool]
Following = Callable[[], tuple[Envelope, bytes] | None]


def nothing() -> None:
    """Nothing follows, or nobody knows yet."""


class Withdrawn(Exception):  # noqa: N818  # not an error: the caller asked for it
    """`about_to_end` said no: the message did not leave."""


class Unreachable(TemporaryTransportError):  # noqa: N818  # a state of the server, said as one
    """There is no connection, or none on which we may send: no message was tried, and the next would fare no better."""

    def __init__(self, message: str, *, code: int | None = None, status: str | None = None) -> None:
        super().__init__(message, whole_server=True, code=code, status=status)


class InDoubt(TemporaryTransportError):  # noqa: N818  # neither refused nor accepted
    """The end of the message was sent and the answer never came: it may have left (RFC 1047)."""


class Transport(Protocol):
    """Takes messages to the next server. Use it as a context manager: leaving it closes the connection."""

    def connect(self) -> None:
        """Make the connection now, so that its troubles cost no message an attempt. Raises `Unreachable`."""
        ...

    def send(
        self, envelope: Envelope, raw: bytes, about_to_end: AboutToEnd, following: Following = nothing
    ) -> str:
        """Hand over one message; returns what the server said.

        A transport that can announce a message together with the end of the one before asks for the `following` one
        then, and is given that one next, or none.

        Raises `Unreachable`, `InDoubt`, another `TemporaryTransportError`, `PermanentTransportError`, or `Withdrawn`.
        """
        ...

    def __enter__(self) -> Self: ...
    def __exit__(self, *_: object) -> None: ...


class MemoryTransport:
    """For tests: keeps what it was given, or refuses as it was told to."""

    def __init__(self, refuse: Callable[[Envelope], TransportError | None] = lambda _: None) -> None:
        self.sent: list[tuple[Envelope, bytes]] = []
        self._refuse = refuse

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        return

    def connect(self) -> None:
        """See `Transport.connect`: `refuse` is asked about nobody's envelope."""
        if isinstance(refusal := self._refuse(Envelope("", "")), Unreachable):
            raise refusal

    def send(
        self,
        envelope: Envelope,
        raw: bytes,
        about_to_end: AboutToEnd,
        following: Following = nothing,  # noqa: ARG002
    ) -> str:
        """See `Transport.send`."""
        if refusal := self._refuse(envelope):
            raise refusal
        if not about_to_end():
            raise Withdrawn
        self.sent.append((envelope, raw))
        return "250 kept in memory"
