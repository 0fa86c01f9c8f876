"""Keywords beyond their own words: what the corpus says is near them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice, pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from digest.ranking.keywords import Keyword, KeywordMatcher, Matches
from digest.ranking.meaning import Matrix, Meaning, row_maxima, strongest
from digest.ranking.shelf import Shelf, Vector
from digest.ranking.text import stem

NEAREST_TERMS = 12
NEAR, PARTLY, COMPLETE = range(3)  # how a paper meets a keyword
Near = tuple[str, int]  # a term as papers write it, and its column
# Keywords x papers are looked at so many rows at a time, so that memory does not grow with the number of readers.
_ROWS = 256
_SAMPLE = 1_000
_SPEAKERS = 3
_MOST_REMEMBERED = 20_000
# However many papers of the corpus are about a keyword's subject, what is closer than this cosine belongs to it.
_SURELY_NEAR = 0.5
# What is less than this share of the best match is no reason to read a paper, and none to be given.
_TRIFLE = 0.1


@dataclass(frozen=True, slots=True)
class Reach:
    """How far a keyword reaches beyond its own words."""

    feedback: int  # the best papers of the corpus for a keyword say where its subject lies
    weight: float  # of lying right there, relative to the best match of the corpus
    nearby: float  # share of the corpus that may be called near a keyword
    ceiling: float  # no paper without the whole keyword gets beyond this share of the best match; with it, none below


@dataclass(frozen=True)
class Guide:
    """What the corpus says about keywords."""

    directions: Matrix  # keywords x dimensions
    best: Vector  # the highest value a paper of the corpus reaches, a keyword; 0 for one it never says
    horizon: Vector  # the cosine from which on a paper is near, a keyword

    def at_best(self, ideals: Vector) -> "Guide":
        """The same for keywords some of which only new papers say: those are measured by what they could reach."""
        return replace(self, best=np.where(self.best > 0, self.best, ideals))


class _Entry(NamedTuple):
    """A Guide to one keyword."""

    direction: bytes  # in single precision, exact, for it is a multiple of what that has: see meaning.py
    horizon: float
    best: float
    beside: bytes  # 32-bit columns of the telling terms that several of its best papers say, its own left out


@dataclass(frozen=True)
class Assessment:
    """Keywords x papers, with nearness counted in. `said` and `kinds` hold one number for each entry of `values`."""

    values: sparse.csr_array
    said: Vector  # a complete match alone, without nearness: what a negative weight takes away; else 0
    # COMPLETE: the paper says the whole keyword; PARTLY: some of it, and that counts most; NEAR: it is only near.
    kinds: NDArray[np.int8]

    def with_rows(self, *others: "Assessment") -> "Assessment":
        """These keywords, then those of others."""
        parts = (self, *others)
        return Assessment(
            sparse.vstack([part.values for part in parts], format="csr"),
            np.concatenate([part.said for part in parts]),
            np.concatenate([part.kinds for part in parts]),
        )


class Librarian:
    """Knows where in the corpus each keyword is at home."""

    def __init__(self, corpus: Shelf, meaning: Meaning, matcher: KeywordMatcher, reach: Reach) -> None:
        self.meaning = meaning
        self.reach = reach
        self._matcher = matcher
        self._remembered: dict[str, _Entry] = {}
        self._last: tuple[list[str], Matches] = ([], matcher.match([]))
        self._sample = meaning.sample(_SAMPLE)
        # A term in one paper of twenty says nothing about what is near, and one that few say is nobody's neighbour.
        few = np.bincount(corpus.weights.indices, minlength=len(corpus.columns)) < _SPEAKERS
        self._telling = np.flatnonzero((corpus.shared > np.log(20)) & ~few).astype(np.int32)
        self._rarity = corpus.shared[self._telling]
        self._spoken = sparse.csr_array(corpus.weights[:, self._telling].astype(bool))
        self._names = list(corpus.columns)
        self._wordings = {**corpus.pairs, **corpus.words}

    def guide(self, keywords: Sequence[Keyword]) -> Guide:
        """Look every keyword up, those not looked up before in the corpus."""
        known = self._remembered
        if len(known) + sum(keyword.typed not in known for keyword in keywords) > _MOST_REMEMBERED:
            known = dict(islice(known.items(), len(known) // 2, None))  # the newer half
        unknown = [row for row, keyword in enumerate(keywords) if keyword.typed not in known]
        if unknown:
            new = [keywords[row] for row in unknown]
            found = self._look_up(new, self.match(new).values)
            known.update(zip((keyword.typed for keyword in new), found, strict=True))
        self._remembered = known
        entries = [known[keyword.typed] for keyword in keywords]
        width = self.meaning.corpus.shape[1]
        directions = np.frombuffer(b"".join([entry.direction for entry in entries]), dtype=np.float32)
        return Guide(
            directions=directions.astype(np.float64).reshape(len(entries), width),
            horizon=np.array([entry.horizon for entry in entries]),
            best=np.array([entry.best for entry in entries]),
        )

    def near(self, keyword: Keyword) -> Iterator[Near]:
        """Terms that several of a keyword's best papers say as well, the telling ones first."""
        entry = self._remembered.get(keyword.typed)
        entry = entry or next(self._look_up([keyword], self.match([keyword]).values))
        for column in memoryview(entry.beside).cast("i"):
            yield self._wordings[self._names[column]], column

    def match(self, keywords: Sequence[Keyword]) -> Matches:
        """Keywords against all papers of the corpus. The last answer is kept, for it is asked for again at once."""
        asked = [keyword.typed for keyword in keywords]
        last = self._last
        if last[0] != asked:
            last = self._last = asked, self._matcher.match(keywords)
        return last[1]

    def _look_up(self, keywords: Sequence[Keyword], values: sparse.csr_array) -> Iterator[_Entry]:
        feedback = strongest(values, self.reach.feedback)
        # Squared: where few papers say a keyword, the many that say half of it must not lead away from them.
        feedback.data **= 2
        directions = self.meaning.directions(feedback, [" ".join(keyword.words) for keyword in keywords])
        exact = (row.tobytes() for row in directions.astype(np.float32))
        beside = map(self._others, keywords, self._beside(feedback))
        return map(_Entry, exact, self._horizon(directions), row_maxima(values), beside)

    def _others(self, keyword: Keyword, columns: NDArray[np.int32]) -> bytes:
        """The first of these terms that are not the keyword's own."""
        names, other = self._names, columns.tolist()
        for own in map(stem, keyword.words):
            other = [column for column in other if own not in names[column]]
        return np.array(other[:NEAREST_TERMS], dtype=np.int32).tobytes()

    def _horizon(self, directions: Matrix) -> Vector:
        """The quantile of the sample, as `np.quantile` has it."""
        if not self._sample.size:
            return np.zeros(len(directions))
        place = (1 - self.reach.nearby) * (len(self._sample) - 1)
        low = int(place)
        found = []
        for start in range(0, len(directions), _ROWS):
            cosines = directions[start : start + _ROWS] @ self._sample.T
            cosines.partition(low, axis=1)
            least, above = cosines[:, low], cosines[:, low + (place > low) :].min(axis=1)
            found.append(least + (above - least) * (place - low))
        return np.asarray(np.clip(np.concatenate(found), 0.0, _SURELY_NEAR))

    def _beside(self, feedback: sparse.csr_array) -> Iterator[NDArray[np.int32]]:
        """For each row of papers the columns of terms that several of them say, the telling ones first."""
        for start in range(0, feedback.shape[0], _ROWS):
            papers = feedback[start : start + _ROWS]
            owners = np.repeat(np.arange(papers.shape[0]), np.diff(papers.indptr))
            # Only those that are about the keyword, half as much as the best: squared, a quarter.
            is_about = papers.data >= row_maxima(papers)[owners] / 4
            said = self._spoken[papers.indices[is_about]]
            sizes = np.bincount(owners[is_about], weights=np.diff(said.indptr), minlength=papers.shape[0])
            counts, rows, terms = _often(said.indices, sizes.astype(np.int64), said.shape[1])
            order = np.lexsort((-counts * self._rarity[terms], rows))
            columns = self._telling[terms[order]]
            ends = np.searchsorted(rows, np.arange(len(sizes) + 1))
            for first, end in pairwise(ends.tolist()):
                yield columns[first : min(end, first + 2 * NEAREST_TERMS)]


