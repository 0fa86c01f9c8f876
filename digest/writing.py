"""A mail as it is put together: words that many mails share, words of its own, and its reader's tokens.

All words are *forms*: bytes in which a per cent sign is doubled, and `%(a)b` is the place of the token "a". What is shared
is kept once, so a mail is stored as a recipe, of less than half its size; put together again it is the same bytes.
"""

import re
from base64 import urlsafe_b64encode
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from typing import Self

_WORTH = 256  # bytes; looking after less costs more than it saves
_PLACE = re.compile(rb"%\(([A-Za-z0-9_-]{22})\)b")


class Shared(bytes):
    """A form that says nothing of any one reader, and stands in the mails of many. It has no places."""

    @cached_property
    def key(self) -> bytes:
        """Its name: 128 bits of its SHA-256, which no other words have."""
        return urlsafe_b64encode(sha256(self).digest()[:16])[:22]

    @cached_property
    def place(self) -> bytes:
        """What stands for it in a recipe, as a form."""
        return b"%%%%(%b)b" % self.key

    @cached_property
    def words(self) -> bytes:
        """What it says."""
        return self % ()


def shared(form: bytes) -> bytes:
    """`form` as `Shared`, where that saves room. It must say nothing of any one reader."""
    return Shared(form) if len(form) >= _WORTH and b"%(" not in form.replace(b"%%", b"") else form


def literal(words: bytes) -> bytes:
    """The form of `words` that has places for nothing."""
    return words.replace(b"%", b"%%")


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


def joined(forms: Iterable[bytes], tokens: Tokens) -> bytes:
    """The words of these forms, one after the other."""
    return b"".join(forms) % tokens


@dataclass(frozen=True, slots=True)
class Writing:
    """The bytes of a mail: what is its own, with names in the places of what is shared, and that."""

    recipe: bytes
    shares: Sequence[Shared] = ()

    @classmethod
    def of(cls, forms: Iterable[bytes], tokens: Tokens) -> Self:
        """The mail that `joined` makes of the same."""
        own, shares = [], []
        for form in forms:
            if type(form) is Shared:
                shares.append(form)
                own.append(form.place)
            else:
                own.append(form.replace(b"%%", b"%%%%"))
        return cls(b"".join(own) % tokens, shares)

    @classmethod
    def whole(cls, raw: bytes) -> Self:
        """A mail that shares nothing."""
        return cls(literal(raw))

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
