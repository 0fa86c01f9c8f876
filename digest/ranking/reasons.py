"""Scores taken apart for the reader."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from digest.model import Paper, Reason, ReasonKind, Score
from digest.ranking.follow import FOLLOW_VALUE, Followed
from digest.ranking.keywords import Keyword, Matches
from digest.ranking.shelf import Vector
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


def interest_in(score: Score) -> float:
    """The part of a score that comes from the reader's own interests; the rest is the community's."""
    return sum(reason.contribution for reason in score.why if reason.kind in INTERESTS)


class Explainer:
    """Writes the reasons of the best papers. The contributions of a score add up to its value."""

    def __init__(
        self, papers: Sequence[Paper], matches: Matches, keywords: Sequence[Keyword], trend: Trend
    ) -> None:
        self._papers = papers
        self._matches = matches
        self._keywords = keywords
        self._trend = trend

    def explain(
        self, wish: Wishes, followed: Sequence[Followed], best: NDArray[np.intp], values: Vector
    ) -> tuple[Score, ...]:
        """One score for each of the places in `best`, strongest reasons first."""
        reasons: list[list[Reason]] = [[] for _ in best]
        slot = {int(place): number for number, place in enumerate(best)}
        self._add_keywords(wish, best, reasons)
        for found in followed:
            if found.place in slot and wish.share:
                reasons[slot[found.place]].append(Reason(found.kind, found.name, wish.share * FOLLOW_VALUE))
        self._add_trend(wish, best, reasons)
        return tuple(
            Score(self._papers[place].id, float(values[place]), tuple(sorted(why, key=_strength)))
            for place, why in zip(best, reasons, strict=True)
        )

    def _add_keywords(self, wish: Wishes, best: NDArray[np.intp], reasons: list[list[Reason]]) -> None:
        for row, weight in zip(wish.keywords, wish.share * wish.weights, strict=True):
            values = _row(self._matches.values, row, len(self._papers))[best] * weight
            complete = _row(self._matches.complete, row, len(self._papers))[best]
            typed = self._keywords[row].typed
            for number in np.flatnonzero(values):
                kind = ReasonKind.KEYWORD if complete[number] else ReasonKind.RELATED
                term = typed if complete[number] else f"part of your keyword {typed}"
                reasons[number].append(Reason(kind, term, float(values[number])))

    def _add_trend(self, wish: Wishes, best: NDArray[np.intp], reasons: list[list[Reason]]) -> None:
        parts = chain(
            ((number, ReasonKind.TRENDING, self._trend.liked[place]) for number, place in enumerate(best)),
            ((number, ReasonKind.RECENT, self._trend.recent[place]) for number, place in enumerate(best)),
        )
        for number, kind, value in parts:
            contribution = float(wish.trending * value)
            if contribution:
                paper = self._papers[best[number]]
                term = trend_term(paper) if kind is ReasonKind.TRENDING else f"published {paper.published_on}"
                reasons[number].append(Reason(kind, term, contribution))


def _row(matrix: object, row: int, width: int) -> Vector:
    """One row of a sparse matrix, written out."""
    dense = np.zeros(width)
    start, end = matrix.indptr[row], matrix.indptr[row + 1]  # type: ignore[attr-defined]
    dense[matrix.indices[start:end]] = matrix.data[start:end]  # type: ignore[attr-defined]
    return dense


def _strength(reason: Reason) -> tuple[float, str, str]:
    return (-abs(reason.contribution), reason.kind, reason.term)