def assess(matches: Matches, guide: Guide, papers: Matrix, reach: Reach) -> Assessment:
    """Count nearness in. A paper near a keyword never outranks one that says it, whatever else is equal."""
    parts = [
        _assess_rows(matches, guide, papers, reach, slice(start, start + _ROWS))
        for start in range(0, matches.values.shape[0], _ROWS)
    ]
    nothing = sparse.csr_array((0, matches.values.shape[1]))
    return Assessment(nothing, np.zeros(0), np.zeros(0, dtype=np.int8)).with_rows(*parts)


def _assess_rows(matches: Matches, guide: Guide, papers: Matrix, reach: Reach, rows: slice) -> Assessment:
    """One paper of ten or fewer is met by a keyword: only those are looked at."""
    best, horizon = guide.best[rows], guide.horizon[rows]
    cosine = guide.directions[rows] @ papers.T  # exact: see meaning.py
    is_met = (cosine > (horizon + _TRIFLE * np.maximum(1 - horizon, 1e-9))[:, np.newaxis]).ravel()
    said, complete = (_positive(table[rows]) for table in (matches.values, matches.complete))
    is_met[said[0]] = is_met[complete[0]] = True
    # As one row, what is set is found faster than in a table.
    met = np.flatnonzero(is_met)
    owners, places = np.divmod(met, cosine.shape[1])
    best, horizon = best[owners], horizon[owners]
    plain, is_complete = np.zeros(len(met)), np.zeros(len(met), dtype=bool)
    plain[np.searchsorted(met, said[0])] = said[1]
    is_complete[np.searchsorted(met, complete[0])] = True
    closeness = (cosine.ravel()[met] - horizon) / np.maximum(1 - horizon, 1e-9)
    nearness = np.where(closeness > _TRIFLE, reach.weight * best * closeness, 0.0)
    least = reach.ceiling * best
    lifted = np.where(is_complete, np.maximum(plain, least), 0.0)
    values = np.where(is_complete, lifted + nearness, _below(plain + nearness, least))
    keep = (values >= _TRIFLE * best) & (values > 0)
    counts = np.bincount(owners[keep], minlength=len(cosine))
    kinds = np.where(is_complete, COMPLETE, np.where(plain > nearness, PARTLY, NEAR)).astype(np.int8)
    found = (values[keep], places[keep], np.concatenate([[0], np.cumsum(counts)]))
    return Assessment(sparse.csr_array(found, shape=cosine.shape), lifted[keep], kinds[keep])


