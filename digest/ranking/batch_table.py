"""Distinct keywords x papers, worked out once and shared by all readers who typed them."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy import sparse

from digest.ranking.batch_best import Places
from digest.ranking.keywords import Keyword, parse_keyword
from digest.ranking.related import COMPLETE, Assessment, Guide
from digest.ranking.shelf import Vector

# Numbers before a table begins anew, a few bytes each: about 100 MB, and twice that while it is copied. Keywords that
# many readers share are soon there again; without an end, a worker would grow with its readers.
MOST_NUMBERS = 5_000_000

# For keywords: the values of papers that say nothing else, what they find among the papers, and where they point to.
Assess = Callable[[Sequence[Keyword]], tuple[Vector, Assessment, Guide]]


@dataclass(frozen=True)
class Rows:
    """Keywords x papers. No row depends on the others."""

    keywords: tuple[Keyword, ...]
    place: Mapping[str, int]  # a keyword as typed -> its row
    ideals: Vector  # a keyword: the value of a paper that says nothing else
    found: Assessment
    guide: Guide

    def entries(self, rows: Places) -> tuple[Places, Places]:
        """The entries of these rows, one row after the other, and for each of them which of `rows` it is of."""
        starts, sizes = self.found.values.indptr[rows], np.diff(self.found.values.indptr)[rows]
        owners = np.repeat(np.arange(len(rows)), sizes)
        return np.arange(len(owners)) + (starts - np.cumsum(sizes) + sizes)[owners], owners

    def worth(self, entries: Places, weights: Vector) -> Vector:
        """What entries bring with these weights: a negative one takes away complete matches alone."""
        found = self.found
        return np.asarray(np.where(weights > 0, found.values.data[entries], found.said[entries]) * weights)

    @property
    def size(self) -> int:
        """How many numbers these are: one for each entry, and those of the direction of each keyword."""
        return int(self.found.values.nnz) + self.guide.directions.size

    @cached_property
    def partly(self) -> sparse.csr_array:
        """Matches that are not complete alone."""
        values = self.found.values
        worth = np.where(self.found.kinds == COMPLETE, 0.0, values.data)
        return sparse.csr_array((worth, values.indices, values.indptr), shape=values.shape)

    @property
    def said(self) -> sparse.csr_array:
        """Complete matches alone, without nearness."""
        values = self.found.values
        return sparse.csr_array((self.found.said, values.indices, values.indptr), shape=values.shape)


class KeywordTable:
    """Grows by the keywords asked for, and begins anew after `most_numbers`. Rows given out before stay as they are.

    It grows by copying: whoever asks for a few keywords at a time, again and again, keeps it small.
    """

    def __init__(self, assess: Assess, most_numbers: int = MOST_NUMBERS) -> None:
        self._assess = assess
        self._most_numbers = most_numbers
        self._empty = Rows((), {}, *assess([]))
        self._rows = self._empty

    def learn(self, typed: Iterable[str]) -> Rows:
        """Rows with at least these keywords among them."""
        wanted = set(typed)
        if wanted <= self._rows.place.keys():
            return self._rows
        known = self._rows if self._rows.size < self._most_numbers else self._empty
        new = [parse_keyword(word) for word in sorted(wanted - known.place.keys())]
        ideals, found, guide = self._assess(new)
        places = {keyword.typed: len(known.keywords) + number for number, keyword in enumerate(new)}
        self._rows = Rows(
            (*known.keywords, *new),
            {**known.place, **places},
            np.concatenate([known.ideals, ideals]),
            known.found.with_rows(found),
            known.guide.with_rows(guide),
        )
        return self._rows
