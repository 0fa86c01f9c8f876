"""The next mail server: a connection that is kept, TLS as stated, and refusals understood."""

import re
import smtplib
import socket
import ssl
from typing import Self

from digest.errors import PermanentTransportError, TemporaryTransportError, TransportError
from digest.mail.transport import AboutToEnd, Withdrawn
from digest.model import Envelope
from digest.settings import SmtpSettings
from digest.text import clean_text

_ENHANCED = re.compile(r"\b([245]\.\d{1,3}\.\d{1,3})\b")
_READERS_FAULT = re.compile(
    r"5\.1\.(1|2|3|6|10)$|5\.2\.1$"
)  # RFC 3463: mailbox or domain unknown, moved, disabled


class SmtpTransport:
    """SMTP with the TLS mode stated, the certificate always checked, and never a password in clear."""

    def __init__(self, settings: SmtpSettings, password: str | None = None) -> None:
        self._settings = settings
        self._password = password
        self._connection: smtplib.SMTP | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._connection is not None:
            try:
                self._connection.quit()  # the answers that count were given before: whatever it says now is ignored
            except (OSError, smtplib.SMTPException):
                self._connection.close()
            self._connection = None

    def send(self, envelope: Envelope, raw: bytes, about_to_end: AboutToEnd) -> str:
        """See `Transport.send`. A connection is made when needed and kept for the next message."""
        try:
            connection = self._connected()
            _check(connection.mail(envelope.mail_from), "sender")
            _check(connection.rcpt(envelope.rcpt_to), "recipient")
            return self._body(connection, raw, about_to_end)
        except TransportError:
            self._after_refusal()
            raise
        except (OSError, smtplib.SMTPException) as error:
            self._drop()
            raise TemporaryTransportError(
                f"the connection to {self._where} broke: {_in_words(error)}", whole_server=True
            ) from error

    @property
    def _where(self) -> str:
        return f"{self._settings.host}:{self._settings.port}"

    def _connected(self) -> smtplib.SMTP:
        if self._connection is None:
            try:
                self._connection = self._connect()
            except smtplib.SMTPAuthenticationError as error:
                said = _reply(error.smtp_code, error.smtp_error)
                raise TemporaryTransportError(
                    f"{self._where} does not accept username and password ({said}): check [smtp] username and DIGEST_SMTP_PASSWORD",
                    whole_server=True,
                    code=error.smtp_code,
                ) from error
            except ssl.SSLCertVerificationError as error:
                raise TemporaryTransportError(
                    f"the certificate of {self._where} is not to be trusted: {error.verify_message}; mend it, or set [smtp] ca_file",
                    whole_server=True,
                ) from error
            except (OSError, smtplib.SMTPException) as error:
                raise TemporaryTransportError(
                    f"cannot connect to {self._where}: {_in_words(error)}", whole_server=True
                ) from error
        return self._connection

    def _connect(self) -> smtplib.SMTP:
        wanted = self._settings
        context = ssl.create_default_context(cafile=str(wanted.ca_file) if wanted.ca_file else None)
        if wanted.security == "tls":
            connection: smtplib.SMTP = smtplib.SMTP_SSL(
                wanted.host, wanted.port, timeout=wanted.timeout, context=context
            )
        else:
            connection = smtplib.SMTP(wanted.host, wanted.port, timeout=wanted.timeout)
        try:
            if wanted.security == "starttls":
                connection.starttls(
                    context=context
                )  # raises when the server does not offer it: no silent fallback
            connection.ehlo_or_helo_if_needed()
            if connection.sock is not None:
                # Without it each message over TLS waits about 40 ms for an acknowledgement (Nagle's algorithm).
                connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if wanted.username:
                connection.login(wanted.username, self._password or "")
        except BaseException:
            connection.close()
            raise
        return connection

    def _body(self, connection: smtplib.SMTP, raw: bytes, about_to_end: AboutToEnd) -> str:
        connection.putcmd("data")
        code, text = connection.getreply()
        if code != 354:
            raise _refusal(code, text, "message")
        connection.send(_dot_stuffed(raw))
        if not about_to_end():
            self._drop()  # without the end of the message the server must forget it
            raise Withdrawn
        connection.send(b".\r\n")
        code, text = connection.getreply()
        if code != 250:
            raise _refusal(code, text, "message")
        return _reply(code, text)

    def _after_refusal(self) -> None:
        """Forget the refused message; a server that cannot even do that is left."""
        if self._connection is None:
            return
        try:
            code, _ = self._connection.rset()
        except (OSError, smtplib.SMTPException):
            code = -1
        if code != 250:
            self._drop()

    def _drop(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def _dot_stuffed(raw: bytes) -> bytes:
    """The message as DATA wants it (RFC 5321, 4.5.2): a leading dot doubled, ending in CRLF."""
    if raw.startswith(b".") or b"\n." in raw:
        raw = re.sub(rb"(?m)^\.", b"..", raw)
    return raw if raw.endswith(b"\r\n") else raw + b"\r\n"


def _check(reply: tuple[int, bytes], about: str) -> None:
    code, text = reply
    if code not in (250, 251):
        raise _refusal(code, text, about)


def _refusal(code: int, text: bytes, about: str) -> TransportError:
    """The error a reply stands for: 4xx and whatever is not SMTP may pass, 5xx will not."""
    said = _reply(code, text)
    found = _ENHANCED.search(said)
    status = found[1] if found else None
    if not 500 <= code < 600:
        gone = code == 421 or not 400 <= code < 500
        return TemporaryTransportError(
            f"{about} not accepted: {said}", whole_server=gone, code=code, status=status
        )
    readers_fault = about == "recipient" and (
        _READERS_FAULT.match(status) is not None if status else code in (550, 553)
    )
    return PermanentTransportError(
        f"{about} refused: {said}", code=code, status=status, about_reader=readers_fault
    )


def _reply(code: int, text: bytes | str) -> str:
    words = text.decode("utf-8", "replace") if isinstance(text, bytes) else text
    return clean_text(f"{code} {words}", limit=200)


def _in_words(error: Exception) -> str:
    if isinstance(error, smtplib.SMTPResponseException):
        return _reply(error.smtp_code, error.smtp_error)
    if isinstance(error, TimeoutError) or "timed out" in str(error):  # smtplib hides most time-outs in a text
        return "no answer in time"
    return clean_text(str(error) or type(error).__name__, limit=200)
