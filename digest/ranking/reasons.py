"""Scores taken apart for the reader."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from digest.model import Paper, Reason, ReasonKind, Score
from digest.ranking.follow import FOLLOW_VALUE, Followed
from digest.ranking.keywords import Keyword
from digest.ranking.related import Assessment, Guide
from digest.ranking.shelf import Shelf, Vector
from digest.ranking.taste import Likeness, taste_term
from digest.ranking.text import stem
from digest.ranking.trending import Trend, trend_term
from digest.ranking.wishes import Wishes

INTERESTS = frozenset(
    {ReasonKind.KEYWORD, ReasonKind.RELATED, ReasonKind.AUTHOR, ReasonKind.ORGANIZATION, ReasonKind.TASTE}
)


@dataclass(frozen=True, slots=True)
class Ranking:
    """Papers for one reader, best first."""

    scores: tuple[Score, ...]
    muted: int = 0  # how many candidates the reader's mute list kept out
    outside: tuple[Score, ...] = ()  # from outside the profile, best liked by the community first: wildcards


def interest_in(score: Score) -> float:
    """The part of a score that comes from the reader's own interests; the rest is the community's."""
    return sum(reason.contribution for reason in score.why if reason.kind in INTERESTS)


@dataclass(frozen=True)
class Desk:
    """Candidates, sorted by id, and all that is known about them and about the keywords asked for."""

    papers: Sequence[Paper]
    shelf: Shelf
    trend: Trend
    keywords: Sequence[Keyword]
    ideals: Vector  # a keyword: the value of a paper that says nothing else
    guide: Guide
    assessment: Assessment


class Explainer:
    """Writes the reasons of the best papers. The contributions of a score add up to its value."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._votes_said = [trend_term(paper) for paper in desk.papers]
        self._own = [
            [(word, desk.shelf.columns.get(stem(word))) for word in keyword.words]
            for keyword in desk.keywords
        ]
        self._terms: dict[int, frozenset[int]] = {}

    def explain(
        self,
        wish: Wishes,
        followed: Sequence[Followed],
        likeness: Likeness | None,
        best: NDArray[np.intp],
        values: Vector,
    ) -> tuple[Score, ...]:
        """One score for each of the places in `best`, strongest reasons first."""
        reasons: list[list[Reason]] = [[] for _ in best]
        self._add_keywords(wish, best, reasons)
        self._add_followed(wish, followed, best, reasons)
        if likeness:
            _add_taste(wish, likeness, best, reasons)
        self._add_trend(wish, best, reasons)
        return tuple(
            Score(self._desk.papers[place].id, float(values[place]), tuple(sorted(why, key=_strength)))
            for place, why in zip(best, reasons, strict=True)
        )

    def _add_keywords(self, wish: Wishes, best: NDArray[np.intp], reasons: list[list[Reason]]) -> None:
        found = self._desk.assessment
        for row, weight in zip(wish.keywords, wish.interest * wish.weights, strict=True):
            values = _row(found.values if weight > 0 else found.said, row)[best] * weight
            complete = _row(found.complete, row)[best]
            partly = _row(found.partly, row)[best]
            typed = self._desk.keywords[row].typed
            for number in np.flatnonzero(values):
                if complete[number]:
                    reason = Reason(ReasonKind.KEYWORD, typed, float(values[number]))
                else:
                    term = self._near_term(int(row), int(best[number]), is_part=bool(partly[number]))
                    reason = Reason(ReasonKind.RELATED, term, float(values[number]))
                reasons[number].append(reason)

    def _near_term(self, row: int, place: int, *, is_part: bool) -> str:
        """What of the paper is near the keyword: "KV cache, near your keyword attention"."""
        shelf, typed = self._desk.shelf, self._desk.keywords[row].typed
        if place not in self._terms:
            weights = shelf.weights
            self._terms[place] = frozenset(
                weights.indices[weights.indptr[place] : weights.indptr[place + 1]].tolist()
            )
        said = self._terms[place]
        if is_part:
            words = [word for word, column in self._own[row] if column in said]
            return (
                f"{', '.join(words)}, of your keyword {typed}" if words else f"part of your keyword {typed}"
            )
        for wording, column in self._desk.guide.near[row]:
            if column in said:
                return f"{wording}, near your keyword {typed}"
        return f"near your keyword {typed}"

    def _add_followed(
        self,
        wish: Wishes,
        followed: Sequence[Followed],
        best: NDArray[np.intp],
        reasons: list[list[Reason]],
    ) -> None:
        numbers = {int(place): number for number, place in enumerate(best)}
        for found in followed:
            if found.place in numbers and wish.interest:
                worth = wish.interest * FOLLOW_VALUE
                reasons[numbers[found.place]].append(Reason(found.kind, found.name, worth))

    def _add_trend(self, wish: Wishes, best: NDArray[np.intp], reasons: list[list[Reason]]) -> None:
        trend = self._desk.trend
        both = (wish.trending * trend.liked[best]).tolist(), (wish.trending * trend.recent[best]).tolist()
        for found, place, liked, recent in zip(reasons, best, *both, strict=True):
            if liked:
                found.append(Reason(ReasonKind.TRENDING, self._votes_said[place], liked))
            if recent:
                published_on = self._desk.papers[place].published_on
                found.append(Reason(ReasonKind.RECENT, f"published {published_on}", recent))


def _add_taste(wish: Wishes, likeness: Likeness, best: NDArray[np.intp], reasons: list[list[Reason]]) -> None:
    sides = ((likeness.liked, "liked", 1), (likeness.disliked, "disliked", -1))
    for (values, verb, sign), alike in zip(sides, likeness.alike, strict=True):
        for number, place in enumerate(best):
            contribution = float(sign * wish.interest * wish.trust * values[place])
            if contribution:
                term = taste_term(int(alike[place]), verb)
                reasons[number].append(Reason(ReasonKind.TASTE, term, contribution))


def _row(matrix: sparse.csr_array, row: int) -> Vector:
    """One row of a sparse matrix, written out."""
    dense = np.zeros(matrix.shape[1])
    start, end = matrix.indptr[row], matrix.indptr[row + 1]
    dense[matrix.indices[start:end]] = matrix.data[start:end]
    return dense


def _strength(reason: Reason) -> tuple[float, str, str]:
    return (-abs(reason.contribution), reason.kind, reason.term)
