"""One reader's tokens inside what many readers share.

What many get is written and encoded once, with a stand-in of the same length in the place of each token. When a mail is
put together, `digest.writing` puts them in; that is the same as if the words had been encoded with the tokens in them.
Stand-ins are random, so that no text from outside can hold one.
"""

import re
from functools import lru_cache
from string import ascii_lowercase
from typing import NamedTuple

from digest.mail.links import Links
from digest.mail.quoted import STEM
from digest.writing import Tokens

# A token as `digest.tokens` writes it, alone between slashes: letters that no encoding of a mail changes.
_TOKEN = re.compile(r"/([A-Za-z0-9_-]{20,64})(?=[/\n]|$)")


class Masked(NamedTuple):
    """The links of one reader as everybody's, and the tokens that make them this reader's."""

    links: Links
    tokens: Tokens


def stand_in(number: int, length: int) -> str:
    """What takes the place of a token of that length: of the first with 0, of the next with 1, and so on."""
    return (STEM + ascii_lowercase[number] * 64)[:length]


def masked(links: Links | Masked) -> Masked:
    """`links` with stand-ins for their tokens. Those that look otherwise stay as they are."""
    if isinstance(links, Masked):
        return links
    words = _TOKEN.split("\n".join([way or "" for way in links]))
    tokens = words[1::2]
    shared = _shared(tuple(words[::2]), tuple(map(len, tokens)))
    if shared is None:
        return Masked(links, Tokens())
    return Masked(shared, Tokens.of([token.encode() for token in tokens]))


def bare(links: Links | Masked) -> Links:
    """`links` as their reader sees them."""
    if isinstance(links, Links):
        return links
    ways = "\n".join([way or "" for way in links.links])
    for number, token in enumerate(links.tokens.in_order()):
        ways = ways.replace(stand_in(number, len(token)), token.decode())
    return Links(*[way or None for way in ways.split("\n")])


@lru_cache(maxsize=4096)
def _shared(between: tuple[str, ...], lengths: tuple[int, ...]) -> Links | None:
    """Links with stand-ins between these words; None for links that are none, since they hold a line end."""
    stand_ins = [stand_in(number, length) for number, length in enumerate(lengths)]
    words = [
        word for pair in zip(between, [f"/{word}" for word in stand_ins] + [""], strict=True) for word in pair
    ]
    ways = [way or None for way in "".join(words).split("\n")]
    if len(ways) != len(Links._fields):
        return None
    return Links(*ways)
