"""A connection to a mail server on which every wait has an end.

A time limit on each read is none: a server that sends a byte a second, or one line of a reply after the other, would be
listened to for ever. So every request has one deadline for all of its answer, and an answer has a longest line and a
largest number of them. Whatever breaks a rule breaks the connection, and never becomes a refusal of the message.
"""

import os
import socket
import ssl
import time
from collections import deque
from collections.abc import Callable
from typing import Any, Self, TypeVar

from digest.mail.names import addresses_of
from digest.mail.replies import MAX_LINE, MAX_LINES, NotSmtp, Reply, one_line, parse_line
from digest.mail.turns import READ, WRITE, until_ready
from digest.text import clean_text

Done = TypeVar("Done")


class Broken(Exception):  # noqa: N818  # becomes a TransportError where it is known what was at stake
    """The connection is of no more use; the message says why, in words."""


class Wire:
    """One connected socket, spoken to in lines. Whoever waits here lets other conversations go on (`mail.turns`)."""

    def __init__(self, connected: socket.socket) -> None:
        self._socket = connected
        self._lines: deque[bytes] = deque()  # heard and not read
        self._unended = b""
        connected.setblocking(False)
        # Without it each message over TLS waits about 40 ms for an acknowledgement (Nagle's algorithm).
        connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    @classmethod
    def connect(cls, host: str, port: int, seconds: float) -> Self:
        """Connect to the first address of `host` that answers, each within `seconds`. Raises `OSError`.

        The name is looked up anew for each connection, within `mail.names.LOOKUP_SECONDS`.
        """
        refusals: list[OSError] = []
        for family, kind, protocol, _, address in addresses_of(host, port, seconds):
            tried = socket.socket(family, kind, protocol)
            try:
                _connect(tried, address, time.monotonic() + seconds)
            except OSError as error:
                tried.close()
                refusals.append(error)
            else:
                return cls(tried)
        raise refusals[0]

    @property
    def is_encrypted(self) -> bool:
        """Whether what is said here is hidden from others."""
        return isinstance(self._socket, ssl.SSLSocket)

    @property
    def own_address(self) -> str:
        """Our end of the connection, as SMTP writes an address literal (RFC 5321, 4.1.3)."""
        host = str(self._socket.getsockname()[0])
        return f"[IPv6:{host}]" if ":" in host else f"[{host}]"

    def encrypt(self, context: ssl.SSLContext, host: str, seconds: float) -> None:
        """Go on under TLS. Raises `ssl.SSLCertVerificationError` when the server is not who it should be, or `Broken`."""
        if (
            self._lines or self._unended
        ):  # said in clear by whoever stands between: it must not count as said under TLS
            raise Broken("the server spoke before TLS began")
        try:
            self._socket = secured = context.wrap_socket(
                self._socket, server_hostname=host, do_handshake_on_connect=False
            )
            self._patiently(secured.do_handshake, False, READ, time.monotonic() + seconds)
        except ssl.SSLCertVerificationError:
            raise
        except OSError as error:
            raise Broken(f"TLS could not be agreed on: {in_words(error)}") from error

    def say(self, words: bytes, seconds: float) -> None:
        """Send all of it. Raises `Broken`."""
        ends_at = time.monotonic() + seconds
        try:
            rest: bytes | memoryview = words
            while (sent := self._patiently(self._socket.send, rest, WRITE, ends_at)) < len(rest):
                rest = memoryview(rest)[sent:]
        except OSError as error:
            raise Broken(in_words(error)) from error

    def hear(self, seconds: float) -> Reply:
        """The next reply, complete within `seconds`. Raises `Broken`."""
        ends_at = time.monotonic() + seconds
        try:
            first = self._line(ends_at)
            return one_line(first) or self._longer(first, ends_at)
        except NotSmtp as error:
            raise Broken(f"the server does not speak SMTP: {error}") from error

    def _longer(self, line: bytes, ends_at: float) -> Reply:
        words: list[str] = []
        while len(words) < MAX_LINES:
            code, is_last, said = parse_line(line)
            words.append(said)
            if is_last:
                return Reply(code, tuple(words))
            line = self._line(ends_at)
        raise Broken(f"the server does not end its reply after {MAX_LINES} lines")

    def _line(self, ends_at: float) -> bytes:
        while not self._lines:
            if len(self._unended) > MAX_LINE:
                raise Broken("the server does not end its line")
            *ended, self._unended = (self._unended + self._more(ends_at)).split(b"\n")
            self._lines.extend(ended)
        line = self._lines.popleft()
        if len(line) > MAX_LINE:
            raise Broken("the server does not end its line")
        return line.rstrip(b"\r")

    def _more(self, ends_at: float) -> bytes:
        # A server that always has more to say is told the time, too.
        if time.monotonic() >= ends_at:
            raise Broken("no answer in time")
        try:
            if not (isinstance(self._socket, ssl.SSLSocket) and self._socket.pending()):
                until_ready(self._socket, READ, ends_at)
            received = self._patiently(self._socket.recv, 4096, READ, ends_at)
        except OSError as error:
            raise Broken(in_words(error)) from error
        if not received:
            raise Broken("the server hung up")
        return received

    def _patiently(self, act: Callable[[Any], Done], with_what: Any, usually: int, ends_at: float) -> Done:
        """Do this as soon as the socket lets us; under TLS a write may have to wait until something was read."""
        while True:
            try:
                return act(with_what)
            except BlockingIOError:
                wanted = usually
            except ssl.SSLWantReadError:
                wanted = READ
            except ssl.SSLWantWriteError:
                wanted = WRITE
            until_ready(self._socket, wanted, ends_at)

    def close(self) -> None:
        """Hang up."""
        self._socket.close()


def _connect(to_connect: socket.socket, address: Any, ends_at: float) -> None:
    to_connect.setblocking(False)
    try:
        to_connect.connect(address)
    except BlockingIOError:  # under way
        until_ready(to_connect, WRITE, ends_at)
        if failed := to_connect.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
            raise OSError(failed, os.strerror(failed)) from None


def in_words(error: OSError) -> str:
    """What went wrong, as one line."""
    if isinstance(error, TimeoutError):
        return "no answer in time"
    if isinstance(error, ConnectionResetError | BrokenPipeError | ssl.SSLEOFError):
        return "the server hung up"
    return clean_text(error.strerror or str(error) or type(error).__name__, limit=200)
