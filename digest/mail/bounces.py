"""Mail that came back: what it says, and whether the reader's address is to blame. Pure.

Delivery reports (RFC 3464) and complaints (ARF, RFC 5965) say what they mean. A report in free words is read by the
detectors of flufl.bounce, which know the phrases of many servers; that is a guess, and `is_guess` says so. A report is a
stranger's text: it is read up to a size, and what it says is believed only of the delivery whose signed return address
it was sent to.
"""

import logging
import re
from collections.abc import Iterator
from dataclasses import dataclass
from email import message_from_bytes
from email.message import Message as Parsed
from email.policy import compat32
from email.utils import getaddresses
from enum import StrEnum

from digest.mail.mailbox import MAX_BYTES
from digest.mail.mistrust import remedy_for
from digest.mail.replies import Reply
from digest.text import clean_text

_MOST_GUESSED = 1 << 16  # bytes of a report in free words
_STATUS = re.compile(r"(?<![\d.])[245]\.\d{1,3}\.\d{1,3}(?![\d.])")
_COPY = re.compile(r"^-+.*(?:copy|original|message header|returned)", re.IGNORECASE | re.MULTILINE)
_TOO_FULL = re.compile(r"quota|is full|over.{0,12}limit|too large|try again|temporar", re.IGNORECASE)


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
    failed: tuple[str, ...] = ()  # the addresses it names, for a guess
    is_guess: bool = False


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
        return _guess(raw, sent_to) if _is_from_a_server(message) else None
    except (ValueError, LookupError, RecursionError):  # the parser of the standard library on hostile input
        return None


def _is_from_a_server(message: Parsed) -> bool:
    """Whether nobody wrote this by hand: an empty return path (RFC 5321, 4.5.5), or the usual senders."""
    if str(message.get("Return-Path", "")).strip() == "<>":
        return True
    sender = getaddresses([str(message.get("From", ""))])[0][1].partition("@")[0].lower()
    return sender in ("mailer-daemon", "postmaster", "mail-daemon", "mailerdaemon")


def _guess(raw: bytes, sent_to: tuple[str, ...]) -> Report | None:
    """What the detectors make of free words. A status in them counts like one in a proper report."""
    from flufl.bounce import all_failures  # takes a while to load, and few need it

    logging.getLogger("flufl.bounce").setLevel(logging.CRITICAL)  # it would tell each step, with addresses
    message = message_from_bytes(raw[:_MOST_GUESSED], policy=compat32)
    try:
        temporary, permanent = all_failures(message)
    except Exception:  # noqa: BLE001  seventeen detectors on hostile input
        return None
    if not (temporary or permanent):
        return None
    words = " ".join(_words(message))
    found = _STATUS.search(words)
    kind = Kind.HARD if permanent and not _TOO_FULL.search(words) else Kind.SOFT
    detail = "a report in free words" + (f", status {found[0]}" if found else "")
    failed = tuple(address.decode("utf-8", "replace") for address in (*permanent, *temporary))
    if found or remedy_for(None, words):
        kind = _blame(found[0] if found else "", words)
    return Report(kind, found[0] if found else None, detail, sent_to, failed, True)


def _words(message: Parsed) -> Iterator[str]:
    for part in message.walk():
        if part.get_content_type() == "message/rfc822":
            return  # from here on it is our own mail
        if part.get_content_type() == "text/plain":
            yield _COPY.split(_text(part), maxsplit=1)[0]  # below that line it is our own mail


def _recipients(message: Parsed) -> Iterator[str]:
    """Where the report arrived, then what the message it speaks of carried as its return address."""
    names = ("Delivered-To", "X-Original-To", "Envelope-To", "X-Envelope-To", "To")
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
        return Report(_blame(status, said), status or None, clean_text(said, limit=200), sent_to)
    return None


def _groups(part: Parsed) -> Iterator[Parsed]:
    payload = part.get_payload()
    if isinstance(payload, list):
        yield from (group for group in payload if isinstance(group, Parsed))


def _blame(status: str, said: str) -> Kind:
    if remedy_for(status, said) and not status.startswith("4."):
        return Kind.POLICY  # the receiver could not make sure of us, whatever else its status says
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
