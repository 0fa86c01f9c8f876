"""A mail as it is put together: words that many mails share, words of its own, and its reader's tokens.

All words are *forms*: bytes in which a per cent sign is doubled, and `%(a)b` is the place of the token "a". What is shared
is kept once, so a mail is stored as a recipe, of less than half its size; put together again it is the same bytes.
"""

import re
from base64 import urlsafe_b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
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

    def __missing__(self, name: bytes) -> bytes:
        if len(name) < 2:
            raise KeyError(name)
        token, end = self[name[:1]], int(name[1:])
        self[name] = broken = token[:end] + b"=\r\n" + token[end:]
        return broken


_LETTERS = [bytes([letter]) for letter in b"abcdefghijklmnopqrstuvwxyz"]


@dataclass(frozen=True, slots=True)
class Writing:
    """The bytes of a mail, as the forms that make them one after the other, and its tokens."""

    forms: Sequence[bytes]
    tokens: Tokens = field(default_factory=Tokens)

    @classmethod
    def of(cls, whole: bytes) -> Self:
        """A mail that shares nothing."""
        return cls([literal(whole)])

    def whole(self) -> bytes:
        """The mail."""
        return b"".join(self.forms) % self.tokens

    def recipe(self) -> bytes:
        """What is this mail's own, as a form with places for what is shared: see `put_together`."""
        return (
            b"".join(
                [form.place if type(form) is Shared else form.replace(b"%%", b"%%%%") for form in self.forms]
            )
            % self.tokens
        )

    def shares(self) -> list[Shared]:
        """What is shared."""
        return [form for form in self.forms if type(form) is Shared]


def keys_in(recipe: bytes) -> list[bytes]:
    """The keys of what is shared in the mail that `Writing.recipe` is of."""
    return _PLACE.findall(recipe)


def put_together(recipe: bytes, words: Mapping[bytes, bytes]) -> bytes:
    """The mail that `Writing.recipe` is of, given the words of what is shared by their keys.

    Raises `KeyError` when some are missing.
    """
    return recipe % words
