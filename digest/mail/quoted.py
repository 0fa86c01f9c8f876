"""Quoted-printable that can be encoded in pieces and joined.

Every fragment ends with a line end, and lines are encoded one by one, so `quote(a) + quote(b) == quote(a + b)`: what
many readers share is encoded once, and a message is put together by joining bytes.
"""

import re
import secrets
from binascii import b2a_qp

# How every stand-in for a token begins (see `slots`). Random, so that no text from outside can hold one.
STEM = secrets.token_hex(8)
_STAND_IN = re.compile(rf"{STEM}([a-z])\1*")


class Fragment:
    """A piece of a body, whole lines. Raises `ValueError` when it does not end with a line end."""

    __slots__ = ("breaks", "quoted", "size", "text")

    def __init__(self, text: str) -> None:
        if text and not text.endswith("\n"):
            raise ValueError("a fragment must end with a line end, or joining would run lines together")
        raw = text.encode()
        self.text = text
        self.size = len(raw)  # bytes as UTF-8
        self.quoted = _quoted(raw)  # as it stands in a message
        # Its stand-ins that the end of a line breaks, and after which letter.
        self.breaks = _breaks(text, self.quoted) if STEM in text else ()

    def __add__(self, other: "Fragment") -> "Fragment":
        """Both as one."""
        return Fragment(self.text + other.text)


def broken(word: str, at: int) -> bytes:
    """`word` with the end of a line after that many letters."""
    return f"{word[:at]}=\r\n{word[at:]}".encode()


def _breaks(text: str, quoted: bytes) -> tuple[tuple[str, int], ...]:
    words = {found[0] for found in _STAND_IN.finditer(text)}
    return tuple(
        (word, at) for word in sorted(words) for at in range(1, len(word)) if broken(word, at) in quoted
    )


def quote(text: str) -> bytes:
    """`text`, whole lines of it, as quoted-printable UTF-8 (RFC 2045, 6.7) with CRLF and at most 78 columns."""
    return _quoted(text.encode())


def _quoted(raw: bytes) -> bytes:
    if b"\r" in raw:
        raw = raw.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    # b2a_qp breaks lines the way the first one ends: a bare LF would follow from anything but CRLF here.
    encoded = b2a_qp(raw.replace(b"\n", b"\r\n"))
    if b"From " not in encoded:
        return encoded
    # Some programs on the way put a ">" before "From " at the start of a line, and so break signatures.
    return (b"\r\n" + encoded).replace(b"\r\nFrom ", b"\r\n=46rom ")[2:]


# Words of letters that cleaning leaves alone (Latin, general punctuation), with one space between them.
_LETTERS = r"[\x21-\x7e\xa1-\xac\xae-\u02ff\u2010-\u2027]+"
_PLAIN = re.compile(rf"{_LETTERS}(?: {_LETTERS})*")


def is_plain(text: str, limit: int) -> bool:
    """Whether `clean_text` would leave `text` as it is; asking costs a tenth. False means "perhaps not"."""
    return len(text) <= limit and _PLAIN.fullmatch(text) is not None
