"""Quoted-printable that can be encoded in pieces and joined.

Every fragment ends with a line end, and lines are encoded one by one, so `quote(a) + quote(b) == quote(a + b)`: what
many readers share is encoded once, and a message is put together by joining bytes.
"""

from binascii import b2a_qp
from dataclasses import dataclass
from functools import cached_property


@dataclass(frozen=True)
class Fragment:
    """A piece of a body, whole lines."""

    text: str

    def __post_init__(self) -> None:
        if self.text and not self.text.endswith("\n"):
            raise ValueError("a fragment must end with a line end, or joining would run lines together")

    @cached_property
    def size(self) -> int:
        """Bytes as UTF-8."""
        return len(self.text.encode())

    @cached_property
    def quoted(self) -> bytes:
        """The text as it stands in a message."""
        return quote(self.text)


def quote(text: str) -> bytes:
    """`text`, whole lines of it, as quoted-printable UTF-8 (RFC 2045, 6.7) with CRLF and at most 78 columns."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n").replace("\n", "\r\n")
    # b2a_qp breaks lines the way the first one ends: a bare LF would follow from anything but CRLF here.
    encoded = b"\r\n" + b2a_qp(lines.encode())
    # Some programs on the way put a ">" before "From " at the start of a line, and so break signatures.
    return encoded.replace(b"\r\nFrom ", b"\r\n=46rom ")[2:]


def is_plain(text: str, limit: int) -> bool:
    """Whether `text` is printable ASCII on one line, no longer than `limit`, with single spaces between words.

    Cleaning would leave it as it is, and costs twenty times as much as asking.
    """
    return (
        len(text) <= limit
        and text.isascii()
        and text.isprintable()
        and "  " not in text
        and text == text.strip()
    )
