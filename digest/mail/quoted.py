"""Quoted-printable that can be encoded in pieces and joined.

Every fragment ends with a line end, and lines are encoded one by one, so `quote(a) + quote(b) == quote(a + b)`: what
many readers share is encoded once, and a message is put together by joining bytes.
"""

import re
import secrets
from binascii import b2a_qp
from collections.abc import Mapping

# How every stand-in for a token begins (see `slots`). Random, so that no text from outside can hold one.
STEM = secrets.token_hex(8)
_STAND_IN = re.compile(rf"{STEM}([a-z])\1*")


# Where a token goes: its stand-in, and after which of its letters the end of a line comes (0: it is whole).
Place = tuple[str, int]


class Fragment:
    """A piece of a body, whole lines. Raises `ValueError` when it does not end with a line end."""

    __slots__ = ("parts", "places", "quoted", "size", "text")

    def __init__(self, text: str) -> None:
        if text and not text.endswith("\n"):
            raise ValueError("a fragment must end with a line end, or joining would run lines together")
        raw = text.encode()
        self.text = text
        self.size = len(raw)  # bytes as UTF-8
        self.quoted = quoted = _quoted(raw)  # as it stands in a message
        # The same, cut at the places of tokens; one part more than there are places.
        self.parts: tuple[bytes, ...] = (quoted,)
        self.places: tuple[Place, ...] = ()
        if STEM in text:
            self.parts, self.places = _cut(text, quoted)

    def with_tokens(self, tokens: Mapping[Place, bytes]) -> bytes:
        """As it stands in a message, with tokens at their places."""
        places, parts = self.places, self.parts
        if not places:
            return self.quoted
        if places.count(places[0]) == len(places):
            return tokens[places[0]].join(parts)
        between = [tokens[place] + part for place, part in zip(places, parts[1:], strict=True)]
        return b"".join([parts[0], *between])

    def __add__(self, other: "Fragment") -> "Fragment":
        """Both as one."""
        return Fragment(self.text + other.text)


def in_place(word: str, at: int) -> bytes:
    """`word` as it stands at a place."""
    return f"{word[:at]}=\r\n{word[at:]}".encode() if at else word.encode()


def _cut(text: str, quoted: bytes) -> tuple[tuple[bytes, ...], tuple[Place, ...]]:
    marks = sorted(
        (found.start(), found.end(), (word, at))
        for word in {found[0] for found in _STAND_IN.finditer(text)}
        for at in range(len(word))
        for found in re.finditer(re.escape(in_place(word, at)), quoted)
    )
    starts = [0, *(end for _, end, _ in marks)]
    ends = [*(start for start, _, _ in marks), len(quoted)]
    parts = tuple(quoted[start:end] for start, end in zip(starts, ends, strict=True))
    return parts, tuple(place for _, _, place in marks)


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
