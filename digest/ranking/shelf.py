"""Papers as rows of term weights: what the corpus teaches about words, and papers made ready to be matched."""

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from sklearn.feature_extraction.text import CountVectorizer

from digest.model import Paper
from digest.ranking.text import stem, surfaces, terms

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

    def stems_beginning(self, prefix: str) -> list[str]:
        """The stems of all words that begin so, in alphabetical order."""
        found = set()
        for spelling in self.spellings[bisect_left(self.spellings, prefix) :]:
            if not spelling.startswith(prefix):
                break
            found.add(stem(spelling))
        return sorted(found)


def paper_words(paper: Paper, title_weight: int = 1) -> list[list[str]]:
    """The words of a paper, one list a field; a field that counts double is there twice."""
    title, abstract = surfaces(paper.title), surfaces(paper.abstract or "")
    return [title] * title_weight + [abstract]


def count_terms(
    papers: Sequence[Paper], title_weight: int
) -> tuple[dict[str, int], sparse.csr_array, set[str]]:
    """The terms of the papers by column, their counts (papers x terms), and all spellings."""
    spellings: set[str] = set()

    def analyse(paper: Paper) -> list[str]:
        fields = paper_words(paper, title_weight)
        for words in fields:
            spellings.update(words)
        return [term for words in fields for term in terms(words)]

    vectorizer = CountVectorizer(analyzer=analyse, dtype=np.float64)
    try:
        counts = vectorizer.fit_transform(papers)
    except ValueError:  # scikit-learn's answer to papers without a single word
        return {}, sparse.csr_array((len(papers), 0)), spellings
    columns = {term: column for column, term in enumerate(vectorizer.get_feature_names_out())}
    return columns, sparse.csr_array(counts), spellings


def inverse_frequency(counts: sparse.csr_array, papers: int) -> Vector:
    """How telling each term is: the idf of BM25 as Lucene has it, ln(1 + (N - n + 0.5) / (n + 0.5)), always above 0."""
    df = np.bincount(counts.indices, minlength=counts.shape[1])
    return np.log1p((papers - df + 0.5) / (df + 0.5))


class Library:
    """What one fit learns about words; makes shelves of any papers, known or new."""

    def __init__(self, papers: Sequence[Paper], saturation: Saturation) -> None:
        unique = {paper.id: paper for paper in sorted(papers, key=lambda paper: paper.id)}
        columns, counts, spellings = count_terms(list(unique.values()), saturation.title_weight)
        lengths = counts.sum(axis=1)
        self.saturation = saturation
        self.mean_length = float(lengths.mean()) if counts.nnz else USUAL_LENGTH
        self.rows = {paper_id: row for row, paper_id in enumerate(unique)}
        self.shelf = Shelf(
            papers=tuple(unique.values()),
            columns=columns,
            idf=inverse_frequency(counts, len(unique)),
            weights=saturation(counts, self.mean_length),
            spellings=tuple(sorted(spellings)),
        )

    def shelve(self, papers: Sequence[Paper]) -> Shelf:
        """These papers in this order. A paper that is new, or whose text has changed, brings its own words along."""
        new = [paper for paper in papers if not self._knows(paper)]
        if not new:
            rows = [self.rows[paper.id] for paper in papers]
            return replace(self.shelf, papers=tuple(papers), weights=self.shelf.weights[rows])
        return self._extended(papers, new)

    def _knows(self, paper: Paper) -> bool:
        row = self.rows.get(paper.id)
        if row is None:
            return False
        known = self.shelf.papers[row]
        return known.title == paper.title and known.abstract == paper.abstract

    def _extended(self, papers: Sequence[Paper], new: Sequence[Paper]) -> Shelf:
        terms_of_new, counts, spellings = count_terms(new, self.saturation.title_weight)
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
        order, next_new = [], known.shape[0]
        for paper in papers:
            is_known = self._knows(paper)
            order.append(self.rows[paper.id] if is_known else next_new)
            next_new += not is_known
        stacked = sparse.vstack([known, self.saturation(moved, self.mean_length)], format="csr")
        unheard = np.full(len(columns) - len(self.shelf.idf), np.log1p(2 * len(self.rows) + 1))
        return Shelf(
            papers=tuple(papers),
            columns=columns,
            idf=np.concatenate([self.shelf.idf, unheard]),
            weights=stacked[order],
            spellings=tuple(sorted(spellings.union(self.shelf.spellings))),
        )
