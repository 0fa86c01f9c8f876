"""What is said to a mail server, in order (RFC 5321): greeting, TLS, log-in, and one message after the other.

With PIPELINING (RFC 2920) the three commands before a message travel in one write, together with the end of the message
before, so that a message costs one round trip and not four. Their replies are read in order, and each counts for itself.
"""

import re
import socket
import ssl
from typing import NamedTuple, Self

from digest.crashpoints import crashpoint
from digest.mail.certificates import NoAuthority, distrust, tls_context
from digest.mail.replies import Reply
from digest.mail.sasl import authenticate
from digest.mail.transport import Unreachable
from digest.mail.wire import Broken, Wire, in_words
from digest.model import Envelope
from digest.tables import SmtpSettings

_QUIT_SECONDS = 2.0  # the answers that count were given before
_END = b".\r\n"
_LEADING_DOT = re.compile(rb"\n\.")  # several times as fast as `in` and `replace`
_SLOWEST = 1000.0  # bytes a second a server may take at least


class Answers(NamedTuple):
    """The replies to the three commands before a message. `rcpt` and `data` are None when they were not asked."""

    mail: Reply
    rcpt: Reply | None
    data: Reply | None


class Dialogue:
    """One connection to the next server, greeted, secured and logged in. Everything it does may raise `Broken`."""

    def __init__(self, wire: Wire, settings: SmtpSettings) -> None:
        self._wire = wire
        self._settings = settings
        self._extensions: dict[str, str] = {}
        self._must_reset = False
        self._reset_is_owed = False  # RSET was said together with what is announced, and not answered yet
        self.announced: tuple[Envelope, bytes] | None = None  # what the server was told to expect next
        self.messages = 0  # begun on this connection
        self.greeting = ""
        self.pipelines = False  # whether several commands may be said at once (RFC 2920)
        self.largest: int | None = None  # message the server says it takes (RFC 1870); it need not say

    @classmethod
    def open(cls, settings: SmtpSettings, password: str | None) -> Self:
        """Connect as the settings say. Raises `Unreachable` in words the operator can act on."""
        where = f"{settings.host}:{settings.port}"
        try:
            wire = Wire.connect(settings.host, settings.port, settings.timeout)
        except OSError as error:
            raise Unreachable(
                f"cannot connect to {where}: {in_words(error)}; check [smtp] host and port"
            ) from error
        try:
            dialogue = cls(wire, settings)
            dialogue._begin(where, password)
        except BaseException as error:
            wire.close()
            if isinstance(error, ssl.SSLCertVerificationError):
                raise Unreachable(distrust(where, error, "smtp")) from error
            if isinstance(error, NoAuthority):
                raise Unreachable(str(error)) from error
            if isinstance(error, Broken):
                raise Unreachable(f"cannot connect to {where}: {error}") from error
            raise
        return dialogue

    def _begin(self, where: str, password: str | None) -> None:
        wanted = self._settings
        if wanted.security == "tls":
            self._encrypt()
        greeting = self._wire.hear(wanted.timeout)
        self.greeting = greeting.text
        _must(greeting, f"{where} does not greet us")
        self._greet(where)
        if wanted.security == "starttls":
            if "STARTTLS" not in self._extensions:
                raise Unreachable(
                    f"{where} does not offer STARTTLS, and nothing is sent in clear; use port 465 with security ="
                    ' "tls", or security = "none" inside your own network'
                )
            _must(self._ask(b"STARTTLS"), f"{where} does not begin TLS")
            self._encrypt()
            self._greet(where)  # what was offered in clear counts no more (RFC 3207, 4.2)
        if wanted.username:
            self._log_in(where, wanted.username, password or "")

    def _encrypt(self) -> None:
        wanted = self._settings
        self._wire.encrypt(tls_context(wanted.ca_file, "smtp"), wanted.host, wanted.timeout)

    def _greet(self, where: str) -> None:
        name = socket.gethostname()
        own_name = name if "." in name and name.isascii() else self._wire.own_address
        reply = self._ask(f"EHLO {own_name}".encode())
        # Who knows no EHLO knows neither TLS nor log-in; who is only busy says 4xx and is asked again later.
        if reply.is_permanent and self._settings.security == "none" and not self._settings.username:
            _must(self._ask(f"HELO {own_name}".encode()), f"{where} does not greet us")
            self._extensions = {}
            return
        _must(reply, f"{where} does not greet us")
        offered = (line.partition(" ") for line in reply.lines[1:])
        self._extensions = {name.upper(): rest for name, _, rest in offered}
        self.pipelines = "PIPELINING" in self._extensions
        size = self._extensions.get("SIZE", "").strip()
        self.largest = int(size) if size.isdecimal() and int(size) > 0 else None

    def _log_in(self, where: str, username: str, password: str) -> None:
        wanted = self._settings
        reply = authenticate(
            self._wire,
            offered=self._extensions.get("AUTH", ""),
            wanted=wanted.auth,
            username=username,
            password=password,
            seconds=wanted.timeout,
        )
        if reply.is_permanent:
            raise Unreachable(
                f"{where} does not accept username and password ({reply.text}):"
                " check [smtp] username, and DIGEST_SMTP_PASSWORD in .env",
                code=reply.code,
                status=reply.status,
            )
        _must(reply, f"{where} cannot check the password now")

    @property
    def takes_utf8_addresses(self) -> bool:
        """Whether addresses beyond ASCII can be said here (RFC 6531)."""
        return "SMTPUTF8" in self._extensions

    def announce(self, envelope: Envelope, raw: bytes, *, after: bytes = b"") -> None:
        """Say sender, recipient, and that this message comes, `after` the end of the one before. Needs PIPELINING."""
        self.announced = (envelope, raw)
        reset, self._must_reset = self._must_reset, False
        commands = [*([b"RSET"] if reset else []), *self._commands(envelope, raw), b"DATA\r\n"]
        self._wire.say(after + b"\r\n".join(commands), self._settings.timeout)
        self._reset_is_owed = reset

    def begin(self, envelope: Envelope, raw: bytes) -> Answers:
        """Announce a message, unless that was done, and hear what the server says to it."""
        self.messages += 1
        if not self.pipelines:
            return self._stepwise(*self._commands(envelope, raw))
        if self.announced is None:
            self.announce(envelope, raw)
        self.announced = None
        return self._hear_answers()

    def _commands(self, envelope: Envelope, raw: bytes) -> tuple[bytes, bytes]:
        utf8 = " SMTPUTF8" if not (envelope.mail_from + envelope.rcpt_to).isascii() else ""
        size = f" SIZE={len(raw)}" if "SIZE" in self._extensions else ""
        body = " BODY=8BITMIME" if "8BITMIME" in self._extensions and not raw.isascii() else ""
        mail = f"MAIL FROM:<{envelope.mail_from}>{size}{body}{utf8}".encode()
        return mail, f"RCPT TO:<{envelope.rcpt_to}>".encode()

    def _hear_answers(self) -> Answers:
        if self._reset_is_owed:
            self._hear()
        said: list[Reply | None] = []
        while len(said) < 3:
            said.append(reply := self._hear())
            if reply.code == 421:  # after which nothing more comes
                said += [None, None]
        assert said[0] is not None
        answers = Answers(said[0], said[1], said[2])
        refused = not (answers.mail.is_good and answers.rcpt is not None and answers.rcpt.is_good)
        if refused and answers.data is not None and answers.data.code == 354:
            # RFC 2920, 3.1: it waits for a message to nobody; an empty one is refused and forgotten
            self._ask(b".")
        self._must_reset = refused
        return answers

    def _stepwise(self, mail: bytes, rcpt: bytes) -> Answers:
        if self._must_reset:
            _must(self._ask(b"RSET"), "the server cannot forget a message")
            self._must_reset = False
        self._must_reset = True
        answered = self._ask(mail)
        if not answered.is_good:
            return Answers(answered, None, None)
        recipient = self._ask(rcpt)
        if not recipient.is_good:
            return Answers(answered, recipient, None)
        self._must_reset = False
        return Answers(answered, recipient, self._ask(b"DATA"))

    def body(self, raw: bytes) -> None:
        """Send the message but for its end."""
        self._wire.say(_dot_stuffed(raw), self._settings.timeout + len(raw) / _SLOWEST)

    def end(self, following: tuple[Envelope, bytes] | None = None) -> Reply:
        """Send the end, together with the announcement of what follows, and wait for the word that counts."""
        if following is not None:
            self.announce(*following, after=_END)
        else:
            self._wire.say(_END, self._settings.timeout)
        crashpoint("smtp.after_dot")
        return self._wire.hear(self._settings.end_timeout)

    def forget(self) -> None:
        """The message just announced was refused: begin the next one from a clean state."""
        self._must_reset = True

    def close(self, *, politely: bool) -> None:
        """Hang up, after QUIT when `politely`. Whatever the server says to it is ignored."""
        try:
            if politely and self.announced is None:  # else the word would become part of a message
                seconds = min(_QUIT_SECONDS, self._settings.timeout)
                self._wire.say(b"QUIT\r\n", seconds)
                self._wire.hear(seconds)
        except Broken:
            pass
        finally:
            self._wire.close()

    def _ask(self, command: bytes) -> Reply:
        self._wire.say(command + b"\r\n", self._settings.timeout)
        return self._hear()

    def _hear(self) -> Reply:
        return self._wire.hear(self._settings.timeout)


def _must(reply: Reply, otherwise: str) -> None:
    if not reply.is_good:
        said = "; ".join(filter(None, (reply.text, reply.mistrust)))
        raise Unreachable(f"{otherwise}: {said}", code=reply.code, status=reply.status)


def _dot_stuffed(raw: bytes) -> bytes:
    """The message as DATA wants it (RFC 5321, 4.5.2): a leading dot doubled, ending in CRLF."""
    raw = _LEADING_DOT.sub(b"\n..", raw)
    if raw.startswith(b"."):
        raw = b"." + raw
    return raw if raw.endswith(b"\r\n") else raw + b"\r\n"
