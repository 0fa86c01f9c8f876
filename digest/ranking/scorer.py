"""The scorer: fitted once to everything recent, then asked for any number of profiles."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from itertools import chain
from typing import Self

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from sklearn.base import BaseEstimator
from sklearn.utils.extmath import safe_sparse_dot
from sklearn.utils.validation import check_is_fitted

from digest.model import Paper, Profile, Score
from digest.ranking.follow import FOLLOW_VALUE, NameIndex
from digest.ranking.keywords import KeywordMatcher, parse_keyword
from digest.ranking.meaning import Matrix, Meaning, one_thread, unit_terms
from digest.ranking.mute import MuteList
from digest.ranking.reasons import Desk, Explainer, Ranking
from digest.ranking.related import Librarian, Reach, assess
from digest.ranking.shelf import Library, Saturation, Vector
from digest.ranking.spelling import Abbreviations
from digest.ranking.taste import Likeness, Taste, TasteReader, TasteWeights
from digest.ranking.trending import Sighting, TrendScale
from digest.ranking.wishes import Wishes, read_wishes

# Rows of profiles multiplied at once: the dense result stays in the cache, which is ten times faster than all at once.
CHUNK = 256


class PaperRanker(BaseEstimator):  # type: ignore[misc]  # scikit-learn is untyped
    """Ranks papers for readers and says why.

    Parameters
    ----------
    k1, b : saturation and length normalisation of term counts, as in BM25.
    title_weight : how many words of an abstract one word of a title is worth.
    pair_weight : what two words of a keyword gain by standing side by side, relative to one of them.
    dimensions : size of the space in which papers about the same thing lie near each other; 0 for none.
    feedback : how many papers of the corpus show where the subject of a keyword lies.
    nearness : what lying there is worth, relative to the best match of the keyword.
    nearby : share of the corpus that may be called near a keyword.
    ceiling : no paper gets beyond this share of the best match without saying the whole keyword; with it, none less.
    patience : how many votes weigh as much as the keywords.
    seed : for the randomised SVD.

    A perfect match of the reader's strongest keyword is worth about 1, and so are a paper most like those the reader
    voted for and one of the most upvoted of the corpus. The same papers, profiles and `now` give the same bits,
    however many readers are asked about at once.
    """

    def __init__(  # noqa: PLR0913  an estimator's parameters stand here, and nowhere else
        self,
        *,
        k1: float = 1.2,
        b: float = 0.6,
        title_weight: int = 2,
        pair_weight: float = 0.3,
        dimensions: int = 128,
        feedback: int = 15,
        nearness: float = 0.8,
        nearby: float = 0.1,
        ceiling: float = 0.4,
        patience: float = 2.5,
        seed: int = 0,
    ) -> None:
        self.k1 = k1
        self.b = b
        self.title_weight = title_weight
        self.pair_weight = pair_weight
        self.dimensions = dimensions
        self.feedback = feedback
        self.nearness = nearness
        self.nearby = nearby
        self.ceiling = ceiling
        self.patience = patience
        self.seed = seed

    def fit(self, papers: Sequence[Paper], y: None = None) -> Self:  # noqa: ARG002  scikit-learn's signature
        """Learn from the corpus: words and what they go with, abbreviations, and how many votes are many."""
        with one_thread():
            return self._fit(papers)

    def _fit(self, papers: Sequence[Paper]) -> Self:
        self.library_ = Library(papers, Saturation(self.k1, self.b, self.title_weight))
        self.abbreviations_ = Abbreviations(papers)
        self.meaning_ = Meaning(self.library_.shelf, dimensions=self.dimensions, seed=self.seed)
        matcher = KeywordMatcher(self.library_.shelf, self.abbreviations_, pair_weight=self.pair_weight)
        reach = Reach(self.feedback, self.nearness, self.nearby, self.ceiling)
        self.librarian_ = Librarian(self.library_.shelf, self.meaning_, matcher, reach)
        self.trend_scale_ = TrendScale.learn(papers)
        return self

    def rank(
        self,
        profile: Profile,
        candidates: Sequence[Paper],
        *,
        now: datetime,
        limit: int | None = None,
        taste: Taste | None = None,
        sightings: Mapping[str, Sighting] | None = None,
    ) -> list[Score]:
        """The candidates for one reader, best first, ties by paper id; without those the reader mutes."""
        return list(
            self.rank_many([profile], candidates, now=now, limit=limit, tastes=[taste], sightings=sightings)[
                0
            ].scores
        )

    def alike(self, papers: Sequence[Paper]) -> Matrix:
        """How alike papers are in words and meaning (papers x papers), 0 .. 1."""
        check_is_fitted(self, "library_")
        with one_thread():
            weights = self.library_.weigh(papers)
            terms = unit_terms(weights, self.library_.shelf.shared)
            places = self.meaning_.coordinates(weights)
            common = np.asarray((terms @ terms.T).toarray())
            return np.minimum((common + np.maximum(places @ places.T, 0.0)) / 2, 1.0)

    def rank_many(
        self,
        profiles: Sequence[Profile],
        candidates: Sequence[Paper],
        *,
        now: datetime,
        limit: int | None = 50,
        tastes: Sequence[Taste | None] | None = None,
        sightings: Mapping[str, Sighting] | None = None,
    ) -> list[Ranking]:
        """One ranking a profile, in their order; `limit` papers each, all of them for None.

        `tastes` holds what each reader has voted for, in the order of the profiles; `sightings` says, by paper id, when
        papers were listed and their votes counted, where that is known.
        """
        check_is_fitted(self, "library_")
        votes = [None] * len(profiles) if tastes is None else list(tastes)
        if len(votes) != len(profiles):
            raise ValueError(f"{len(profiles)} profiles, but {len(votes)} tastes: give one or None for each")
        chunks = [slice(start, start + CHUNK) for start in range(0, len(profiles), CHUNK)]
        with one_thread():
            counter = _Counter(self, candidates, now, sightings)
            served = (counter.serve(profiles[chunk], votes[chunk], limit) for chunk in chunks)
            return list(chain.from_iterable(served))


class _Counter:
    """Where readers are served from one day's candidates."""

    def __init__(
        self,
        ranker: PaperRanker,
        candidates: Sequence[Paper],
        now: datetime,
        sightings: Mapping[str, Sighting] | None,
    ) -> None:
        in_order = sorted(candidates, key=lambda paper: (paper.id, paper.title, paper.abstract or ""))
        self.papers = list({paper.id: paper for paper in in_order}.values())
        self.now = now
        self.ranker = ranker
        self.shelf = ranker.library_.shelve(self.papers)
        self.matcher = KeywordMatcher(self.shelf, ranker.abbreviations_, pair_weight=ranker.pair_weight)
        self.known = self.shelf.weights[:, : len(ranker.library_.shelf.columns)]
        self.places = ranker.meaning_.coordinates(self.known)
        self.mutes = MuteList(self.papers)
        self.names = NameIndex(self.papers)
        self.trend = ranker.trend_scale_.measure(self.papers, now, sightings)

    def serve(
        self, profiles: Sequence[Profile], tastes: Sequence[Taste | None], limit: int | None
    ) -> Iterator[Ranking]:
        """Rank for a chunk of readers: one product for all keywords, then one look at each reader's row."""
        desk = self._desk(profiles)
        likenesses = self._likenesses(tastes)
        wishes = self._wishes(profiles, likenesses, desk)
        interests = _interests(wishes, desk)
        explainer = Explainer(desk)
        for number, (profile, wish, likeness) in enumerate(zip(profiles, wishes, likenesses, strict=True)):
            interest = interests[number]
            followed = self.names.followed(profile)
            for found in followed:
                interest[found.place] += FOLLOW_VALUE
            if likeness:
                interest += wish.trust * (likeness.liked - likeness.disliked)
            values = wish.interest * interest + wish.trending * self.trend.total
            muted = self.mutes.muted(profile.mute)
            best = _best(values, ~muted, limit)
            yield Ranking(explainer.explain(wish, followed, likeness, best, values), int(muted.sum()))

    def _desk(self, profiles: Sequence[Profile]) -> Desk:
        typed = {word for profile in profiles for interest in profile.interests for word in interest.keywords}
        keywords = [parse_keyword(word) for word in sorted(typed)]
        guide = self.ranker.librarian_.guide(keywords)
        matches = self.matcher.match(keywords)
        assessment = assess(matches, guide, self.places, self.ranker.librarian_.reach)
        return Desk(self.papers, self.shelf, self.trend, keywords, matches.ideals, guide, assessment)

    def _likenesses(self, tastes: Sequence[Taste | None]) -> list[Likeness | None]:
        if not any(tastes):
            return [None] * len(tastes)
        ranker = self.ranker
        reader = TasteReader(ranker.library_, ranker.meaning_, self.known, TasteWeights())
        reader.gather(tastes)
        return [reader.read(taste, self.now) if taste else None for taste in tastes]

    def _wishes(
        self, profiles: Sequence[Profile], likenesses: Sequence[Likeness | None], desk: Desk
    ) -> list[Wishes]:
        place = {keyword.typed: row for row, keyword in enumerate(desk.keywords)}
        patience = self.ranker.patience
        return [
            read_wishes(
                profile, place, desk.ideals, votes=likeness.strength if likeness else 0.0, patience=patience
            )
            for profile, likeness in zip(profiles, likenesses, strict=True)
        ]


