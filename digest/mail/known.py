"""Memories with an end, for what one mail has in common with the next."""

from collections.abc import Callable, Hashable
from itertools import islice
from typing import TypeVar

Key = TypeVar("Key", bound=Hashable)
Made = TypeVar("Made")


class Limited(dict[Key, Made]):
    """What `keep` was given, at most `limit` of them: then the older half is forgotten."""

    def __init__(self, limit: int) -> None:
        self._limit = limit

    def keep(self, key: Key, made: Made) -> None:
        """Remember what was made of `key`."""
        if len(self) >= self._limit and key not in self:
            for old in list(islice(self, (self._limit + 1) // 2)):
                self.pop(old, None)  # another thread may have been here
        if self._limit:
            self[key] = made


class Known(Limited[Key, Made]):
    """What `make` made of each key that was asked for, at most `limit` of them."""

    def __init__(self, make: Callable[[Key], Made], limit: int) -> None:
        super().__init__(limit)
        self._make = make

    def __missing__(self, key: Key) -> Made:
        made = self._make(key)
        self.keep(key, made)
        return made
