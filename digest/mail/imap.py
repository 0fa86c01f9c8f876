"""A folder on an IMAP server (RFC 3501), read and marked; TLS always, the certificate always checked.

The conversation is the standard library's. Its reading is ours: imaplib waits anew for every byte, and takes a line or a
literal of any size, so a slow or an evil server could keep us for ever.
"""

import imaplib
import socket
import ssl
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from digest.errors import MailboxError
from digest.mail.certificates import NoAuthority, distrust, tls_context
from digest.mail.mailbox import AT_ONCE, MAX_BYTES, Take
from digest.mail.names import addresses_of
from digest.mail.wire import in_words
from digest.tables import MailboxSettings
from digest.text import clean_text

_MOST_BYTES = 4 * MAX_BYTES  # of one answer
_MOST_SECONDS = 300.0  # of one look; what is left is for the next one


class _Bounded:
    """imaplib with ends: a deadline for each answer as a whole, and a limit for what it may hold."""

    sock: socket.socket
    host: str
    port: int

    def __init__(self, *args: Any, timeout: float, **options: Any) -> None:
        self._timeout = timeout
        self._unread = bytearray()
        self._came_over: socket.socket | None = None
        self.begin()
        super().__init__(*args, timeout=timeout, **options)  # type: ignore[call-arg]  # imaplib's

    def _create_socket(self, timeout: float) -> socket.socket:
        """imaplib's own looks the name up for as long as the system likes."""
        refusals: list[OSError] = []
        for *_, address in addresses_of(self.host, self.port, timeout):
            try:
                return socket.create_connection(address[:2], timeout)
            except OSError as error:
                refusals.append(error)
        raise refusals[0]

    def begin(self) -> None:
        """The next answer has all its time and room."""
        self._ends_at = time.monotonic() + self._timeout
        self._room = _MOST_BYTES

    def readline(self) -> bytes:
        """A line with its end."""
        self._refuse_the_old()
        while (end := self._unread.find(b"\n")) < 0:
            self._receive()
        return self._take(end + 1)

    def read(self, size: int) -> bytes:
        """So many bytes."""
        self._refuse_the_old()
        if size > self._room + len(self._unread):
            raise imaplib.IMAP4.abort("the answer is too long")
        while len(self._unread) < size:
            self._receive()
        return self._take(size)

    def _refuse_the_old(self) -> None:
        """What came in clear before TLS began may be a stranger's word (CVE-2011-0411 and its kind)."""
        if self._unread and self._came_over is not self.sock:
            raise imaplib.IMAP4.abort("something was said in clear after STARTTLS")

    def _take(self, size: int) -> bytes:
        taken = bytes(self._unread[:size])
        del self._unread[:size]
        return taken

    def _receive(self) -> None:
        left = self._ends_at - time.monotonic()
        if left <= 0:
            raise TimeoutError
        self._came_over = self.sock
        self.sock.settimeout(left)
        received = self.sock.recv(65536)
        if not received:
            raise imaplib.IMAP4.abort("the server hung up")
        self._unread += received
        self._room -= len(received)
        if self._room < 0:
            raise imaplib.IMAP4.abort("the answer is too long")


class _Tls(_Bounded, imaplib.IMAP4_SSL):
    """TLS from the first byte on."""

    ssl_context: ssl.SSLContext

    def _create_socket(self, timeout: float) -> socket.socket:
        return self.ssl_context.wrap_socket(super()._create_socket(timeout), server_hostname=self.host)


class _StartTls(_Bounded, imaplib.IMAP4):
    """TLS on request, before anything else is said."""


