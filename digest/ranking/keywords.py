"""Keywords as readers type them, matched against papers: words, phrases and `prefix*`."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import pairwise
from math import log
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from digest.ranking.shelf import Shelf
from digest.ranking.spelling import Abbreviations
from digest.ranking.text import STOP_WORDS, singular, stem, surfaces

# Words that would meet in more than this share of papers by chance say nothing of each other.
MET_BY_CHANCE = 0.01


@dataclass(frozen=True, slots=True, order=True)
class Keyword:
    """A keyword taken apart. `typed` is what the reader wrote and what a reason shows."""

    typed: str
    words: tuple[str, ...]  # folded, stop words dropped unless there is nothing else
    is_prefix: bool = False  # the last word stands for all words that begin so
    is_phrase: bool = True  # nothing was dropped: the words stand side by side


@lru_cache(maxsize=100_000)
def parse_keyword(typed: str) -> Keyword:
    """Take a keyword apart; one without any word matches nothing."""
    text = typed.strip()
    found = surfaces(text)
    words = [word for word in found if word not in STOP_WORDS] or found
    is_prefix = text.endswith("*") and bool(words)
    return Keyword(typed, tuple(words), is_prefix, is_phrase=len(words) == len(found))


@dataclass(frozen=True)
class Matches:
    """How far papers meet keywords."""

    values: sparse.csr_array  # keywords x papers
    complete: sparse.csr_array  # keywords x papers: 1 where the paper says all words of the keyword
    ideals: NDArray[np.float64]  # a keyword: the value of a paper that says nothing else

    def of_papers(self, places: NDArray[np.int64]) -> "Matches":
        """The same keywords against some of the papers, in this order."""
        return Matches(self.values[:, places], self.complete[:, places], self.ideals)


class _Part(NamedTuple):
    """One word or one adjacent pair of a keyword: any of its terms will do."""

    columns: list[int]
    rarity: float  # several spellings are together at least as common as the most common of them
    vote: float
    stands_for: tuple[int, ...]  # the words of the keyword that a paper has said when it says this

    @property
    def is_loose(self) -> bool:
        """Whether a paper may say it in several ways at once."""
        return len(self.columns) > 1


class KeywordMatcher:
    """Matches keywords against the papers of one shelf.

    A keyword has one vote, shared by its words; words that stand side by side as in the keyword add to it, so that a
    phrase counts for more than its words apart. Of several ways to write a keyword the best found in a paper counts.
    """

    def __init__(self, shelf: Shelf, abbreviations: Abbreviations, *, pair_weight: float) -> None:
        self.shelf = shelf
        self._weights = sparse.csr_array(shelf.weights.T)  # terms x papers, turned once
        self._presence = self._weights.astype(bool).astype(np.float64)
        self.abbreviations = abbreviations
        self.pair_weight = pair_weight

    def match(self, keywords: Sequence[Keyword]) -> Matches:
        """Every keyword against every paper: sparse products, no loop over papers."""
        spelt = [self._spellings(keyword) for keyword in keywords]
        best = self._match([ways[0] for ways in spelt])
        for way in range(1, max(map(len, spelt), default=1)):
            rows = [number for number, ways in enumerate(spelt) if len(ways) > way]
            ways = [spelt[row][way] for row in rows]
            other = self._as_meant(ways, self._match(ways))
            best = _better(best, other, np.array(rows, dtype=np.int64))
        return best

    def _as_meant(self, ways: Sequence[Keyword], matches: Matches) -> Matches:
        """Without papers that say an abbreviation and mean something else by it."""
        complete = matches.complete
        for row, way in enumerate(ways):
            otherwise = self.abbreviations.meant_otherwise(way.words)
            if otherwise:
                found = slice(*complete.indptr[row : row + 2])
                papers = (self.shelf.papers[place] for place in complete.indices[found])
                complete.data[found] *= [paper.id not in otherwise for paper in papers]
        return matches

    def _spellings(self, keyword: Keyword) -> list[Keyword]:
        if keyword.is_prefix:
            return [keyword]
        others = self.abbreviations.others(keyword.words)
        letters = len(keyword.words[0]) if keyword.words else 0
        return [
            keyword,
            # An abbreviation with a letter for each word leaves none out.
            *(replace(keyword, words=words, is_phrase=len(words) in (1, letters)) for words in others),
        ]

    def _match(self, keywords: Sequence[Keyword]) -> Matches:
        parts = [self._parts(keyword) for keyword in keywords]
        return Matches(
            values=self._values(parts),
            complete=self._complete(
                self._whole(keywords, parts), [len(keyword.words) for keyword in keywords]
            ),
            ideals=np.array([sum([part.vote for part in of_keyword]) for of_keyword in parts], dtype=float),
        )

    def _parts(self, keyword: Keyword) -> list[_Part]:
        words = keyword.words
        alternatives: list[tuple[str, ...]] = [(stem(word),) for word in words]
        if keyword.is_prefix:
            alternatives[-1] = tuple(self.shelf.stems_beginning(words[-1]))
        share = 1 / max(len(words), 1)
        parts = [self._part(terms, share, (place,)) for place, terms in enumerate(alternatives)]
        for place, (first, _) in enumerate(pairwise(words)):
            pair = [singular(first) + second for second in alternatives[place + 1]]
            parts.append(self._part(pair, share * self.pair_weight, (place, place + 1)))
        return parts

    def _part(self, terms: Iterable[str], weight: float, stands_for: tuple[int, ...]) -> _Part:
        known = self.shelf.columns
        columns = [known[term] for term in terms if term in known]
        rarity = min(map(self.shelf.idf.item, columns), default=0.0)
        return _Part(columns, rarity, weight * rarity, stands_for)

    def _values(self, parts: Sequence[list[_Part]]) -> sparse.csr_array:
        """What each paper gets (keywords x papers): of words that begin alike its best one, or "a*" would beat all."""
        values = sparse.csr_array(
            self._matrix([self._votes(of_keyword) for of_keyword in parts]) @ self._weights
        )
        loose = [
            (row, part.vote * self._weights[part.columns].max(axis=0).toarray().ravel())
            for row, of_keyword in enumerate(parts)
            for part in of_keyword
            if part.is_loose
        ]
        if not loose:
            return values
        rows, best = zip(*loose, strict=True)
        into = sparse.csr_array((np.ones(len(rows)), (rows, range(len(rows)))), shape=(len(parts), len(rows)))
        return sparse.csr_array(values + into @ sparse.csr_array(np.array(best)))

    def _votes(self, parts: Iterable[_Part]) -> dict[int, float]:
        votes: dict[int, float] = {}
        for part in parts:
            if not part.is_loose:
                for column in part.columns:
                    votes[column] = votes.get(column, 0.0) + part.vote
        return votes

    def _whole(self, keywords: Sequence[Keyword], parts: list[list[_Part]]) -> list[list[_Part]]:
        """The parts that make a keyword whole.

        The words of "world model" stand in a tenth of all papers, most often apart, in a "real-world task" and "our
        model": where words meet so easily, only side by side do they say the keyword.
        """
        whole = []
        for keyword, of_keyword in zip(keywords, parts, strict=True):
            words = [part for part in of_keyword if len(part.stands_for) == 1]
            meets_easily = sum(part.rarity for part in words) < -log(MET_BY_CHANCE)
            is_strict = keyword.is_phrase and len(words) > 1 and meets_easily
            whole.append(
                [part for part in of_keyword if len(part.stands_for) > 1] if is_strict else of_keyword
            )
        return whole

    def _complete(self, parts: list[list[_Part]], lengths: list[int]) -> sparse.csr_array:
        """Which papers say every word of a keyword, near each other or apart."""
        slots = [
            {column: 1.0 for part in of_keyword if place in part.stands_for for column in part.columns}
            for of_keyword, length in zip(parts, lengths, strict=True)
            for place in range(length)
        ]
        said = sparse.csr_array(self._matrix(slots) @ self._presence)
        said.data = np.minimum(said.data, 1.0)
        owner = np.repeat(np.arange(len(parts)), lengths)
        adding = sparse.csr_array(
            (np.ones(len(owner)), (owner, np.arange(len(owner)))), shape=(len(parts), len(owner))
        )
        counts = sparse.csr_array(adding @ said)
        counts.data = (counts.data >= np.repeat(lengths, np.diff(counts.indptr))).astype(np.float64)
        counts.eliminate_zeros()
        return counts

    def _matrix(self, rows: Sequence[dict[int, float]]) -> sparse.csr_array:
        """Rows of column -> value as a matrix with sorted columns, so that sums are always taken in the same order."""
        indptr = np.cumsum([0, *(len(row) for row in rows)])
        indices = np.fromiter((column for row in rows for column in sorted(row)), dtype=np.int64)
        values = np.fromiter((row[column] for row in rows for column in sorted(row)), dtype=np.float64)
        return sparse.csr_array((values, indices, indptr), shape=(len(rows), len(self.shelf.columns)))


def _better(one: Matches, other: Matches, rows: NDArray[np.int64]) -> Matches:
    """Of each keyword the better spelling a paper; `other` holds those of `rows` only.

    A spelling nobody uses is rare, not precious: each counts for no more than the most common one.
    """
    ideals = one.ideals.copy()
    said = other.values.multiply(other.complete)  # half of an expansion is not a match of what was typed
    known = np.where(ideals[rows] > 0, ideals[rows], np.inf)
    ideals[rows] = np.minimum(known, np.where(other.ideals > 0, other.ideals, known))
    ideals[~np.isfinite(ideals)] = 0.0
    scale = np.divide(ideals, one.ideals, out=np.zeros_like(ideals), where=one.ideals > 0)
    other_scale = np.divide(ideals[rows], other.ideals, out=np.zeros(len(rows)), where=other.ideals > 0)
    into = sparse.csr_array((other_scale, (rows, np.arange(len(rows)))), shape=(len(ideals), len(rows)))
    values = sparse.csr_array(sparse.diags_array(scale) @ one.values).maximum(into @ said)
    spread = sparse.csr_array((np.ones(len(rows)), (rows, np.arange(len(rows)))), shape=into.shape)
    complete = one.complete.maximum(spread @ other.complete)
    return Matches(sparse.csr_array(values), sparse.csr_array(complete), ideals)
