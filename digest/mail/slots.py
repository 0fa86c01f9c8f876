"""One reader's tokens inside what many readers share.

What many get is written and encoded once, with a stand-in of the same length in the place of each token; the token takes
that place when the mail is put together. Stand-ins are random, so that no text from outside can hold one.
"""

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from string import ascii_lowercase
from typing import NamedTuple

from digest.mail.links import Links
from digest.mail.quoted import STEM

# A token as `digest.tokens` writes it, alone between slashes: letters that no encoding of a mail changes.
_TOKEN = re.compile(r"/([A-Za-z0-9_-]{20,64})(?=[/\n]|$)")


class Masked(NamedTuple):
    """The links of one reader as everybody's, and the tokens that make them this reader's."""

    links: Links
    tokens: Mapping[str, str]  # by what stands in for each


def masked(links: Links) -> Masked:
    """`links` with stand-ins for their tokens. Those that look otherwise stay as they are."""
    words = _TOKEN.split("\n".join([way or "" for way in links]))
    tokens = words[1::2]
    shared, stand_ins = _shared(tuple(words[::2]), tuple(map(len, tokens)))
    return Masked(shared, dict(zip(stand_ins, tokens, strict=True))) if shared else Masked(links, {})


@lru_cache(maxsize=4096)
def _shared(between: tuple[str, ...], lengths: tuple[int, ...]) -> tuple[Links | None, list[str]]:
    """Links with stand-ins between these words; None for links that are none, since they hold a line end."""
    stand_ins = [
        (STEM + letter * 64)[:length] for letter, length in zip(ascii_lowercase, lengths, strict=False)
    ]
    words = [
        word for pair in zip(between, [f"/{word}" for word in stand_ins] + [""], strict=True) for word in pair
    ]
    ways = [way or None for way in "".join(words).split("\n")]
    return (Links(*ways), stand_ins) if len(ways) == len(Links._fields) else (None, [])


def put_in(parts: Sequence[bytes], tokens: Mapping[str, str]) -> Sequence[bytes]:
    """The parts of fragments for one reader: joined, they are as if the words had been encoded with the tokens in them."""
    if not tokens:
        return parts
    known = _spellings(tuple(tokens))
    spelt = {place: _spelt(tokens[known[place][0]], known[place][1]) for place in known.keys() & parts}
    return list(map(spelt.get, parts, parts))


@lru_cache(maxsize=64)
def _spellings(stand_ins: tuple[str, ...]) -> dict[bytes, tuple[str, int]]:
    """The ways in which stand-ins may be encoded: whole (0), or with a line's end after so many letters."""
    return {_spelt(word, at): (word, at) for word in stand_ins for at in range(len(word))}


def _spelt(word: str, at: int) -> bytes:
    return f"{word[:at]}=\r\n{word[at:]}".encode() if at else word.encode()
