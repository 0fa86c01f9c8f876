"""Mail that came back: what it says, and whether the reader's address is to blame. Pure.

Delivery reports (RFC 3464), complaints (ARF, RFC 5965), and nothing else: a report in free words has no status, and
guessing would cost readers. A report is a stranger's text: it is read up to a size, and what it says is believed only of
the delivery whose signed return address it was sent to.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from email import message_from_bytes
from email.message import Message as Parsed
from email.policy import compat32
from email.utils import getaddresses
from enum import StrEnum

from digest.mail.replies import Reply
from digest.text import clean_text

MAX_BYTES = 1 << 20


class Kind(StrEnum):
    """What a report means for its address."""

    HARD = "hard"  # mailbox or domain unknown, moved or disabled: never again
    SOFT = "soft"  # full, or not reached in days: counted
    POLICY = "policy"  # 5.7.x and the like: our reputation or our content, not the reader's fault
    COMPLAINT = "complaint"  # the reader called it spam: never again


@dataclass(frozen=True, slots=True)
class Report:
    """One report: what it says, and the addresses it was sent to, one of which may be a signed return address."""

    kind: Kind
    status: str | None  # RFC 3463
    detail: str  # what the other server said, one line
    sent_to: tuple[str, ...]


def parse_report(raw: bytes) -> Report | None:
    """What a mail that came back says; None when it is no report of a failure (a delay, an answer, an absence)."""
    if len(raw) > MAX_BYTES:
        return None
    try:
        message = message_from_bytes(raw, policy=compat32)
        sent_to = tuple(_recipients(message))
        for part in message.walk():
            kind = part.get_content_type()
            if kind == "message/delivery-status":
                return _delivery_report(part, sent_to)
            if kind == "message/feedback-report":
                return _complaint(part, sent_to)
    except (ValueError, LookupError, RecursionError):  # the parser of the standard library on hostile input
        return None
    return None


def _recipients(message: Parsed) -> Iterator[str]:
    """Where the report arrived, then what the message it speaks of carried as its return address."""
    names = ("Delivered-To", "X-Original-To", "To")
    headers = [str(value) for name in names for value in message.get_all(name, [])]
    inner = [
        part
        for part in message.walk()
        if part.get_content_type() in ("message/rfc822", "text/rfc822-headers")
    ]
    for part in inner[:1]:
        payload = part.get_payload()
        original = payload[0] if isinstance(payload, list) else message_from_bytes(_text(part).encode())
        if isinstance(original, Parsed):
            headers += [str(value) for value in original.get_all("Return-Path", [])]
    yield from (address for _, address in getaddresses(headers) if address)


def _delivery_report(part: Parsed, sent_to: tuple[str, ...]) -> Report | None:
    """The first recipient that failed (RFC 3464, 2.3). A delay is no failure: the other server goes on trying."""
    for fields in _groups(part):
        if str(fields.get("Action", "")).strip().lower() != "failed":
            continue
        status = str(fields.get("Status", "")).split("(")[0].strip()
        said = str(fields.get("Diagnostic-Code", "")) or status
        return Report(_blame(status), status or None, clean_text(said, limit=200), sent_to)
    return None


def _groups(part: Parsed) -> Iterator[Parsed]:
    payload = part.get_payload()
    if isinstance(payload, list):
        yield from (group for group in payload if isinstance(group, Parsed))


def _blame(status: str) -> Kind:
    if status.startswith("4.") or status in ("5.2.2", "5.2.3", "5.4.1", "5.4.4", "5.4.7", "5.0.0", ""):
        return Kind.SOFT
    return Kind.HARD if Reply(550, (status,)).blames_reader else Kind.POLICY


def _complaint(part: Parsed, sent_to: tuple[str, ...]) -> Report | None:
    fields = next(_groups(part), None) or message_from_bytes(_text(part).encode())
    about = str(fields.get("Feedback-Type", "")).strip().lower()
    if about not in ("abuse", "fraud"):
        return None  # "not-spam", "auth-failure" and others complain of nobody
    return Report(Kind.COMPLAINT, None, clean_text(f"the reader called it spam ({about})"), sent_to)


def _text(part: Parsed) -> str:
    payload = part.get_payload(decode=True)
    return payload.decode("utf-8", "replace") if isinstance(payload, bytes) else ""
