"""What somebody asks for by mail: bytes -> Request. Pure; a mail is a stranger's text, and its sender may be forged.

One word is understood, as the whole subject or as the first line: subscribe, help, pause, resume, unsubscribe. Everything
else is no request, so that no mail of another kind is ever answered.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from email import message_from_bytes
from email.header import decode_header, make_header
from email.message import Message as Parsed
from email.policy import compat32
from email.utils import getaddresses
from enum import StrEnum

from bs4 import BeautifulSoup

from digest.text import clean_text

_MOST = 1 << 18  # bytes of a request; more is something else
_LINES = 60
_LONGEST = 80
_TOPICS = 40
_ANSWERED = re.compile(r"^(?:(?:re|aw|sv|antw|fwd?|wg|tr)\s*:\s*)+", re.IGNORECASE)
_ORDER = re.compile(
    r"(subscribe|help|pause|resume|unsubscribe|stop|leave)(?:\s+(?:until\s+)?(\d{4}-\d\d-\d\d)|\s*:\s*(.*)"
    r"|\s+([A-Za-z0-9_-]{20,120}))?[.!]?",
    re.IGNORECASE,
)
_OTHER_NAMES = {"stop": "unsubscribe", "leave": "unsubscribe"}
# Where somebody's own words end: a signature, or the mail they answer.
_END = re.compile(
    r"^(?:-- ?$|_{10,}|-{3,}.*(?:original|forwarded)|on .{5,120} wrote:$|>|from: )", re.IGNORECASE
)
_BETWEEN = re.compile(r"[,;\n]")
_MESSAGE_ID = re.compile(r"<[^<>\s]{3,250}>")
_BY_MACHINE = re.compile(
    r"mailer-daemon|postmaster|no-?reply|do-?not-?reply|bounces?|owner-.*|.*-(?:request|owner|bounces)",
    re.IGNORECASE,
)


class Word(StrEnum):
    """What can be asked for."""

    SUBSCRIBE = "subscribe"
    HELP = "help"
    PAUSE = "pause"
    RESUME = "resume"
    UNSUBSCRIBE = "unsubscribe"


@dataclass(frozen=True, slots=True)
class Request:
    """One mail that asks for something."""

    word: Word
    sender: str  # as the mail says; nobody checked it
    topics: tuple[str, ...] = ()
    until: date | None = None
    token: str | None = None  # that stood beside the word
    answers: tuple[str, ...] = ()  # Message-IDs of the mails it answers, the nearest first
    message_id: str | None = None
    is_from_a_person: bool = (
        True  # nothing says that a machine wrote it (RFC 3834, 2): only then it may be answered
    )


def parse_request(raw: bytes, *, address: str) -> Request | None:
    """What a mail to `address` asks for; None when it asks for nothing, or went elsewhere."""
    if len(raw) > _MOST:
        return None
    try:
        message = message_from_bytes(raw, policy=compat32)
        senders = getaddresses([str(value) for value in message.get_all("From", [])])
        if len(senders) != 1 or not _is_to(message, address):
            return None
        lines = list(_own_lines(message))
        return _request(message, senders[0][1], _subject(message), lines)
    except (ValueError, LookupError, RecursionError):  # the parsers of the standard library on hostile input
        return None


def _is_to(message: Parsed, address: str) -> bool:
    names = ("To", "Cc", "Delivered-To", "X-Original-To", "Envelope-To", "X-Envelope-To")
    headers = [str(value) for name in names for value in message.get_all(name, [])]
    return address.lower() in {found.lower() for _, found in getaddresses(headers)}


def _subject(message: Parsed) -> str:
    said = str(make_header(decode_header(str(message.get("Subject", "")))))
    return _ANSWERED.sub("", clean_text(said, limit=200))


def _request(message: Parsed, sender: str, subject: str, lines: list[str]) -> Request | None:
    order = _ORDER.fullmatch(subject)
    if order is None:
        order = _ORDER.fullmatch(lines[0]) if lines else None
        lines = lines[1:]
    if order is None:
        return None
    word = order[1].lower()
    asked = Word(_OTHER_NAMES.get(word, word))
    answers = " ".join(str(message.get(name, "")) for name in ("References", "In-Reply-To"))
    found = _MESSAGE_ID.search(str(message.get("Message-ID", "")))
    return Request(
        asked,
        sender,
        topics=_topics([order[3] or "", *lines]) if asked is Word.SUBSCRIBE else (),
        until=date.fromisoformat(order[2]) if order[2] and asked is Word.PAUSE else None,
        token=order[4],
        answers=tuple(reversed(_MESSAGE_ID.findall(answers)[-20:])),
        message_id=found[0] if found else None,
        is_from_a_person=_is_from_a_person(message, sender),
    )


def _topics(lines: list[str]) -> tuple[str, ...]:
    words = (clean_text(word.lstrip(" \t-*•")) for line in lines for word in _BETWEEN.split(line))
    # A longer line is a sentence, and nobody's keyword.
    return tuple(dict.fromkeys(word for word in words if 0 < len(word) <= _LONGEST))[:_TOPICS]


def _is_from_a_person(message: Parsed, sender: str) -> bool:
    if str(message.get("Auto-Submitted", "no")).split(";")[0].strip().lower() != "no":
        return False
    if str(message.get("Precedence", "")).strip().lower() in ("bulk", "list", "junk", "auto_reply"):
        return False
    if (
        str(message.get("Return-Path", "")).strip() == "<>"
        or message.get_content_type() == "multipart/report"
    ):
        return False
    lists = (
        "List-Id",
        "List-Unsubscribe",
        "List-Post",
        "X-Autoreply",
        "X-Autorespond",
        "X-Loop",
        "Feedback-ID",
    )
    if any(message.get(name) is not None for name in lists):
        return False
    return not _BY_MACHINE.fullmatch(sender.partition("@")[0])


def _own_lines(message: Parsed) -> Iterator[str]:
    """The first lines somebody wrote, without the mail they answer."""
    for line in _text(message).splitlines()[:_LINES]:
        if _END.match(line.strip()):
            return
        if cleaned := clean_text(line):
            yield cleaned


def _text(message: Parsed) -> str:
    parts = [part for part in message.walk() if part.get_content_maintype() == "text"]
    plain = next((part for part in parts if part.get_content_subtype() == "plain"), None)
    if plain is not None:
        return _decoded(plain)
    html = next((part for part in parts if part.get_content_subtype() == "html"), None)
    return BeautifulSoup(_decoded(html), "lxml").get_text("\n") if html is not None else ""


def _decoded(part: Parsed) -> str:
    payload = part.get_payload(decode=True)
    if not isinstance(payload, bytes):
        return ""
    return payload.decode(part.get_content_charset() or "utf-8", "replace")
