"""Papers as rows of term weights: what the corpus teaches about words, and papers made ready to be matched."""

from array import array
from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence, Sized
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from digest.model import Paper
from digest.ranking.text import STOP_WORDS, singular, stem, surfaces

Vector = NDArray[np.float64]
USUAL_LENGTH = 200.0  # terms of a paper, where the corpus cannot say


@dataclass(frozen=True, slots=True)
class Saturation:
    """How often a word is said, turned into how much it counts: BM25's k1 and b (Robertson and Zaragoza, 2009)."""

    k1: float
    b: float
    title_weight: int  # a word of the title counts as so many of the abstract

    def __call__(self, counts: sparse.csr_array, mean_length: float) -> sparse.csr_array:
        """Weights in 0 .. 1 for counts (papers x terms); 1 is the limit for a word said without end."""
        lengths = np.asarray(counts.sum(axis=1), dtype=float).ravel()
        slack = self.k1 * (1 - self.b + self.b * lengths / max(mean_length, 1.0))
        tf = counts.data.astype(float)
        weights = tf / (tf + np.repeat(slack, np.diff(counts.indptr)))
        return sparse.csr_array((weights, counts.indices, counts.indptr), shape=counts.shape)


@dataclass(frozen=True)
class Shelf:
    """Papers in a fixed order, with their term weights."""

    papers: tuple[Paper, ...]
    columns: Mapping[str, int]  # term -> column of `weights` and place in `idf`
    idf: Vector
    weights: sparse.csr_array  # papers x terms, 0 .. 1
    spellings: tuple[str, ...]  # every word as it was written, sorted: what `prefix*` is looked up in
    words: Mapping[str, str]  # term of one word -> its most frequent spelling
    pairs: Mapping[str, str]  # term of two adjacent words -> the two words as written

    @cached_property
    def shared(self) -> Vector:
        """The idf of terms that at least two papers say, 0 for the others: only those make papers alike."""
        common = np.bincount(self.weights.indices, minlength=len(self.columns)) > 1
        return np.where(common, self.idf, 0.0)

    def stems_beginning(self, prefix: str) -> list[str]:
        """The stems of all words that begin so, in alphabetical order."""
        found = set()
        for spelling in self.spellings[bisect_left(self.spellings, prefix) :]:
            if not spelling.startswith(prefix):
                break
            found.add(stem(spelling))
        return sorted(found)


def in_order(papers: Iterable[Paper]) -> list[Paper]:
    """Papers sorted by id, and those of one id by their text, so that the order of the input never matters."""
    return sorted(papers, key=lambda paper: (paper.id, paper.title, paper.abstract or ""))


class Lexicon:
    """Remembers how terms are written while papers are read."""

    def __init__(self, title_weight: int = 1) -> None:
        self.title_weight = title_weight
        self.spellings: Counter[str] = Counter()
        self.pairs: dict[str, str] = {}

    def terms(self, paper: Paper) -> list[str]:
        """The terms of a paper; those of the title as often as a title counts."""
        found: list[str] = []
        for text, times in ((paper.title, self.title_weight), (paper.abstract or "", 1)):
            words = surfaces(text)
            self.spellings.update(words)
            stems = [None if word in STOP_WORDS else stem(word) for word in words]
            in_field = [term for term in stems if term is not None]
            for first, second, before, after in zip(words, words[1:], stems, stems[1:], strict=False):
                if before is not None and after is not None:
                    pair = singular(first) + after  # as in text.joined
                    in_field.append(pair)
                    if pair not in self.pairs:
                        self.pairs[pair] = f"{first} {second}"
            found += in_field * times
        return found

    def words(self) -> dict[str, str]:
        """Term -> its most frequent spelling."""
        by_frequency = sorted(self.spellings.items(), key=lambda item: (item[1], item[0]))
        return {stem(spelling): spelling for spelling, _ in by_frequency}


def count_terms(papers: Sequence[Paper], lexicon: Lexicon) -> tuple[dict[str, int], sparse.csr_array]:
    """The columns of the papers' terms, in the order of their first use, and their counts (papers x terms)."""
    columns: defaultdict[str, int] = defaultdict()
    columns.default_factory = columns.__len__  # a new term gets the next column
    counts = _counted(([columns[term] for term in lexicon.terms(paper)] for paper in papers), columns)
    return dict(columns), counts


def count_known_terms(
    papers: Sequence[Paper], lexicon: Lexicon, columns: Mapping[str, int]
) -> sparse.csr_array:
    """Counts of the terms that have a column; the others are passed over."""
    places = ([columns[term] for term in lexicon.terms(paper) if term in columns] for paper in papers)
    return _counted(places, columns)


