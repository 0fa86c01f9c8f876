"""One reader's tokens inside what many readers share.

What many get is written and encoded once, with a stand-in of the same length in the place of each token; the token takes
that place when the mail is put together. Stand-ins are random, so that no text from outside can hold one.
"""

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

from digest.mail.links import Links
from digest.mail.quoted import STEM, Fragment, Place, in_place

# A token as `digest.tokens` writes it, alone between slashes: letters that no encoding of a mail changes.
_TOKEN = re.compile(r"/([A-Za-z0-9_-]{20,64})(?=/|$)")


class Slot(NamedTuple):
    """A place for a token: what stands in for it, and itself."""

    stand_in: str
    token: str


class Masked(NamedTuple):
    """The links of one reader as everybody's, and the tokens that make them this reader's."""

    links: Links
    feedback: tuple[Slot, ...]
    footer: tuple[Slot, ...]


def masked(links: Links) -> Masked:
    """`links` with stand-ins for their tokens. Those that look otherwise stay as they are."""
    unsubscribe_url, unsubscribe = _mask(links.unsubscribe_url, "u")
    preferences_url, preferences = _mask(links.preferences_url, "p")
    web_url, web = _mask(links.web_url, "w")
    feedback_url, feedback = _mask(links.feedback_url, "f")
    shared = Links(
        unsubscribe_url,
        links.unsubscribe_mailto,
        preferences_url,
        web_url,
        links.profile_file,
        feedback_url,
    )
    return Masked(shared, feedback, (*unsubscribe, *preferences, *web))


def _mask(url: str | None, place: str) -> tuple[str | None, tuple[Slot, ...]]:
    found = _TOKEN.search(url) if url else None
    if url is None or found is None:
        return url, ()
    stand_in = _stand_in(place, len(found[1]))
    start, end = found.span(1)
    return f"{url[:start]}{stand_in}{url[end:]}", (Slot(stand_in, found[1]),)


@lru_cache(maxsize=256)
def _stand_in(place: str, length: int) -> str:
    return (STEM + place * length)[:length]


class Filled:
    """Fragments that many share, as they are for one reader. It is used like a `Fragment`."""

    __slots__ = ("_fragments", "_slots")

    def __init__(self, fragments: Sequence[Fragment], slots: Sequence[Slot]) -> None:
        self._fragments = fragments
        self._slots = slots

    @property
    def size(self) -> int:
        """Bytes as UTF-8. A token is as long as what stands in for it."""
        return sum([fragment.size for fragment in self._fragments])

    @property
    def text(self) -> str:
        """The words."""
        text = "".join([fragment.text for fragment in self._fragments])
        for stand_in, token in self._slots:
            text = text.replace(stand_in, token)
        return text

    @property
    def quoted(self) -> bytes:
        """As it stands in a message: the same bytes as if the words had been encoded with the tokens in them."""
        tokens = _Places(self._slots)
        return b"".join(
            [
                fragment.with_tokens(tokens) if fragment.places else fragment.quoted
                for fragment in self._fragments
            ]
        )


class _Places(dict[Place, bytes]):
    """What stands at each place: the end of a line that came inside a stand-in comes at the same letter of the token."""

    def __init__(self, slots: Sequence[Slot]) -> None:
        self._tokens = dict(slots)

    def __missing__(self, place: Place) -> bytes:
        stand_in, at = place
        self[place] = found = in_place(self._tokens[stand_in], at)
        return found
