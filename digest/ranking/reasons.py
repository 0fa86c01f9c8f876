"""Scores taken apart for the reader, in the reader's words."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from digest.model import Paper, Reason, ReasonKind, Score
from digest.ranking.keywords import Keyword
from digest.ranking.related import COMPLETE, PARTLY, Librarian
from digest.ranking.shelf import Shelf
from digest.ranking.text import joined, stem
from digest.ranking.trending import Trend, trend_term

INTERESTS = frozenset(
    {
        ReasonKind.KEYWORD,
        ReasonKind.RELATED,
        ReasonKind.WHOLE,
        ReasonKind.AUTHOR,
        ReasonKind.ORGANIZATION,
        ReasonKind.TASTE,
    }
)
AS_A_WHOLE = "your keywords as a whole"
# A word of a keyword that more than this share of papers say names nothing alone: "full" of "full-duplex".
_COMMON = 0.05
_MOST_REMEMBERED = 100_000


@dataclass(frozen=True, slots=True)
class Ranking:
    """Papers for one reader, best first."""

    scores: tuple[Score, ...]
    muted: int = 0  # how many candidates the reader's mute list kept out
    outside: tuple[Score, ...] = ()  # from outside the profile, best liked by the community first: wildcards


def interest_in(score: Score) -> float:
    """The part of a score that comes from the reader's own interests; the rest is the community's."""
    return sum(reason.contribution for reason in score.why if reason.kind in INTERESTS)


# A reason before its turn comes: sorted as they stand, the strongest come first, then by kind and words. What fitting all
# keywords adds comes last, however much: to be told what one typed says more.
Part = tuple[float, ReasonKind, str, float]


def part(kind: ReasonKind, term: str, contribution: float) -> Part:
    """A reason, ready to be sorted."""
    return 0.0 if kind is ReasonKind.WHOLE else -abs(contribution), kind, term, contribution


def score_of(paper_id: str, value: float, parts: list[Part]) -> Score:
    """A score with its reasons in the order of their turns."""
    parts.sort()
    return Score(
        paper_id, value, tuple([Reason(kind, term, contribution) for _, kind, term, contribution in parts])
    )


class Clerk:
    """Finds the words for reasons. Whatever does not depend on a reader is worded once."""

    def __init__(self, papers: Sequence[Paper], shelf: Shelf, trend: Trend, librarian: Librarian) -> None:
        self.papers = papers
        self.ids = [paper.id for paper in papers]
        self.liked: list[float] = trend.liked.tolist()
        self.recent: list[float] = trend.recent.tolist()
        self.trend = trend
        self._shelf = shelf
        self._librarian = librarian
        self.votes_said = [trend_term(paper) for paper in papers]
        self.published_said = [f"published {paper.published_on}" for paper in papers]
        self._terms: dict[int, frozenset[int]] = {}
        self._worded: dict[tuple[str, int], str] = {}

    def keyword(self, keyword: Keyword, place: int, kind: int) -> tuple[ReasonKind, str] | None:
        """How a paper meets a keyword: by saying it, by saying part of it, or by being near.

        None where it only says words of it that many papers say.
        """
        typed = keyword.typed
        if kind == COMPLETE:
            return ReasonKind.KEYWORD, typed
        worded = self._worded.get((typed, place))
        if worded is None:
            if len(self._worded) > _MOST_REMEMBERED:
                self._worded.clear()
            named = (kind == PARTLY and self._part(keyword, place)) or self._term_near(keyword, place)
            worded = f"{named}, near your keyword {typed}" if named else f"near your keyword {typed}"
            worded = "" if kind == PARTLY and not named else worded
            self._worded[typed, place] = worded
        return (ReasonKind.RELATED, worded) if worded else None

    def _part(self, keyword: Keyword, place: int) -> str:
        """The telling words of a keyword that a paper says, two that stand side by side in both before others."""
        pairs = [(f"{first} {second}", joined(first, second)) for first, second in pairwise(keyword.words)]
        said = [wording for wording, term in pairs if self._tells(term, place)]
        telling = (word for word in keyword.words if len(word) > 1 and self._tells(stem(word), place))
        return said[0] if said else ", ".join(telling)

    def _tells(self, term: str, place: int) -> bool:
        column = self._shelf.columns.get(term)
        return column in self._said(place) and self._shelf.idf[column] > -np.log(_COMMON)

    def _term_near(self, keyword: Keyword, place: int) -> str:
        """What of the paper is near the keyword: "KV cache", for the keyword "attention"."""
        said = self._said(place)
        return next((wording for wording, column in self._librarian.near(keyword) if column in said), "")

    def _said(self, place: int) -> frozenset[int]:
        """The terms of a paper."""
        if place not in self._terms:
            weights = self._shelf.weights
            start, end = weights.indptr[place : place + 2]
            self._terms[place] = frozenset(weights.indices[start:end].tolist())
        return self._terms[place]
