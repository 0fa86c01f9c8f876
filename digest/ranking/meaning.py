"""A space in which papers about the same thing lie near each other, learnt from which words occur together.

Latent semantic analysis (Deerwester et al., 1990): a truncated SVD of the papers' word weights. A corpus of some thousand
papers knows little of words it seldom says, so a model of language that has read more may stand beside it: one space of
both, of which everything else that asks for meaning knows nothing.
"""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from itertools import pairwise
from math import sqrt
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from sklearn.utils.extmath import randomized_svd
from threadpoolctl import ThreadpoolController  # type: ignore[import-untyped]

from digest.model import Paper
from digest.ranking.shelf import Shelf, Vector
from digest.ranking.text import LONGEST_TEXT

Matrix = NDArray[np.float64]

# The matrices here are small: a second thread costs more in waiting than it calculates, the more so on a busy machine
# (measured: eight seconds for half a second of work), and the bits of an SVD depend on the number of threads.
_threads = ThreadpoolController()


def one_thread() -> AbstractContextManager[object]:
    """Keeps BLAS to one thread for a while."""
    limit: AbstractContextManager[object] = _threads.limit(limits=1, user_api="blas")
    return limit


# Coordinates are multiples of this. Products of two such numbers, and sums of some hundreds of them, are exact in
# double precision, so that a result does not depend on the order in which a BLAS adds, or on how many rows it is given.
_STEP = 2.0**-20
# Below this share of the strongest axis there is only the noise of the arithmetic.
_NO_AXIS = 1e-6
# What a model of language learnt elsewhere says of how near papers are, beside what the words of the corpus say.
_SENTENCES = 0.4
# What a keyword itself says of where its subject lies, beside its best papers, where such a model knows its words.
_OWN_WORDS = 0.5


def unit_rows(rows: Matrix) -> Matrix:
    """Rows of length 1 (or 0), rounded so that all products between them are exact."""
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    scaled = np.divide(rows, lengths, out=np.zeros_like(rows), where=lengths > 0)
    return np.asarray(np.round(scaled / _STEP) * _STEP)


def unit_terms(weights: sparse.csr_array, idf: Vector) -> sparse.csr_array:
    """Term weights times idf, each row of length 1 (or 0): their product is a cosine."""
    values = weights.data * idf[weights.indices]
    scaled = sparse.csr_array((values, weights.indices.copy(), weights.indptr.copy()), shape=weights.shape)
    scaled.eliminate_zeros()
    squares = np.asarray(scaled.multiply(scaled).sum(axis=1), dtype=float).ravel()
    lengths = np.sqrt(np.where(squares > 0, squares, 1.0))
    scaled.data = scaled.data / np.repeat(lengths, np.diff(scaled.indptr))
    return scaled


def likeness(terms: sparse.csr_array, places: Matrix) -> Matrix:
    """How alike papers are in words and meaning (papers x papers), 0 .. 1, given both as rows of length 1."""
    common = np.asarray((terms @ terms.T).toarray())
    return np.minimum((common + np.maximum(places @ places.T, 0.0)) / 2, 1.0)


class Encoder(Protocol):
    """A model of language. Each row depends on its text alone, bit by bit."""

    def __call__(self, texts: Sequence[str]) -> Matrix:
        """Where the texts lie (texts x dimensions), in any length; 0 for a text that says nothing."""
        ...


class Sentences:
    """Where texts lie, seen from the middle of one corpus. Its own papers are looked at once."""

    def __init__(self, encoder: Encoder, papers: Sequence[Paper]) -> None:
        self._encoder = encoder
        vectors = unit_rows(encoder([_text(paper) for paper in papers]))
        # What all papers of a corpus have in common would make everything look near.
        self._middle = vectors.sum(axis=0) / max(len(vectors), 1)
        self._known = dict(zip(map(_key, papers), self._seen(vectors), strict=True))

    def of_papers(self, papers: Sequence[Paper]) -> Matrix:
        """Papers x dimensions, as rows of length 1 (or 0)."""
        new = {_key(paper): _text(paper) for paper in papers if _key(paper) not in self._known}
        known = self._known
        if new:
            known = {**known, **dict(zip(new, self.of_texts(list(new.values())), strict=True))}
        return np.array([known[_key(paper)] for paper in papers]).reshape(len(papers), len(self._middle))

    def of_texts(self, texts: Sequence[str]) -> Matrix:
        """Texts x dimensions, as rows of length 1 (or 0)."""
        return self._seen(unit_rows(self._encoder(texts)))

    def _seen(self, vectors: Matrix) -> Matrix:
        says_something = vectors.any(axis=1, keepdims=True)
        return unit_rows(np.where(says_something, vectors - self._middle, 0.0))


