"""Where readers are served from one day's candidates."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import chain

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from sklearn.utils.extmath import safe_sparse_dot

from digest.model import Paper, Profile
from digest.ranking.follow import FOLLOW_VALUE, NameIndex
from digest.ranking.keywords import KeywordMatcher, parse_keyword
from digest.ranking.meaning import Meaning
from digest.ranking.mute import MuteList
from digest.ranking.reasons import Desk, Explainer, Ranking
from digest.ranking.related import Librarian, assess
from digest.ranking.shelf import Library, Vector, in_order
from digest.ranking.spelling import Abbreviations
from digest.ranking.taste import Likeness, Taste, TasteReader, TasteWeights
from digest.ranking.trending import Sighting, TrendScale
from digest.ranking.wishes import Wishes, read_wishes

# An interest below this share of a perfect match is none.
OUTSIDE = 0.1
_MOST_OUTSIDE = 20


@dataclass(frozen=True)
class Fitted:
    """All that is learnt from a corpus, and what it was learnt with."""

    library: Library
    abbreviations: Abbreviations
    meaning: Meaning
    librarian: Librarian
    trend_scale: TrendScale
    pair_weight: float
    patience: float


class Counter:
    """One day's candidates, laid out once for all readers."""

    def __init__(
        self,
        fitted: Fitted,
        candidates: Sequence[Paper],
        now: datetime,
        sightings: Mapping[str, Sighting] | None,
    ) -> None:
        self.papers = list({paper.id: paper for paper in in_order(candidates)}.values())
        self.now = now
        self.fitted = fitted
        self.shelf = fitted.library.shelve(self.papers)
        self.matcher = KeywordMatcher(self.shelf, fitted.abbreviations, pair_weight=fitted.pair_weight)
        self.known = self.shelf.weights[:, : len(fitted.library.shelf.columns)]
        self.places = fitted.meaning.coordinates(self.known)
        self.mutes = MuteList(self.papers)
        self.names = NameIndex(self.papers)
        self.trend = fitted.trend_scale.measure(self.papers, now, sightings)

    def serve(
        self, profiles: Sequence[Profile], tastes: Sequence[Taste | None], limit: int | None
    ) -> Iterator[Ranking]:
        """Rank for a chunk of readers: one product for all keywords, then one look at each reader's row."""
        desk = self._desk(profiles)
        likenesses = self._likenesses(tastes)
        wishes = self._wishes(profiles, likenesses, desk)
        wanted = _product([np.maximum(wish.weights, 0.0) for wish in wishes], wishes, desk.assessment.values)
        unwanted = _product([np.minimum(wish.weights, 0.0) for wish in wishes], wishes, desk.assessment.said)
        explainer = Explainer(desk)
        for number, (profile, wish, likeness) in enumerate(zip(profiles, wishes, likenesses, strict=True)):
            interest, against = wanted[number], unwanted[number]
            followed = self.names.followed(profile)
            for found in followed:
                interest[found.place] += FOLLOW_VALUE
            if likeness:
                interest += wish.trust * likeness.liked
                against -= wish.trust * likeness.disliked
            muted = self.mutes.muted(profile.mute)
            values = wish.interest * (interest + against) + wish.trending * self.trend.total
            outside = self._outside(wish.interest * interest, ~muted & (against == 0))
            best, far = _best(values, ~muted, limit), outside[:_MOST_OUTSIDE]
            explained = explainer.explain(wish, followed, likeness, np.concatenate([best, far]), values)
            yield Ranking(explained[: len(best)], int(muted.sum()), explained[len(best) :])

    def _outside(self, interest: Vector, allowed: NDArray[np.bool_]) -> NDArray[np.intp]:
        """Papers that are none of the reader's interests but liked by the community, the best liked first."""
        liked = np.where(allowed & (interest < OUTSIDE), self.trend.liked, 0.0)
        return _best(liked, liked > 0, _MOST_OUTSIDE)

    def _desk(self, profiles: Sequence[Profile]) -> Desk:
        typed = {word for profile in profiles for interest in profile.interests for word in interest.keywords}
        keywords = [parse_keyword(word) for word in sorted(typed)]
        guide = self.fitted.librarian.guide(keywords)
        matches = self.matcher.match(keywords)
        assessment = assess(matches, guide, self.places, self.fitted.librarian.reach)
        return Desk(self.papers, self.shelf, self.trend, keywords, matches.ideals, guide, assessment)

    def _likenesses(self, tastes: Sequence[Taste | None]) -> list[Likeness | None]:
        if not any(tastes):
            return [None] * len(tastes)
        reader = TasteReader(self.fitted.library, self.fitted.meaning, self.known, TasteWeights())
        reader.gather(tastes)
        return [reader.read(taste, self.now) if taste else None for taste in tastes]

    def _wishes(
        self, profiles: Sequence[Profile], likenesses: Sequence[Likeness | None], desk: Desk
    ) -> list[Wishes]:
        place = {keyword.typed: row for row, keyword in enumerate(desk.keywords)}
        patience = self.fitted.patience
        return [
            read_wishes(
                profile, place, desk.ideals, votes=likeness.strength if likeness else 0.0, patience=patience
            )
            for profile, likeness in zip(profiles, likenesses, strict=True)
        ]


def _product(weights: Sequence[Vector], wishes: Sequence[Wishes], table: sparse.csr_array) -> Vector:
    """What the weighted keywords are worth (profiles x papers)."""
    return np.asarray(safe_sparse_dot(_stack(weights, wishes, table.shape[0]), table, dense_output=True))


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