def _counted(places: Iterable[list[int]], columns: Sized) -> sparse.csr_array:
    indices = array("q")
    indptr = [0]
    for of_paper in places:
        indices.extend(of_paper)
        indptr.append(len(indices))
    found = np.array(indices, dtype=np.int64)
    counts = sparse.csr_array((np.ones(len(found)), found, indptr), shape=(len(indptr) - 1, len(columns)))
    counts.sum_duplicates()
    return counts


def inverse_frequency(counts: sparse.csr_array, papers: int) -> Vector:
    """How telling each term is: the idf of BM25 as Lucene has it, ln(1 + (N - n + 0.5) / (n + 0.5)), always above 0."""
    df = np.bincount(counts.indices, minlength=counts.shape[1])
    return np.log1p((papers - df + 0.5) / (df + 0.5))


class Library:
    """What one fit learns about words; makes shelves of any papers, known or new."""

    def __init__(self, papers: Sequence[Paper], saturation: Saturation) -> None:
        unique = {paper.id: paper for paper in in_order(papers)}
        lexicon = Lexicon(saturation.title_weight)
        columns, counts = count_terms(list(unique.values()), lexicon)
        lengths = counts.sum(axis=1)
        self.saturation = saturation
        self.mean_length = float(lengths.mean()) if counts.nnz else USUAL_LENGTH
        self.rows = {paper_id: row for row, paper_id in enumerate(unique)}
        self.shelf = Shelf(
            papers=tuple(unique.values()),
            columns=columns,
            idf=inverse_frequency(counts, len(unique)),
            weights=saturation(counts, self.mean_length),
            spellings=tuple(sorted(lexicon.spellings)),
            words=lexicon.words(),
            pairs=lexicon.pairs,
        )

    def shelve(self, papers: Sequence[Paper]) -> Shelf:
        """These papers in this order. A paper that is new, or whose text has changed, brings its own words along."""
        new = [paper for paper in papers if not self._knows(paper)]
        if not new:
            rows = [self.rows[paper.id] for paper in papers]
            return replace(self.shelf, papers=tuple(papers), weights=self.shelf.weights[rows])
        return self._extended(papers, new)

    def weigh(self, papers: Sequence[Paper]) -> sparse.csr_array:
        """The papers' weights for the terms of the corpus alone (papers x terms); other words are passed over."""
        rows = self.find(papers)
        if rows is not None:
            return self.shelf.weights[rows]
        new = [paper for paper in papers if not self._knows(paper)]
        counts = count_known_terms(new, Lexicon(self.saturation.title_weight), self.shelf.columns)
        stacked = sparse.vstack([self.shelf.weights, self.saturation(counts, self.mean_length)], format="csr")
        return stacked[self._order(papers)]

    def find(self, papers: Sequence[Paper]) -> NDArray[np.int64] | None:
        """The rows of these papers in the corpus; None when one of them is new or has changed."""
        if not all(map(self._knows, papers)):
            return None
        return np.array([self.rows[paper.id] for paper in papers], dtype=np.int64)

    def _order(self, papers: Sequence[Paper]) -> list[int]:
        """Rows of the papers, when those that are new stand below those of the corpus in their own order."""
        order, next_new = [], len(self.rows)
        for paper in papers:
            is_known = self._knows(paper)
            order.append(self.rows[paper.id] if is_known else next_new)
            next_new += not is_known
        return order

    def _knows(self, paper: Paper) -> bool:
        row = self.rows.get(paper.id)
        if row is None:
            return False
        known = self.shelf.papers[row]
        return known.title == paper.title and known.abstract == paper.abstract

    def _extended(self, papers: Sequence[Paper], new: Sequence[Paper]) -> Shelf:
        lexicon = Lexicon(self.saturation.title_weight)
        terms_of_new, counts = count_terms(new, lexicon)
        columns = dict(self.shelf.columns)
        for term in terms_of_new:
            columns.setdefault(term, len(columns))
        place = np.array([columns[term] for term in terms_of_new], dtype=int)
        moved = sparse.csr_array(
            (counts.data, place[counts.indices], counts.indptr), shape=(len(new), len(columns))
        )
        moved.sort_indices()
        known = self.shelf.weights.copy()
        known.resize((known.shape[0], len(columns)))
        stacked = sparse.vstack([known, self.saturation(moved, self.mean_length)], format="csr")
        unheard = np.full(len(columns) - len(self.shelf.idf), np.log1p(2 * len(self.rows) + 1))
        return Shelf(
            papers=tuple(papers),
            columns=columns,
            idf=np.concatenate([self.shelf.idf, unheard]),
            weights=stacked[self._order(papers)],
            spellings=tuple(sorted({*lexicon.spellings, *self.shelf.spellings})),
            words={**lexicon.words(), **self.shelf.words},
            pairs={**lexicon.pairs, **self.shelf.pairs},
        )