def _key(paper: Paper) -> tuple[str, str]:
    return paper.title, paper.abstract or ""


def _text(paper: Paper) -> str:
    return ". ".join(_key(paper))[:LONGEST_TEXT]


class Meaning:
    """The space, fitted to the papers of one shelf.

    Only words said by at least two papers have a place in it; pairs would make it slower and no better.
    """

    def __init__(
        self, shelf: Shelf, *, dimensions: int, seed: int, sentences: Sentences | None = None
    ) -> None:
        self._sentences = sentences
        commonness = np.bincount(shelf.weights.indices, minlength=len(shelf.columns))
        self._columns = np.array(
            [
                column
                for term, column in shelf.columns.items()
                if commonness[column] > 1 and term in shelf.words
            ],
            dtype=np.int64,
        )
        self._idf = shelf.idf[self._columns]
        table = unit_terms(shelf.weights, shelf.idf)[:, self._columns]
        rank = min(dimensions, min(table.shape) - 1)
        self._axes = np.zeros((0, len(self._columns)))
        if rank > 0 and table.nnz:
            _, strengths, axes = randomized_svd(table, rank, n_iter=4, random_state=seed)
            # The first axis only says how much a paper is like all others, and would make everything look near.
            self._axes = axes[strengths > _NO_AXIS * strengths[0]][1:]
        self.corpus = self.coordinates(shelf.papers, shelf.weights)

    def coordinates(self, papers: Sequence[Paper], weights: sparse.csr_array) -> Matrix:
        """Where papers of these weights lie (papers x dimensions), as rows of length 1; 0 for one of unknown words."""
        words = self._by_words(weights)
        if self._sentences is None:
            return words
        said = self._sentences.of_papers(papers)
        return unit_rows(np.hstack([sqrt(1 - _SENTENCES) * words, sqrt(_SENTENCES) * said]))

    def _by_words(self, weights: sparse.csr_array) -> Matrix:
        if not len(self._axes):
            return np.zeros((weights.shape[0], 0))
        telling = weights[:, self._columns] @ sparse.diags_array(self._idf)
        return unit_rows(np.asarray(telling @ self._axes.T))

    def sample(self, most: int) -> Matrix:
        """Where at most so many papers of the corpus lie, evenly spread over their ids."""
        return self.corpus[evenly(len(self.corpus), most)]

    def directions(self, weights: sparse.csr_array, texts: Sequence[str]) -> Matrix:
        """For each row of weights over the corpus, the direction of those papers' middle (rows x dimensions).

        `texts` says what each row is looked for by.
        """
        towards = unit_rows(np.asarray(weights @ self.corpus))
        if self._sentences is None:
            return towards
        own = self._sentences.of_texts(texts)
        towards[:, towards.shape[1] - own.shape[1] :] += _OWN_WORDS * sqrt(_SENTENCES) * own
        return unit_rows(towards)


def evenly(count: int, most: int) -> NDArray[np.int64]:
    """At most `most` places out of `count`, evenly spread."""
    return np.unique(np.linspace(0, count - 1, min(most, count)).astype(np.int64))


def strongest(matrix: sparse.csr_array, count: int) -> sparse.csr_array:
    """The matrix with only the `count` highest entries of each row left."""
    keep: list[NDArray[np.intp]] = []
    for start, end in pairwise(matrix.indptr.tolist()):
        if end - start > count:
            keep.append(start + np.sort(np.argpartition(-matrix.data[start:end], count - 1)[:count]))
        else:
            keep.append(np.arange(start, end))
    chosen = np.concatenate(keep) if keep else np.zeros(0, dtype=np.intp)
    indptr = np.cumsum([0, *(len(places) for places in keep)])
    return sparse.csr_array((matrix.data[chosen], matrix.indices[chosen], indptr), shape=matrix.shape)


def row_maxima(matrix: sparse.csr_array) -> Vector:
    """The highest entry of each row, 0 for an empty one and for one of negative entries alone."""
    found = np.zeros(matrix.shape[0])
    is_filled = np.diff(matrix.indptr) > 0
    if matrix.nnz:
        found[is_filled] = np.maximum.reduceat(matrix.data, matrix.indptr[:-1][is_filled])
    return np.maximum(found, 0.0)
