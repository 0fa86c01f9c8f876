"""The next mail server as a way out: a connection that is kept, and refusals that say whose trouble they are."""

import re
from typing import Self

from digest.crashpoints import crashpoint
from digest.errors import PermanentTransportError, TemporaryTransportError, TransportError
from digest.mail.dialogue import Answers, Dialogue
from digest.mail.replies import Reply
from digest.mail.transport import AboutToEnd, Following, InDoubt, Unreachable, Withdrawn, nothing
from digest.mail.wire import Broken
from digest.model import Envelope
from digest.tables import SmtpSettings

_NOT_SAYABLE = re.compile(
    r"[\x00-\x20<>\x7f]"
)  # would end the address, or the line, and begin another command


class _Stale(Exception):  # noqa: N818
    """A kept connection ended before the next message began: nothing was tried."""


class SmtpTransport:
    """SMTP with the TLS mode stated, the certificate always checked, and never a password in clear."""

    def __init__(self, settings: SmtpSettings, password: str | None = None) -> None:
        self._settings = settings
        self._password = password
        self._dialogue: Dialogue | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._dialogue is not None:
            self._dialogue.close(politely=True)
            self._dialogue = None

    def connect(self) -> None:
        """See `Transport.connect`."""
        if self._dialogue is None:
            crashpoint("smtp.connect")
            self._dialogue = Dialogue.open(self._settings, self._password)
            crashpoint("smtp.connected")

    def send(
        self, envelope: Envelope, raw: bytes, about_to_end: AboutToEnd, following: Following = nothing
    ) -> str:
        """See `Transport.send`. A connection is made when needed and kept for the next message."""
        try:
            dialogue = self._begun(envelope, raw)
        except _Stale:  # servers close idle connections, and those that carried many messages
            dialogue = self._begun(envelope, raw)
        return self._hand_over(dialogue, raw, about_to_end, following)

    def _begun(self, envelope: Envelope, raw: bytes) -> Dialogue:
        """The connection, on which the server now waits for this message."""
        announced = self._dialogue.announced if self._dialogue is not None else None
        if announced is not None and announced != (envelope, raw):
            self._drop()  # it waits for a message that does not come
        self.connect()
        assert self._dialogue is not None
        if self._dialogue.announced is None:
            _check_sayable(envelope, raw, self._dialogue)
        self._announce(self._dialogue, envelope, raw)
        return self._dialogue

    def _announce(self, dialogue: Dialogue, envelope: Envelope, raw: bytes) -> None:
        kept = dialogue.messages > 0
        try:
            answers = dialogue.begin(envelope, raw)
        except Broken as error:
            self._drop()
            if kept:
                raise _Stale from error
            raise self._broke(error) from error
        if kept and answers.mail.code == 421:
            self._drop()
            raise _Stale
        refusal = _refusal(answers, envelope)
        if refusal is not None:
            dialogue.forget()
            if refusal.code == 421:
                self._drop()
            raise refusal

    def _hand_over(
        self, dialogue: Dialogue, raw: bytes, about_to_end: AboutToEnd, following: Following
    ) -> str:
        crashpoint("smtp.data")
        try:
            dialogue.body(raw)
        except Broken as error:
            self._drop()
            raise self._broke(error) from error
        crashpoint("smtp.body")
        if not about_to_end():
            self._drop()  # without the end of the message the server must forget it
            raise Withdrawn
        crashpoint("smtp.before_dot")
        try:
            reply = dialogue.end(_announceable(following(), dialogue))
        except Broken as error:
            self._drop()
            raise InDoubt(
                f"{self._where} took the whole message and gave no answer: {error}; it may have been sent",
                whole_server=True,
            ) from error
        crashpoint("smtp.after_reply")
        if not reply.is_good:
            if reply.code == 421:
                self._drop()
            raise _stood(reply, "message not accepted", "message refused")
        return reply.text

    @property
    def _where(self) -> str:
        return f"{self._settings.host}:{self._settings.port}"

    def _broke(self, error: Broken) -> TransportError:
        return TemporaryTransportError(f"the connection to {self._where} broke: {error}", whole_server=True)

    def _drop(self) -> None:
        if self._dialogue is not None:
            self._dialogue.close(politely=False)
            self._dialogue = None


def _announceable(
    following: tuple[Envelope, bytes] | None, dialogue: Dialogue
) -> tuple[Envelope, bytes] | None:
    """What may be announced already. What must not be said to this server is refused when its turn has come."""
    if following is None or not dialogue.pipelines:
        return None
    try:
        _check_sayable(*following, dialogue)
    except PermanentTransportError:
        return None
    return following


def _check_sayable(envelope: Envelope, raw: bytes, dialogue: Dialogue) -> None:
    for address in (envelope.mail_from, envelope.rcpt_to):
        if _NOT_SAYABLE.search(address):
            raise PermanentTransportError(
                f"{address!r} cannot be an address: it holds a blank, a sign or a control"
            )
        if not address.isascii() and not dialogue.takes_utf8_addresses:
            raise PermanentTransportError(
                f"{address!r} needs a server with SMTPUTF8, which this one does not offer"
            )
    if dialogue.largest is not None and len(raw) > dialogue.largest:
        raise PermanentTransportError(
            f"the message has {len(raw)} bytes, the server takes {dialogue.largest}: use fewer papers (max_papers)"
        )


def _refusal(answers: Answers, envelope: Envelope) -> TransportError | None:
    """The error that the first refusal among the answers stands for, None when the server waits for the message."""
    if not answers.mail.is_good:
        return _sender_refused(answers.mail, envelope)
    if answers.rcpt is not None and not answers.rcpt.is_good:
        return _stood(answers.rcpt, "recipient not accepted", "recipient refused", of_recipient=True)
    if answers.data is not None and answers.data.code != 354:
        return _stood(answers.data, "message not accepted", "message refused")
    return None


def _sender_refused(reply: Reply, envelope: Envelope) -> TransportError:
    """A sender that is refused is refused for every reader: no reader's fault, and no use to try the next one."""
    if reply.is_permanent and not reply.blames_size:
        usual = "check [sender] address and what the mail server allows this account"
        return Unreachable(
            f"the server does not let us send as {envelope.mail_from} ({reply.text}): {reply.mistrust or usual}",
            code=reply.code,
            status=reply.status,
        )
    return _stood(reply, "sender not accepted", "message refused")


def _stood(reply: Reply, for_now: str, for_good: str, *, of_recipient: bool = False) -> TransportError:
    """The error a reply stands for: 5xx will not pass, and whatever else is no 2xx may."""
    remedy = reply.mistrust
    said = reply.text if remedy is None else f"{reply.text}; {remedy}"
    of_us = remedy is not None
    if reply.is_permanent:
        return PermanentTransportError(
            f"{for_good}: {said}",
            code=reply.code,
            status=reply.status,
            about_reader=of_recipient and reply.blames_reader,
            about_sender=of_us,
        )
    gone = reply.code == 421 or not 400 <= reply.code < 500
    return TemporaryTransportError(
        f"{for_now}: {said}",
        whole_server=gone,
        code=reply.code,
        status=reply.status,
        about_reader=reply.is_one_recipients(at_rcpt=of_recipient),
        about_sender=of_us,
    )
