"""Distinct keywords x papers, worked out once and shared by all readers who typed them."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from threading import Lock
from typing import NamedTuple

import numpy as np
from scipy import sparse

from digest.ranking.batch_best import Places
from digest.ranking.keywords import Keyword, parse_keyword
from digest.ranking.related import COMPLETE, Assessment, Guide
from digest.ranking.shelf import Vector

# Numbers of some 20 bytes that a table remembers. Keywords that many readers share are asked for again and again, and
# stay; without an end, a worker would grow with its readers.
MOST_NUMBERS = 2_000_000
# What a keyword takes beside the papers it finds, in such numbers.
_AROUND = 40

# For keywords: the values of papers that say nothing else, and what they find among the papers.
Assess = Callable[[Sequence[Keyword]], tuple[Vector, Assessment]]
# For keywords: where they point to.
Guides = Callable[[Sequence[Keyword]], Guide]


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

    @cached_property
    def partly(self) -> sparse.csr_array:
        """Matches that are not complete alone."""
        values = self.found.values
        worth = np.where(self.found.kinds == COMPLETE, 0.0, values.data)
        return sparse.csr_array((worth, values.indices, values.indptr), shape=values.shape)

    @cached_property
    def own(self) -> sparse.csr_array:
        """Matches as `fit` counts them: those that are not complete half."""
        values = self.found.values
        worth = np.where(self.found.kinds == COMPLETE, values.data, values.data / 2)
        return sparse.csr_array((worth, values.indices, values.indptr), shape=values.shape)

    @property
    def said(self) -> sparse.csr_array:
        """Complete matches alone, without nearness."""
        values = self.found.values
        return sparse.csr_array((self.found.said, values.indices, values.indptr), shape=values.shape)


_FIELDS = {"place": np.int32, "value": np.float64, "said": np.float64, "kind": np.int8}
_ENTRY = np.dtype(list(_FIELDS.items()))


class _Row(NamedTuple):
    """What one keyword finds: see `Assessment`."""

    ideal: float
    entries: bytes  # of `_ENTRY`, one a paper it meets: there are many short ones, and an array takes 112 bytes to itself


class KeywordTable:
    """Remembers what keywords find among so many papers: those that were asked for last, `most_numbers` in all.

    Any number of threads may ask.
    """

    def __init__(self, papers: int, assess: Assess, guides: Guides, most_numbers: int = MOST_NUMBERS) -> None:
        self._papers = papers
        self._assess = assess
        self._guides = guides
        self._most_numbers = most_numbers
        self._known: dict[str, _Row] = {}  # the one that was asked for last stands at the end
        self._numbers = 0
        self._turn = Lock()

    def __len__(self) -> int:
        return len(self._known)

    def learn(self, typed: Iterable[str]) -> Rows:
        """The rows of these keywords, in the order of their letters."""
        keywords = [parse_keyword(word) for word in sorted(set(typed))]
        known, names = self._known, [keyword.typed for keyword in keywords]
        found = {name: row for name in names if (row := known.get(name))}
        new = [keyword for keyword in keywords if keyword.typed not in found]
        if new:
            found.update(zip((keyword.typed for keyword in new), self._look_up(new), strict=True))
        self._remember(found)
        rows = [found[name] for name in names]
        ideals = np.array([row.ideal for row in rows])
        place = {name: place for place, name in enumerate(names)}
        guide = self._guides(keywords).at_best(ideals)
        return Rows(tuple(keywords), place, ideals, self._stacked(rows), guide)

    def _look_up(self, keywords: Sequence[Keyword]) -> Iterator[_Row]:
        ideals, found = self._assess(keywords)
        entries = np.empty(found.values.nnz, dtype=_ENTRY)
        entries["place"], entries["value"] = found.values.indices, found.values.data
        entries["said"], entries["kind"] = found.said, found.kinds
        ends = pairwise((found.values.indptr * _ENTRY.itemsize).tolist())
        for ideal, (start, end) in zip(ideals.tolist(), ends, strict=True):
            yield _Row(ideal, entries.data.cast("B")[start:end].tobytes())

    def _remember(self, rows: Mapping[str, _Row]) -> None:
        with self._turn:
            for typed, row in rows.items():
                if self._known.pop(typed, None) is None:
                    self._numbers += _numbers(row)
                self._known[typed] = row
            while self._numbers > self._most_numbers:
                oldest = next(iter(self._known))
                self._numbers -= _numbers(self._known.pop(oldest))

    def _stacked(self, rows: Sequence[_Row]) -> Assessment:
        indptr = np.cumsum([0, *(len(row.entries) for row in rows)], dtype=np.int64) // _ENTRY.itemsize
        entries = np.frombuffer(b"".join([row.entries for row in rows]), dtype=_ENTRY)
        places, values, said, kinds = (np.ascontiguousarray(entries[name]) for name in _FIELDS)
        shape = len(rows), self._papers
        found = sparse.csr_array((values, places, indptr.astype(np.int32)), shape=shape)
        return Assessment(found, said, kinds)


def _numbers(row: _Row) -> int:
    return _AROUND + len(row.entries) // _ENTRY.itemsize
