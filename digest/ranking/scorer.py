"""The scorer: fitted once to everything recent, then asked for any number of profiles."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Self

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from sklearn.base import BaseEstimator
from sklearn.utils.extmath import safe_sparse_dot
from sklearn.utils.validation import check_is_fitted

from digest.model import Paper, Profile, Score
from digest.ranking.follow import FOLLOW_VALUE, NameIndex
from digest.ranking.keywords import Keyword, KeywordMatcher, Matches, MuteList, parse_keyword
from digest.ranking.reasons import Explainer, Ranking
from digest.ranking.shelf import Library, Saturation, Shelf, Vector
from digest.ranking.trending import Trend, TrendScale
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

    A perfect match of the reader's strongest keyword is worth about 1, so is a paper that one in twenty is as much
    liked as. The same papers, profiles and `now` give the same bits, however many are asked about at once.
    """

    def __init__(
        self, *, k1: float = 1.2, b: float = 0.75, title_weight: int = 2, pair_weight: float = 0.3
    ) -> None:
        self.k1 = k1
        self.b = b
        self.title_weight = title_weight
        self.pair_weight = pair_weight

    def fit(self, papers: Sequence[Paper], y: None = None) -> Self:  # noqa: ARG002  scikit-learn's signature
        """Learn from the corpus: how telling words are, and how many votes are many."""
        self.library_ = Library(papers, Saturation(self.k1, self.b, self.title_weight))
        self.trend_scale_ = TrendScale.learn(papers)
        return self

    def rank(
        self, profile: Profile, candidates: Sequence[Paper], *, now: datetime, limit: int | None = None
    ) -> list[Score]:
        """The candidates for one reader, best first, ties by paper id; without those the reader mutes."""
        return list(self.rank_many([profile], candidates, now=now, limit=limit)[0].scores)

    def rank_many(
        self,
        profiles: Sequence[Profile],
        candidates: Sequence[Paper],
        *,
        now: datetime,
        limit: int | None = 50,
    ) -> list[Ranking]:
        """One ranking a profile, in their order; `limit` papers each, all of them for None."""
        check_is_fitted(self, "library_")
        in_order = sorted(candidates, key=lambda paper: (paper.id, paper.title, paper.abstract or ""))
        desk = _Desk(self, list({paper.id: paper for paper in in_order}.values()), now)
        return [
            ranking
            for start in range(0, len(profiles), CHUNK)
            for ranking in desk.rank(profiles[start : start + CHUNK], limit)
        ]


class _Desk:
    """One day's candidates laid out for ranking, sorted by id."""

    def __init__(self, ranker: PaperRanker, papers: list[Paper], now: datetime) -> None:
        self.papers = papers
        self.shelf: Shelf = ranker.library_.shelve(papers)
        self.matcher = KeywordMatcher(self.shelf, pair_weight=ranker.pair_weight)
        self.mutes = MuteList(papers)
        self.names = NameIndex(papers)
        self.trend: Trend = ranker.trend_scale_.measure(papers, now)

    def rank(self, profiles: Sequence[Profile], limit: int | None) -> Iterator[Ranking]:
        """Rank a chunk of profiles: one product for all keywords, then one look at each profile's row."""
        keywords = {typed: parse_keyword(typed) for profile in profiles for typed in _typed(profile)}
        ordered: list[Keyword] = [keywords[typed] for typed in sorted(keywords)]
        matches: Matches = self.matcher.match(ordered)
        place = {keyword.typed: row for row, keyword in enumerate(ordered)}
        wishes = [read_wishes(profile, place, matches.ideals) for profile in profiles]
        interest = safe_sparse_dot(_stack(wishes, len(ordered)), matches.values, dense_output=True)
        explainer = Explainer(self.papers, matches, ordered, self.trend)
        for profile, wish, row in zip(profiles, wishes, interest, strict=True):
            yield self._rank_one(profile, wish, row, explainer, limit)

    def _rank_one(
        self, profile: Profile, wish: Wishes, interest: Vector, explainer: Explainer, limit: int | None
    ) -> Ranking:
        followed = self.names.followed(profile)
        for found in followed:
            interest[found.place] += FOLLOW_VALUE
        values = wish.share * interest + wish.trending * self.trend.total
        muted = self.mutes.muted(profile.mute)
        best = _best(values, ~muted, limit)
        return Ranking(explainer.explain(wish, followed, best, values), int(muted.sum()))


def _typed(profile: Profile) -> Iterator[str]:
    for interest in profile.interests:
        yield from interest.keywords


def _stack(wishes: Sequence[Wishes], width: int) -> sparse.csr_array:
    indptr = np.cumsum([0, *(len(wish.keywords) for wish in wishes)])
    indices = np.concatenate([wish.keywords for wish in wishes])
    values = np.concatenate([wish.weights for wish in wishes])
    return sparse.csr_array((values, indices, indptr), shape=(len(wishes), width))


def _best(values: Vector, allowed: NDArray[np.bool_], limit: int | None) -> NDArray[np.intp]:
    """Places of the highest values, exact among ties: the papers are sorted by id, and so are equals."""
    places = np.flatnonzero(allowed)
    if limit is not None and 0 < limit < len(places):
        least = np.partition(values[places], len(places) - limit)[len(places) - limit]
        places = places[values[places] >= least]
    return places[np.argsort(-values[places], kind="stable")][:limit]
