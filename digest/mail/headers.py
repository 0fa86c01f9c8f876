"""Header lines, written by hand.

The standard library's writer lets an encoded-word carry a line break into a header (CVE-2024-6923), garbles some
accented subjects, and encodes a long List-Unsubscribe into something no mailbox can read. What is written here is ASCII,
ends in CRLF, and holds exactly one header.
"""

import re
from base64 import b64encode
from collections.abc import Iterator
from functools import lru_cache

from digest.mail.quoted import is_plain
from digest.text import clean_text

_FOLD = 76  # RFC 2047, 2: a line with an encoded-word is at most 76 long
_WORD_BYTES = 45  # 60 characters of base64 and 12 around them: at most 75 (RFC 2047, 2)
_ATOMS = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~ -]+")
# No "?": some readers decode an encoded-word even inside an address, and then see another one.
_ADDRESS = re.compile(r"[A-Za-z0-9.!#$%&'*+/=^_`{|}~-]+@[A-Za-z0-9.-]+")
_HEADER_LINE = re.compile(rb"[A-Za-z0-9-]+: [\x21-\x7e][\x20-\x7e]*(?:\r\n [\x21-\x7e][\x20-\x7e]*)*\r\n")
_LONGEST = 400
_UNREADABLE = re.compile(r"[^ ]*(?:[^\x20-\x7e]|=\?)[^ ]*|[^ ]{60,}")


def safe_header(text: str) -> str:
    """`text` as one line that may stand in a header: no controls, no direction marks, at most 400 characters."""
    return text if not text or is_plain(text, _LONGEST) else clean_text(text, limit=_LONGEST)


@lru_cache(maxsize=4096)
def text_header(name: str, text: str) -> bytes:
    """A header of free text, such as Subject; words beyond ASCII become encoded-words (RFC 2047)."""
    return _line(name, _encoded(safe_header(text) or "(none)", name))


def address_header(name: str, address: str, display: str | None) -> bytes:
    """A header with one mailbox, such as From: `Ada Lovelace <ada@example.org>`.

    Raises `ValueError` for an address that a reader might take for another.
    """
    if not _ADDRESS.fullmatch(address):
        raise ValueError(f"not an address this program can write: {address!r}")
    safe = safe_header(display or "")
    if not safe or safe == address:
        return _line(name, [address])
    if not _is_readable(safe):
        words = list(_encoded_words(safe, _room_beside(name)))
    elif _ATOMS.fullmatch(safe):
        words = safe.split(" ")
    else:
        quoted = re.sub(r'(["\\])', r"\\\1", safe)
        words = f'"{quoted}"'.split(" ")  # white space inside quotes may be folded (RFC 5322, 3.2.4)
    return _line(name, [*words, f"<{address}>"])


def structured_header(name: str, *words: str) -> bytes:
    """A header whose words are written as they are and folded only between them.

    Raises `ValueError` when a word is not visible ASCII: such headers hold what we made ourselves.
    """
    return _line(name, list(words))


def _is_readable(text: str) -> bool:
    """Whether it can stand as it is.

    Not beyond ASCII, and not with a word too long for a line. Nor with "=?": a reader must see what was written, not what
    it would decode to.
    """
    return _UNREADABLE.search(text) is None


def _encoded(text: str, name: str) -> list[str]:
    """The words of free text: from the first that cannot stand as it is to the last, they are encoded as one run."""
    odd = [found.span() for found in _UNREADABLE.finditer(text)]
    if not odd:
        return text.split(" ")
    first, last = odd[0][0], odd[-1][1]
    room = _WORD_BYTES if first else _room_beside(name)
    return [*text[:first].split(), *_encoded_words(text[first:last], room), *text[last:].split()]


def _room_beside(name: str) -> int:
    """Bytes that the first encoded-word may carry when it stands on the line of the header's name."""
    return (_FOLD - len(name) - 14) // 4 * 3


def _encoded_words(text: str, room: int) -> Iterator[str]:
    """Words of at most 72 characters, the first of at most `room` bytes; no letter is parted (RFC 2047, 5)."""
    chunk = b""
    for letter in text:
        encoded = letter.encode()
        if len(chunk) + len(encoded) > room:
            yield f"=?utf-8?B?{b64encode(chunk).decode()}?="
            chunk, room = b"", _WORD_BYTES
        chunk += encoded
    yield f"=?utf-8?B?{b64encode(chunk).decode()}?="


def _line(name: str, words: list[str]) -> bytes:
    line = f"{name}: {' '.join(words)}"
    if len(line) > _FOLD:
        line = _folded(name, words)
    raw = f"{line}\r\n".encode()
    if not _HEADER_LINE.fullmatch(raw):
        raise ValueError(f"the header {name} would hold more than one line of visible ASCII: {line[:100]!r}")
    return raw


def _folded(name: str, words: list[str]) -> str:
    line, width = f"{name}:", len(name) + 1
    for word in words:
        if width + 1 + len(word) > _FOLD and width > len(name) + 1:
            line, width = f"{line}\r\n", 0
        line, width = f"{line} {word}", width + 1 + len(word)
    return line
