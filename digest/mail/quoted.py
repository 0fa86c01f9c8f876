"""Quoted-printable that can be encoded in pieces and joined.

Every fragment ends with a line end, and lines are encoded one by one, so `quote(a) + quote(b) == quote(a + b)`: what
many readers share is encoded once, and a message is put together by joining bytes.
"""

import re
from binascii import b2a_qp


class Fragment:
    """A piece of a body, whole lines. Raises `ValueError` when it does not end with a line end."""

    __slots__ = ("quoted", "size", "text")

    def __init__(self, text: str) -> None:
        if text and not text.endswith("\n"):
            raise ValueError("a fragment must end with a line end, or joining would run lines together")
        self.text = text
        self.size = len(text.encode())  # bytes as UTF-8
        self.quoted = quote(text)  # as it stands in a message


def quote(text: str) -> bytes:
    """`text`, whole lines of it, as quoted-printable UTF-8 (RFC 2045, 6.7) with CRLF and at most 78 columns."""
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    # b2a_qp breaks lines the way the first one ends: a bare LF would follow from anything but CRLF here.
    encoded = b2a_qp(text.replace("\n", "\r\n").encode())
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
