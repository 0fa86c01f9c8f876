"""Header lines, written by hand.

The standard library's writer lets an encoded-word carry a line break into a header (CVE-2024-6923), garbles some
accented subjects, and encodes a long List-Unsubscribe into something no mailbox can read. What is written here is ASCII,
ends in CRLF, and holds exactly one header.
"""

import re
from base64 import b64encode
from collections.abc import Iterator

from digest.text import clean_text

_FOLD = 76  # RFC 2047, 2: a line with an encoded-word is at most 76 long
_WORD_BYTES = 45  # 60 characters of base64 and 12 around them: at most 75 (RFC 2047, 2)
_ATOMS = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~ -]+")
# No "?": some readers decode an encoded-word even inside an address, and then see another one.
_ADDRESS = re.compile(r"[A-Za-z0-9.!#$%&'*+/=^_`{|}~-]+@[A-Za-z0-9.-]+")
_HEADER_LINE = re.compile(rb"[A-Za-z0-9-]+: [\x21-\x7e](?:[\x20-\x7e]|\r\n [\x21-\x7e])*\r\n")
_LONGEST = 400


def safe_header(text: str) -> str:
    """`text` as one line that may stand in a header: no controls, no direction marks, at most 400 characters."""
    return clean_text(text, limit=_LONGEST)


def text_header(name: str, text: str) -> bytes:
    """A header of free text, such as Subject. Letters beyond ASCII become encoded-words (RFC 2047).

    So does a text that holds "=?": a reader must see what was written, not what it would decode to.
    """
    safe = safe_header(text)
    plain = safe.isascii() and "=?" not in safe and all(len(word) < _FOLD - 10 for word in safe.split(" "))
    words = safe.split(" ") if plain else list(_encoded_words(safe, name))
    return _line(name, words)


def address_header(name: str, address: str, display: str | None) -> bytes:
    """A header with one mailbox, such as From: `Ada Lovelace <ada@example.org>`."""
    safe = safe_header(display or "")
    if not safe or safe == address:
        return _line(name, [_address(address)])
    if not safe.isascii() or "=?" in safe or len(safe) > _FOLD - 10:
        words = list(_encoded_words(safe, name))
    elif _ATOMS.fullmatch(safe):
        words = safe.split(" ")
    else:
        words = ['"' + re.sub(r'(["\\])', r"\\\1", safe) + '"']
    return _line(name, [*words, f"<{_address(address)}>"])


def structured_header(name: str, *words: str) -> bytes:
    """A header whose words are written as they are and folded only between them.

    Raises `ValueError` when a word is not visible ASCII: such headers hold what we made ourselves.
    """
    return _line(name, list(words))


def _address(address: str) -> str:
    if not _ADDRESS.fullmatch(address):
        raise ValueError(f"not an address this program can write: {address!r}")
    return address


def _encoded_words(text: str, name: str) -> Iterator[str]:
    """Words of at most 72 characters, the first fit to stand beside the header's name; no letter is parted (RFC 2047, 5)."""
    chunk, room = b"", (_FOLD - len(name) - 14) // 4 * 3
    for letter in text:
        encoded = letter.encode()
        if len(chunk) + len(encoded) > room:
            yield f"=?utf-8?B?{b64encode(chunk).decode()}?="
            chunk, room = b"", _WORD_BYTES
        chunk += encoded
    yield f"=?utf-8?B?{b64encode(chunk).decode()}?="


def _line(name: str, words: list[str]) -> bytes:
    line, width = f"{name}:", len(name) + 1
    for word in words:
        if width + 1 + len(word) > _FOLD and width > len(name) + 1:
            line, width = f"{line}\r\n", 0
        line, width = f"{line} {word}", width + 1 + len(word)
    raw = f"{line}\r\n".encode()
    if not _HEADER_LINE.fullmatch(raw):
        raise ValueError(f"the header {name} would hold more than one line of visible ASCII: {line[:100]!r}")
    return raw
