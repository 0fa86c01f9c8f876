"""What a reader's votes say about papers they have not seen."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Self

import numpy as np
from scipy import sparse
from sklearn.utils.extmath import safe_sparse_dot

from digest.model import Paper
from digest.ranking.meaning import Matrix, Meaning, evenly, unit_terms
from digest.ranking.shelf import Library, Vector, in_order

# A vote counts half after so many days: tastes change, but slowly.
HALF_LIFE_DAYS = 180.0
# How alike papers of a corpus usually are is measured on a sample of it.
SAMPLE = 1_000
_BEST_OF_SAMPLE = 5
# Papers voted for, of which it is kept how like them others are: many readers vote for the same.
_MOST_REMEMBERED = 4_000
_ROWS = (
    64  # papers voted for x others are looked at so many rows at a time: they fit into a processor's cache
)
_LEAST_SPREAD = 0.05
# A likeness below this is no reason to read a paper, and none to be given.
_TRIFLE = 0.1


@dataclass(frozen=True, slots=True)
class Vote:
    """A paper the reader has judged, or has named as a seed."""

    paper: Paper
    voted_at: datetime | None = None  # aware; None for one that does not fade
    weight: float = 1.0  # above 0


@dataclass(frozen=True, slots=True)
class Taste:
    """All votes of one reader."""

    liked: tuple[Vote, ...] = ()
    disliked: tuple[Vote, ...] = ()

    @classmethod
    def of(cls, liked: Iterable[Paper] = (), disliked: Iterable[Paper] = ()) -> Self:
        """Votes that do not fade: seed papers, or votes all just given."""
        return cls(tuple(map(Vote, liked)), tuple(map(Vote, disliked)))


@dataclass(frozen=True, slots=True)
class Likeness:
    """How much papers are like those the reader has voted for, on the scale of a perfect keyword match."""

    liked: Vector  # a paper: 0 for an ordinary one, about 1 for the most alike of the corpus
    disliked: Vector  # how much more it is like disliked papers than like liked ones
    alike: tuple[Vector, Vector]  # a paper: how many liked (disliked) papers it resembles
    strength: float  # votes, faded
    against: float  # those against, faded


@dataclass(frozen=True, slots=True)
class TasteWeights:
    """How likeness is made up."""

    lexical: float = 0.5  # share of common words; the rest is nearness of meaning
    nearest: float = 0.3  # share of the three most alike votes; the rest is the mean of all
    dislike: float = 1.5  # what a disliked paper takes away, relative to what a liked one adds


class TasteReader:
    """Measures candidates against votes, with a sample of the corpus to say how alike papers are anyway."""

    def __init__(
        self, library: Library, meaning: Meaning, candidates: Sequence[Paper], weights: TasteWeights
    ) -> None:
        self._library = library
        self._meaning = meaning
        self._weights = weights
        self._count = len(candidates)
        known = library.shelf.papers
        sample = [known[place] for place in evenly(len(known), SAMPLE)]
        self._sample = {paper.id: place for place, paper in enumerate(sample)}
        terms, meanings = self._measures([*candidates, *sample])
        self._terms, self._places = sparse.csr_array(terms.T), np.ascontiguousarray(meanings.T)
        self._alike: dict[
            Paper, Vector
        ] = {}  # a paper voted for: how like it candidates are, then the sample

    def gather(self, tastes: Iterable[Taste | None]) -> None:
        """Look at all papers voted for once, before reading one taste after the other."""
        papers = {vote.paper for taste in tastes if taste for vote in (*taste.liked, *taste.disliked)}
        known = self._alike if len(self._alike) + len(papers) <= _MOST_REMEMBERED else {}
        new = [paper for paper in in_order(papers) if paper not in known]
        for start in range(0, len(new), _ROWS):
            some = new[start : start + _ROWS]
            known.update(zip(some, self._similarities(some), strict=True))
        self._alike = known

    def read(self, taste: Taste, now: datetime) -> Likeness:
        """How like the gathered votes of this taste each candidate is."""
        voted = {vote.paper.id for vote in (*taste.liked, *taste.disliked)}
        ordinary = np.ones(len(self._sample), dtype=bool)
        ordinary[[self._sample[paper_id] for paper_id in voted if paper_id in self._sample]] = False
        liked, alike_liked, strength = self._likeness(taste.liked, ordinary, now)
        disliked, alike_disliked, against = self._likeness(taste.disliked, ordinary, now)
        # Liked and disliked papers are often about the same: what is like both is left alone.
        unlike = disliked - liked
        return Likeness(
            liked=liked,
            disliked=self._weights.dislike * np.where(unlike > _TRIFLE, unlike, 0.0),
            alike=(alike_liked, alike_disliked),
            strength=strength + min(strength, against),
            against=against,
        )

    def _measures(self, papers: Sequence[Paper]) -> tuple[sparse.csr_array, Matrix]:
        weights = self._library.weigh(papers)
        return unit_terms(weights, self._library.shelf.shared), self._meaning.coordinates(papers, weights)

    def _likeness(
        self, votes: Sequence[Vote], ordinary: Vector, now: datetime
    ) -> tuple[Vector, Vector, float]:
        weights = np.array([_faded(vote, now) for vote in votes])
        if not votes or not weights.sum() > 0:
            return np.zeros(self._count), np.zeros(self._count), 0.0
        alike = np.array([self._alike[vote.paper] for vote in votes])
        ranked = np.sort(alike * (weights / weights.max())[:, np.newaxis], axis=0)
        mean = (weights / weights.sum()) @ alike
        overall = (1 - self._weights.nearest) * mean + self._weights.nearest * ranked[-3:].mean(axis=0)
        usual, best = _usual_and_best(overall[self._count :][ordinary])
        spread = max(best - usual, _LEAST_SPREAD)
        resembling = (alike[:, : self._count] > usual + spread / 2).sum(axis=0)
        likeness = np.maximum(overall[: self._count] - usual, 0.0) / spread
        return np.where(likeness > _TRIFLE, likeness, 0.0), resembling, float(weights.sum())

    def _similarities(self, papers: Sequence[Paper]) -> Matrix:
        """Papers voted for x (candidates, then sample)."""
        terms, places = self._measures(papers)
        common = safe_sparse_dot(terms, self._terms, dense_output=True)
        meant = np.maximum(places @ self._places, 0.0)
        share = self._weights.lexical
        # Cosines of words are about half as large as those of meanings.
        return np.asarray(2 * share * common + (1 - share) * meant)


def _usual_and_best(overall: Vector) -> tuple[float, float]:
    if not len(overall):
        return 0.0, 0.0
    return float(overall.mean()), float(np.sort(overall)[-_BEST_OF_SAMPLE:].mean())


def _faded(vote: Vote, now: datetime) -> float:
    days = max((now - vote.voted_at).total_seconds() / 86_400, 0.0) if vote.voted_at else 0.0
    weight = vote.weight if np.isfinite(vote.weight) else 0.0
    return float(min(max(weight, 0.0), 100.0) * np.exp2(-days / HALF_LIFE_DAYS))


def taste_term(count: int, verb: str) -> str:
    """What a reason says: "like two papers you liked"."""
    if not count:
        return f"somewhat like papers you {verb}"
    if count == 1:
        return f"like a paper you {verb}"
    words = {2: "two", 3: "three", 4: "four", 5: "five", 6: "six", 7: "seven", 8: "eight", 9: "nine"}
    return f"like {words.get(count, str(count))} papers you {verb}"
