"""Rendered -> Message: the bytes that will leave. The same arguments give the same bytes."""

import hashlib
import re
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from email.utils import format_datetime
from functools import lru_cache

from digest.macs import mac_under
from digest.mail.headers import address_header, structured_header, text_header
from digest.mail.links import Links, safe_url
from digest.mail.quoted import placed
from digest.mail.rendered import Recipient, Rendered, Sender
from digest.mail.slots import Masked, masked
from digest.model import Envelope, Message
from digest.writing import Writing

__all__ = ["Recipient", "Sender", "Sign", "domain_of", "message_id_for", "write_message"]

# Takes the header fields and the body, gives the signature fields that go before them.
Sign = Callable[[list[bytes], bytes], bytes]

# Mails that a list sends to its subscribers; the others answer something one person did.
_LIST_MAILS = frozenset({"digest", "weekly", "quiet", "catch-up", "welcome", "changed"})
_LIST_ID = re.compile(r"(?:(.*?)\s*<)?([A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+)>?")
_MESSAGE_ID = re.compile(r"<[A-Za-z0-9.!#$%&'*+/=^_`{|}~-]{1,120}@[A-Za-z0-9.-]{1,120}>")
_NOT_IN_A_FIELD = re.compile(r"[^A-Za-z0-9._-]+")
_PART = b"Content-Type: text/%b; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n"
_PLAIN_PART, _HTML_PART = _PART % b"plain", _PART % b"html"


def write_message(  # noqa: PLR0913  each of them is in the bytes
    rendered: Rendered,
    *,
    sender: Sender,
    envelope: Envelope,
    recipient: Recipient,
    message_id: str,
    date: datetime,
    links: Links | Masked,
    answers: str | None = None,
    sign: Sign | None = None,
) -> Message:
    """One mail to one person, ready to leave: multipart/alternative, quoted-printable, CRLF, lines of at most 78.

    `links` must be those the mail was rendered with; of them come List-Unsubscribe and, with an https address only,
    List-Unsubscribe-Post (RFC 8058). `answers` is the Message-ID of the mail this one answers. Raises `ValueError` for an address that cannot be written.
    """
    boundary = b"=_" + hashlib.sha256(message_id.encode()).hexdigest()[:24].encode()
    before, after = _common_headers(sender, rendered.kind, rendered.issue, date)
    headers = [
        *before,
        address_header("To", recipient.address, recipient.name),
        structured_header("Message-ID", message_id),
        text_header("Subject", rendered.subject),
        *(_thread_headers(answers) if answers else ()),
        *(_unsubscribe_headers(links) if rendered.kind in _LIST_MAILS else ()),
        *after,
        b'Content-Type: multipart/alternative; boundary="%s"\r\n' % boundary,
    ]
    body = Writing.of(_body(rendered, boundary), rendered.tokens)
    if sign:
        headers.insert(0, sign(headers, body.raw))
    return Message(message_id, envelope, rendered.subject, body.behind(b"".join(headers) + b"\r\n"))


def message_id_for(secret: bytes, *, issue_key: str, subscriber_id: int, domain: str) -> str:
    """The Message-ID of what this subscriber gets in this Issue: always the same, and it tells a stranger nothing."""
    what = f"message-id|{issue_key}|{subscriber_id}".encode()
    return f"<{mac_under(secret)(what).hex()[:32]}@{domain}>"


def domain_of(address: str) -> str:
    """The domain of an address, in lower case."""
    return address.rpartition("@")[2].lower()


@lru_cache(maxsize=256)
def _common_headers(sender: Sender, kind: str, issue: str, date: datetime) -> tuple[list[bytes], list[bytes]]:
    """What all mails of one kind and Issue say, before and after what each says for itself."""
    before = [
        structured_header("Date", *format_datetime(date.astimezone(UTC)).split(" ")),
        address_header("From", sender.address, sender.name),
        *([address_header("Reply-To", sender.reply_to, None)] if sender.reply_to else []),
    ]
    after = [
        *(_list_headers(sender, kind, issue) if kind in _LIST_MAILS else []),
        # RFC 3834, 5: an answer to a mail says that it is one, so that no other program answers it.
        structured_header("Auto-Submitted", "auto-replied" if kind == "help" else "auto-generated"),
        structured_header("X-Auto-Response-Suppress", "OOF,", "AutoReply"),
        structured_header("MIME-Version", "1.0"),
    ]
    return before, after


def _thread_headers(answers: str) -> Iterator[bytes]:
    """What puts an answer beside the mail it answers, whose Message-ID a stranger wrote."""
    if _MESSAGE_ID.fullmatch(answers):
        yield structured_header("In-Reply-To", answers)
        yield structured_header("References", answers)


def _list_headers(sender: Sender, kind: str, issue: str) -> Iterator[bytes]:
    """What marks a mail of a list."""
    yield _list_id(sender)
    campaign = _NOT_IN_A_FIELD.sub("-", issue) or kind
    yield structured_header("Feedback-ID", f"{campaign}:{kind}:bulk:paper-digest")
    yield structured_header("Precedence", "bulk")


def _unsubscribe_headers(links: Links | Masked) -> Iterator[bytes]:
    """The way off a list. URLs are never folded or encoded: one-click would break."""
    shared, tokens = masked(links)
    for form in _unsubscribe_forms(shared.unsubscribe_url, shared.mailto):
        yield form % tokens % ()  # none is shared, for which `joined` would look


@lru_cache(maxsize=1024)
def _unsubscribe_forms(wanted_url: str | None, mailto: str | None) -> list[bytes]:
    return [placed(header) for header in _unsubscribe_lines(safe_url(wanted_url), mailto)]


def _unsubscribe_lines(url: str | None, mailto: str | None) -> Iterator[bytes]:
    ways = [f"<{way}>" for way in (url, mailto) if way]
    if ways:
        yield structured_header("List-Unsubscribe", *[f"{way}," for way in ways[:-1]], ways[-1])
    if url and url.startswith("https://"):
        yield b"List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n"


def _list_id(sender: Sender) -> bytes:
    """RFC 2919. Without a configured one, a name below the sender's domain."""
    found = _LIST_ID.fullmatch((sender.list_id or "").strip())
    phrase, name = (found[1] or "", found[2]) if found else ("", f"digest.{domain_of(sender.address)}")
    words = _NOT_IN_A_FIELD.sub(" ", phrase or sender.name).split()
    return structured_header("List-ID", *words, f"<{name}>")


def _body(rendered: Rendered, boundary: bytes) -> Sequence[bytes]:
    """The words as plain text, then as HTML, as forms: a reader takes the last part it understands (RFC 2046, 5.1.4).

    With a logo, the HTML and the picture are one part together (RFC 2387).
    """
    edge = b"\r\n--" + boundary
    html: Sequence[bytes] = (_HTML_PART, *rendered.html_forms)
    if rendered.logo:
        inner = b"\r\n--" + boundary + b"+"
        related = b'Content-Type: multipart/related; type="text/html";\r\n boundary="%s+"\r\n' % boundary
        html = (related, inner, b"\r\n", *html, inner, b"\r\n", rendered.logo.form, inner, b"--\r\n")
    return (
        edge[2:] + b"\r\n",
        _PLAIN_PART,
        *rendered.text_forms,
        edge + b"\r\n",
        *html,
        edge + b"--\r\n",
    )
