"""Quoted-printable that can be encoded in pieces and joined.

Every piece ends with a line end, and lines are encoded one by one, so `quote(a) + quote(b) == quote(a + b)`: what many
readers share is encoded once, and a message is put together by joining bytes.
"""

import re
import secrets
from binascii import a2b_qp, b2a_qp

from digest.writing import literal

# How every stand-in for a token begins (see `slots`). Random, so that no text from outside can hold one; and with a letter
# that is rare, since it is looked for.
STEM = f"Z{secrets.token_hex(8)}"
# A stand-in as it is encoded: the end of a line may come anywhere inside, but mostly does not.
_END = "(?:=\r\n)?"
_PLACE = re.compile(f"{STEM}[a-z]+(?:=\r\n[a-z]+)?|{_END.join(STEM)}{_END}[a-z]+".encode())


def form_of(text: str) -> bytes:
    """`text`, whole lines of it, as it stands in many messages, with a place for each token: see `digest.writing`.

    Raises `ValueError` when it does not end with a line end.
    """
    if text and not text.endswith("\n"):
        raise ValueError("what is encoded must end with a line end, or joining would run lines together")
    quoted = quote(text)
    return placed(quoted) if STEM in text or "%" in text else quoted


def placed(words: bytes) -> bytes:
    """The form of `words` that need no encoding, or no more."""
    return _PLACE.sub(_named, literal(words))


def _named(place: re.Match[bytes]) -> bytes:
    head, end, tail = place[0].partition(b"=\r\n")
    letter = (head + tail)[len(STEM) :][:1]
    return b"%%(%b%b)b" % (letter, b"%d" % len(head) if end else b"")


def quote(text: str) -> bytes:
    """`text`, whole lines of it, as quoted-printable UTF-8 (RFC 2045, 6.7) with CRLF and at most 78 columns."""
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    # b2a_qp breaks lines the way the first one ends: a bare LF would follow from anything but CRLF here.
    encoded = b2a_qp(text.replace("\n", "\r\n").encode())
    if "From " not in text:
        return encoded
    # Some programs on the way put a ">" before "From " at the start of a line, and so break signatures.
    return (b"\r\n" + encoded).replace(b"\r\nFrom ", b"\r\n=46rom ")[2:]


def unquote(quoted: bytes) -> str:
    """The words that `quote` encoded; its lines end in LF."""
    return a2b_qp(quoted).replace(b"\r\n", b"\n").decode()


# Words of letters that cleaning leaves alone (Latin, general punctuation), with one space between them.
_LETTERS = r"[\x21-\x7e\xa1-\xac\xae-\u02ff\u2010-\u2027]+"
_PLAIN = re.compile(rf"{_LETTERS}(?: {_LETTERS})*")


def is_plain(text: str, limit: int) -> bool:
    """Whether `clean_text` would leave `text` as it is; asking costs a tenth. False means "perhaps not"."""
    return len(text) <= limit and _PLAIN.fullmatch(text) is not None