class ImapMailbox:
    """One folder of one account. Each look is a connection of its own."""

    def __init__(self, settings: MailboxSettings, password: str) -> None:
        self._settings = settings
        self._password = password
        self._where = f"{settings.host}:{settings.port}"

    def each(self, take: Take) -> None:
        """See `mail.mailbox.Mailbox`; what was taken goes into `done_folder` where one is set."""
        with self._opened() as imap:
            ends_at = time.monotonic() + _MOST_SECONDS
            for uid in _unread(imap)[:AT_ONCE]:
                if time.monotonic() > ends_at:
                    return
                raw = _fetch(imap, uid)
                if raw is not None:
                    take(raw)
                    self._mark(imap, uid)

    def count(self) -> int:
        """See `mail.mailbox.Mailbox`."""
        with self._opened() as imap:
            return len(_unread(imap))

    @contextmanager
    def _opened(self) -> Iterator[_Tls | _StartTls]:
        with self._in_words():
            imap = self._connect()
            try:
                self._log_in(imap)
                _must(imap.select(f'"{self._settings.folder}"'), f"the folder {self._settings.folder}")
                yield imap
                with suppress(imaplib.IMAP4.error, OSError):
                    imap.logout()
            finally:
                with suppress(OSError):
                    imap.shutdown()

    @contextmanager
    def _in_words(self) -> Iterator[None]:
        try:
            yield
        except ssl.SSLCertVerificationError as error:
            raise MailboxError(distrust(self._where, error, "mailbox")) from error
        except NoAuthority as error:
            raise MailboxError(str(error)) from error
        except imaplib.IMAP4.error as error:
            said = clean_text(str(error).removeprefix("b'").removesuffix("'"), limit=200)
            raise MailboxError(f"cannot read the mailbox at {self._where}: {said}") from error
        except (OSError, UnicodeError) as error:
            said = in_words(error) if isinstance(error, OSError) else "it says what is not IMAP"
            remedy = "check [mailbox] host and port"
            raise MailboxError(f"cannot read the mailbox at {self._where}: {said}; {remedy}") from error

    def _connect(self) -> _Tls | _StartTls:
        wanted = self._settings
        context = tls_context(wanted.ca_file, "mailbox")
        if wanted.security == "tls":
            return _Tls(wanted.host, wanted.port, ssl_context=context, timeout=wanted.timeout)
        imap = _StartTls(wanted.host, wanted.port, timeout=wanted.timeout)
        try:
            imap.starttls(context)
        except BaseException:
            imap.shutdown()
            raise
        return imap

    def _log_in(self, imap: _Tls | _StartTls) -> None:
        user, password = self._settings.username or "", self._password
        if self._settings.auth == "xoauth2":
            mechanism, words = "XOAUTH2", f"user={user}\1auth=Bearer {password}\1\1"
        else:
            mechanism, words = "PLAIN", f"\0{user}\0{password}"
        try:
            if mechanism == "PLAIN" and "AUTH=PLAIN" not in imap.capabilities:
                imap.login(f'"{user}"', password)
            else:
                imap.authenticate(mechanism, lambda _: words.encode())
        except imaplib.IMAP4.abort:
            raise
        except imaplib.IMAP4.error as error:
            said = clean_text(str(error).removeprefix("b'").removesuffix("'"), limit=200)
            raise MailboxError(
                f"{self._where} does not accept username and password ({said}):"
                " check [mailbox] username, and DIGEST_IMAP_PASSWORD in .env"
            ) from error

    def _mark(self, imap: _Tls | _StartTls, uid: str) -> None:
        """Read, and out of the way. MOVE (RFC 6851) where it is known, else a copy and a mark."""
        _ask(imap, "STORE", uid, "+FLAGS.SILENT", r"(\Seen)")
        folder = f'"{self._settings.done_folder}"'
        if self._settings.done_folder is None:
            return
        if "MOVE" in imap.capabilities:
            _ask(imap, "MOVE", uid, folder)
            return
        _ask(imap, "COPY", uid, folder)
        _ask(imap, "STORE", uid, "+FLAGS.SILENT", r"(\Deleted)")
        if "UIDPLUS" in imap.capabilities:  # without it EXPUNGE would take what others marked as well
            _ask(imap, "EXPUNGE", uid)


def _unread(imap: _Tls | _StartTls) -> list[str]:
    found = b" ".join(part for part in _ask(imap, "SEARCH", "UNSEEN", "UNDELETED") if isinstance(part, bytes))
    return sorted((word.decode("ascii") for word in found.split() if word.isdigit()), key=int)


def _fetch(imap: _Tls | _StartTls, uid: str) -> bytes | None:
    """The mail, cut where it is too long; None when it is gone. Looking does not mark it as read."""
    answer = _ask(imap, "FETCH", uid, f"(BODY.PEEK[]<0.{MAX_BYTES + 1}>)")
    return next((part[1] for part in answer if isinstance(part, tuple)), None)


def _ask(imap: _Tls | _StartTls, command: str, *words: str) -> list[Any]:
    imap.begin()
    return _must(imap.uid(command, *words), command)


def _must(answer: tuple[str, list[Any]], what: str) -> list[Any]:
    if answer[0] != "OK":
        said = b" ".join(part for part in answer[1] if isinstance(part, bytes)).decode("utf-8", "replace")
        raise imaplib.IMAP4.error(f"{what}: {said}")
    return answer[1]