def _often(
    columns: NDArray[np.int32], sizes: NDArray[np.int64], width: int
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Which columns below `width` stand several times in a row: how often, the row, the column, in their order.

    `columns` holds one row after the other, `sizes` how many are in each. A term that only one of the best papers says is
    its own, not the subject's.
    """
    # Short numbers are sorted fast, and a row filled up with the last of all, which is no column, ends where it must.
    table = np.full((len(sizes), int(sizes.max(initial=0)) + 1), width, dtype=np.min_scalar_type(width))
    table[np.arange(table.shape[1]) < sizes[:, np.newaxis]] = columns
    table.sort(axis=1, kind="stable" if table.itemsize < 4 else None)  # of short numbers by their digits
    flat = table.ravel()
    lasts = np.flatnonzero(np.append(flat[1:] != flat[:-1], True))
    counts = np.diff(lasts, prepend=-1)
    several = np.flatnonzero((counts >= _SPEAKERS) & (flat[lasts] < width))
    lasts = lasts[several]
    return counts[several], lasts // table.shape[1], flat[lasts].astype(np.int64)


def _positive(table: sparse.csr_array) -> tuple[NDArray[np.int64], Vector]:
    """Where the positive entries of a table stand, counted row after row, and their values."""
    owners = np.repeat(np.arange(table.shape[0]), np.diff(table.indptr))
    flat = owners * table.shape[1] + table.indices
    is_positive = table.data > 0
    return flat[is_positive], table.data[is_positive]


def _below(values: Vector, limits: Vector) -> Vector:
    """Values kept under their limits, their order kept: unchanged in the lower half, ever more slowly rising above."""
    half = limits / 2
    over = np.divide(values - half, half, out=np.zeros_like(values), where=half > 0)
    return np.where(over > 0, half - half * np.expm1(-np.maximum(over, 0.0)), values)
