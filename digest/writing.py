"""A mail as it is put together: words that many mails share, words of its own, and its reader's tokens.

All words are *forms*: bytes in which `%(a)b` is the place of the token "a", `%%(key)b` that of shared words, and a per cent
sign stands four times. With the tokens in their places they are a recipe, of less than half the size of the mail; this is
what is stored, and what is shared is kept once. Put together, it is always the same bytes.
"""

import re
from base64 import urlsafe_b64encode
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Self

_WORTH = 256  # bytes; looking after less costs more than it saves
_PLACE = re.compile(rb"%\(([A-Za-z0-9_-]{22})\)b")


class Shared(bytes):
    """The form of words that say nothing of any one reader, and stand in the mails of many: no more than their place."""

    words: bytes
    key: bytes  # their name: 128 bits of their SHA-256, which no other words have

    @classmethod
    def of(cls, words: bytes) -> Self:
        """The form of these words."""
        key = urlsafe_b64encode(sha256(words).digest()[:16])[:22]
        place = cls(b"%%%%(%b)b" % key)
        place.words, place.key = words, key
        return place


def shared(form: bytes) -> bytes:
    """`form` as `Shared`, where that saves room. It must say nothing of any one reader."""
    return (
        Shared.of(form % () % ()) if len(form) >= _WORTH and b"%(" not in form.replace(b"%%", b"") else form
    )


def literal(words: bytes) -> bytes:
    """The form of `words` that has places for nothing."""
    return words.replace(b"%", b"%%%%")


def room_of(forms: Iterable[bytes]) -> int:
    """How many bytes these forms have, what they share among them."""
    return sum([len(form.words) if type(form) is Shared else len(form) for form in forms])


class Tokens(dict[bytes, bytes]):
    """One reader's tokens by their letters; none has a per cent sign in it.

    `%(a24)b` is the place of "a" where the encoding of a mail breaks the line behind its 24th letter.
    """

    @classmethod
    def of(cls, tokens: Sequence[bytes]) -> Self:
        """The first is "a", the next "b"."""
        return cls(zip(_LETTERS, tokens, strict=False))

    def in_order(self) -> list[bytes]:
        """What `of` was given."""
        return [token for name, token in self.items() if len(name) == 1]

    def __missing__(self, name: bytes) -> bytes:
        if len(name) < 2:
            raise KeyError(name)
        token, end = self[name[:1]], int(name[1:])
        self[name] = broken = token[:end] + b"=\r\n" + token[end:]
        return broken


_LETTERS = [bytes([letter]) for letter in b"abcdefghijklmnopqrstuvwxyz"]


def joined(forms: Sequence[bytes], tokens: Tokens) -> bytes:
    """The words of these forms, one after the other."""
    return Writing.of(forms, tokens).raw


@dataclass(frozen=True, slots=True)
class Writing:
    """The bytes of a mail: what is its own, with names in the places of what is shared, and that."""

    recipe: bytes
    shares: Sequence[Shared] = ()

    @classmethod
    def of(cls, forms: Sequence[bytes], tokens: Tokens) -> Self:
        """These forms, one after the other."""
        return cls(b"".join(forms) % tokens, [form for form in forms if type(form) is Shared])

    @classmethod
    def whole(cls, raw: bytes) -> Self:
        """A mail that shares nothing."""
        return cls(raw.replace(b"%", b"%%"))

    def behind(self, head: bytes) -> "Writing":
        """The same below `head`, which is this mail's own."""
        return Writing(head.replace(b"%", b"%%") + self.recipe, self.shares)

    @property
    def raw(self) -> bytes:
        """The bytes that leave."""
        return put_together(self.recipe, {piece.key: piece.words for piece in self.shares})


def keys_in(recipe: bytes) -> list[bytes]:
    """The keys of what is shared in the mail that a recipe is of."""
    return _PLACE.findall(recipe)


def put_together(recipe: bytes, words: Mapping[bytes, bytes]) -> bytes:
    """The mail that a recipe is of, given the words of what is shared by their keys.

    Raises `KeyError` when some are missing.
    """
    return recipe % words
