"""Keywords as readers type them, matched against papers: words, phrases and `prefix*`."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from digest.model import Paper
from digest.ranking.shelf import Shelf
from digest.ranking.text import STOP_WORDS, singular, stem, surfaces


@dataclass(frozen=True, slots=True, order=True)
class Keyword:
    """A keyword taken apart. `typed` is what the reader wrote and what a reason shows."""

    typed: str
    words: tuple[str, ...]  # folded, stop words dropped unless there is nothing else
    is_prefix: bool = False  # the last word stands for all words that begin so


def parse_keyword(typed: str) -> Keyword:
    """Take a keyword apart; one without any word matches nothing."""
    text = typed.strip()
    found = surfaces(text)
    words = [word for word in found if word not in STOP_WORDS] or found
    return Keyword(typed, tuple(words), is_prefix=text.endswith("*") and bool(words))


@dataclass(frozen=True)
class Matches:
    """How far papers meet keywords."""

    values: sparse.csr_array  # keywords x papers
    complete: sparse.csr_array  # keywords x papers: 1 where the paper says all words of the keyword
    ideals: NDArray[np.float64]  # a keyword: the value of a paper that says nothing else


@dataclass(frozen=True, slots=True)
class _Part:
    """One word or one adjacent pair of a keyword: any of its terms will do."""

    terms: tuple[str, ...]
    weight: float
    stands_for: tuple[int, ...]  # the words of the keyword that a paper has said when it says this


class KeywordMatcher:
    """Matches keywords against the papers of one shelf.

    A keyword has one vote, shared by its words; words that stand side by side as in the keyword add to it, so that a
    phrase counts for more than its words apart.
    """

    def __init__(self, shelf: Shelf, *, pair_weight: float) -> None:
        self.shelf = shelf
        self.pair_weight = pair_weight

    def match(self, keywords: Sequence[Keyword]) -> Matches:
        """Every keyword against every paper: sparse products, no loop over papers."""
        parts = [self._parts(keyword) for keyword in keywords]
        votes = self._matrix([self._votes(of_keyword) for of_keyword in parts])
        return Matches(
            values=sparse.csr_array(votes @ self.shelf.weights.T),
            complete=self._complete(parts, [len(keyword.words) for keyword in keywords]),
            ideals=np.array(
                [sum(part.weight * self._rarity(part) for part in of_keyword) for of_keyword in parts]
            ),
        )

    def _parts(self, keyword: Keyword) -> list[_Part]:
        words = keyword.words
        alternatives: list[tuple[str, ...]] = [(stem(word),) for word in words]
        if keyword.is_prefix:
            alternatives[-1] = tuple(self.shelf.stems_beginning(words[-1]))
        share = 1 / max(len(words), 1)
        parts = [_Part(terms, share, (place,)) for place, terms in enumerate(alternatives)]
        for place, (first, _) in enumerate(pairwise(words)):
            pair = tuple(singular(first) + second for second in alternatives[place + 1])
            parts.append(_Part(pair, share * self.pair_weight, (place, place + 1)))
        return parts

    def _columns(self, part: _Part) -> list[int]:
        return [self.shelf.columns[term] for term in part.terms if term in self.shelf.columns]

    def _rarity(self, part: _Part) -> float:
        # Several spellings are together at least as common as the most common of them.
        return min((float(self.shelf.idf[column]) for column in self._columns(part)), default=0.0)

    def _votes(self, parts: Iterable[_Part]) -> dict[int, float]:
        votes: dict[int, float] = {}
        for part in parts:
            vote = part.weight * self._rarity(part)
            for column in self._columns(part):
                votes[column] = votes.get(column, 0.0) + vote
        return votes

    def _complete(self, parts: list[list[_Part]], lengths: list[int]) -> sparse.csr_array:
        """Which papers say every word of a keyword, near each other or apart."""
        presence = sparse.csr_array(self.shelf.weights.T > 0).astype(np.float64)
        slots = [
            {column: 1.0 for part in of_keyword if place in part.stands_for for column in self._columns(part)}
            for of_keyword, length in zip(parts, lengths, strict=True)
            for place in range(length)
        ]
        said = sparse.csr_array(self._matrix(slots) @ presence)
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


class MuteList:
    """Says which papers a reader never wants to see.

    Matched on words as written, plural or singular, never on stems: a hard rule must not catch "organ" with
    "organization". "fine-tuning", "fine tuning" and "finetuning" are the same.
    """

    def __init__(self, papers: Sequence[Paper]) -> None:
        self._words = [_plain(f"{paper.title} | {paper.abstract or ''}") for paper in papers]
        self._texts = [f" {' '.join(words)} " for words in self._words]
        self._known: dict[str, NDArray[np.bool_]] = {}

    def muted(self, keywords: Iterable[str]) -> NDArray[np.bool_]:
        """One flag a paper: does any of these keywords, phrases or `prefix*` occur in it?"""
        flags = np.zeros(len(self._texts), dtype=bool)
        for typed in keywords:
            if typed not in self._known:
                self._known[typed] = np.array(
                    [self._occurs(typed, place) for place in range(len(flags))], dtype=bool
                )
            flags |= self._known[typed]
        return flags

    def _occurs(self, typed: str, place: int) -> bool:
        wanted = surfaces(typed)
        if not wanted:
            return False
        text = self._texts[place]
        if typed.strip().endswith("*"):
            return f" {' '.join([*(singular(word) for word in wanted[:-1]), wanted[-1]])}" in text
        phrase = " ".join(singular(word) for word in wanted)
        if f" {phrase} " in text:
            return True
        run = phrase.replace(" ", "")
        words = self._words[place]
        return f" {run} " in text or any(a + b == run for a, b in pairwise(words))


def _plain(text: str) -> list[str]:
    return [singular(word) for word in surfaces(text)]