def _interests(wishes: Sequence[Wishes], desk: Desk) -> Vector:
    """What keywords are worth (profiles x papers): wanted ones with what is near them, unwanted ones as said."""
    wanted = _stack([np.maximum(wish.weights, 0.0) for wish in wishes], wishes, len(desk.keywords))
    unwanted = _stack([np.minimum(wish.weights, 0.0) for wish in wishes], wishes, len(desk.keywords))
    found = desk.assessment
    table = sparse.vstack([found.values, found.said], format="csr")
    both = sparse.hstack([wanted, unwanted], format="csr")
    return np.asarray(safe_sparse_dot(both, table, dense_output=True))


def _stack(weights: Sequence[Vector], wishes: Sequence[Wishes], width: int) -> sparse.csr_array:
    indptr = np.cumsum([0, *(len(wish.keywords) for wish in wishes)])
    indices = np.array(list(chain.from_iterable(wish.keywords for wish in wishes)), dtype=np.int64)
    values = np.array(list(chain.from_iterable(weights)), dtype=np.float64)
    matrix = sparse.csr_array((values, indices, indptr), shape=(len(wishes), width))
    matrix.eliminate_zeros()
    return matrix


def _best(values: Vector, allowed: NDArray[np.bool_], limit: int | None) -> NDArray[np.intp]:
    """Places of the highest values, exact among ties: the papers are sorted by id, and so are equals."""
    places = np.flatnonzero(allowed)
    if limit is not None and 0 < limit < len(places):
        least = np.partition(values[places], len(places) - limit)[len(places) - limit]
        places = places[values[places] >= least]
    return places[np.argsort(-values[places], kind="stable")][:limit]
