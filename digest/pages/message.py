"""Mails (.eml) and web archives (.mht, .mhtml): the documents inside them."""

import re
from collections.abc import Iterator
from email import message_from_bytes
from email.errors import MessageError
from email.message import Message
from email.policy import compat32
from itertools import islice

_HEADERS = re.compile(rb"(?:From |[A-Za-z][A-Za-z0-9-]{1,60}:[ \t])")
_TELLING = re.compile(
    rb"(?im)^(?:MIME-Version: ?1|Received: |Return-Path: |Delivered-To: |Message-ID: |From: .{0,300}@|Content-Type: multipart/)"
)
_BOUNDARY = re.compile(rb"(?i)\bboundary=")
_MOST_PARTS = 200
_MOST_NESTED = 50
_DOCUMENTS = (
    "text/html",
    "text/plain",
    "application/json",
    "application/xml",
    "text/xml",
    "application/rss+xml",
    "application/atom+xml",
)


def looks_like_a_message(body: bytes) -> bool:
    """Whether a document begins with the headers of a mail."""
    head = body[:20_000].lstrip()
    head = re.split(rb"\r?\n\r?\n", head, maxsplit=1)[0]
    return _HEADERS.match(head) is not None and len(_TELLING.findall(head)) >= 2


def documents_in(body: bytes) -> Iterator[tuple[str, bytes]]:
    """Media types and bodies of the readable parts of a mail, in its order; a text with another charset comes as UTF-8.

    A mail whose parts are nested deeper than any program writes gives nothing.
    """
    if len(_BOUNDARY.findall(body)) > _MOST_NESTED:
        return
    try:
        message = message_from_bytes(body, policy=compat32)
    except (MessageError, RecursionError, ValueError):
        return
    for part in islice(message.walk(), _MOST_PARTS):
        if part.get_content_type() in _DOCUMENTS:
            yield part.get_content_type(), _decoded(part)


def _decoded(part: Message) -> bytes:
    """The part's bytes, without the transfer encoding and, where it names a charset Python knows, in UTF-8."""
    payload = part.get_payload(decode=True)
    body = payload if isinstance(payload, bytes) else b""
    charset = str(part.get_content_charset() or "").replace("iso-8859-1", "cp1252")
    if charset in ("", "utf-8", "us-ascii") or not re.fullmatch(r"[a-z0-9_-]{3,20}", charset):
        return body
    try:
        return body.decode(charset).encode("utf-8", "replace") if charset in _CHARSETS else body
    except (UnicodeDecodeError, LookupError):
        return body


_CHARSETS = frozenset(
    {"cp1252", "windows-1252", "iso-8859-2", "iso-8859-15", "koi8-r", "windows-1251", "gb2312", "gbk", "gb18030", "big5", "shift_jis",
     "iso-2022-jp", "euc-jp", "euc-kr", "utf-16"}
)  # fmt: skip
