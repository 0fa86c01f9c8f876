"""Scores taken apart for the reader, in the reader's words."""

from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from math import log
from typing import Any

from digest.model import Paper, Reason, ReasonKind, Score
from digest.ranking.keywords import Keyword
from digest.ranking.related import PARTLY, Librarian
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
_RARE = -log(0.05)
_MOST_REMEMBERED = 20_000
_MOST_SHARES = 16  # of the community in a score: readers turn their dial to round numbers


@dataclass(frozen=True, slots=True)
class Ranking:
    """Papers for one reader, best first."""

    scores: tuple[Score, ...]
    muted: int = 0  # how many candidates the reader's mute list kept out
    outside: tuple[Score, ...] = ()  # from outside the profile, best liked by the community first: wildcards


def interest_in(score: Score) -> float:
    """The part of a score that comes from the reader's own interests; the rest is the community's."""
    return sum(reason.contribution for reason in score.why if reason.kind in INTERESTS)


# A reason behind what decides on its turn: the strongest come first (-abs(contribution)), then by kind and words.
Part = tuple[float, Reason]

# As `Reason._make` and `Score._make`, three times faster: it is done forty times for every reader.
reason_of: Callable[[tuple[ReasonKind, str, float]], Reason] = partial(tuple.__new__, Reason)
_score_of: Callable[[tuple[Any, ...]], Score] = partial(tuple.__new__, Score)


def score_of(paper_id: str, value: float, parts: list[Part], whole: float) -> Score:
    """A score with its reasons in the order of their turns.

    What fitting all keywords adds comes last, however much: to be told what one typed says more.
    """
    if len(parts) > 1:
        parts.sort()
    why = [reason for _, reason in parts]
    if whole:
        why.append(reason_of((ReasonKind.WHOLE, AS_A_WHOLE, whole)))
    return _score_of((paper_id, value, tuple(why)))


class Clerk:
    """Finds the words for reasons. Whatever does not depend on a reader is worded once."""

    def __init__(self, papers: Sequence[Paper], shelf: Shelf, trend: Trend, librarian: Librarian) -> None:
        self.papers = papers
        self.ids = [paper.id for paper in papers]
        self.places = {paper_id: place for place, paper_id in enumerate(self.ids)}
        self._liked: list[float] = trend.liked.tolist()
        self._recent: list[float] = trend.recent.tolist()
        self.trend = trend
        self._shelf = shelf
        self._librarian = librarian
        self._votes_said = [trend_term(paper) for paper in papers]
        self._published_said = [f"published {paper.published_on}" for paper in papers]
        self._trends: dict[float, list[tuple[Part, ...]]] = {}
        weights = shelf.weights if shelf.weights.has_sorted_indices else shelf.weights.sorted_indices()
        self._terms, self._ends = (
            memoryview(weights.indices),
            weights.indptr.tolist(),
        )  # of one paper after the other
        self._worded: dict[tuple[str, int], tuple[ReasonKind, str] | None] = {}

    def trends(self, share: float) -> list[tuple[Part, ...]]:
        """What the community adds to each paper, for readers who give it this share. They are the same for all of them."""
        if share not in self._trends:
            if len(self._trends) >= _MOST_SHARES:
                self._trends = {}
            self._trends[share] = [self._trend(place, share) for place in range(len(self.papers))]
        return self._trends[share]

    def _trend(self, place: int, share: float) -> tuple[Part, ...]:
        said = (
            (share * self._liked[place], ReasonKind.TRENDING, self._votes_said[place]),
            (share * self._recent[place], ReasonKind.RECENT, self._published_said[place]),
        )
        return tuple((-worth, Reason(kind, term, worth)) for worth, kind, term in said if worth)

    def votes_alone(self, place: int) -> list[Part]:
        """For a paper that nothing speaks for but its votes: these, if it has any, however little a reader counts them."""
        said = Reason(ReasonKind.TRENDING, self._votes_said[place], 0.0)
        return [(0.0, said)] if self._liked[place] > 0 else []

    def related(self, keyword: Keyword, place: int, kind: int) -> tuple[ReasonKind, str] | None:
        """How a paper meets a keyword that it does not say: by saying part of it, or by being near.

        None where it only says words of it that many papers say.
        """
        key = keyword.typed, place
        if key not in self._worded:
            if len(self._worded) >= _MOST_REMEMBERED:
                self._worded = {}
            self._worded[key] = self._word(keyword, place, kind)
        return self._worded[key]

    def _word(self, keyword: Keyword, place: int, kind: int) -> tuple[ReasonKind, str] | None:
        named = (kind == PARTLY and self._part(keyword, place)) or self._term_near(keyword, place)
        if kind == PARTLY and not named:
            return None
        near = f"near your keyword {keyword.typed}"
        return ReasonKind.RELATED, f"{named}, {near}" if named else near

    def _part(self, keyword: Keyword, place: int) -> str:
        """The telling words of a keyword that a paper says, two that stand side by side in both before others."""
        pairs = [(f"{first} {second}", joined(first, second)) for first, second in pairwise(keyword.words)]
        said = [wording for wording, term in pairs if self._tells(term, place)]
        telling = (word for word in keyword.words if len(word) > 1 and self._tells(stem(word), place))
        return said[0] if said else ", ".join(telling)

    def _tells(self, term: str, place: int) -> bool:
        column = self._shelf.columns.get(term)
        return column is not None and self._says(place, column) and self._shelf.idf[column] > _RARE

    def _term_near(self, keyword: Keyword, place: int) -> str:
        """What of the paper is near the keyword: "KV cache", for the keyword "attention"."""
        near = self._librarian.near(keyword)
        return next((wording for wording, column in near if self._says(place, column)), "")

    def _says(self, place: int, column: int) -> bool:
        """Whether a paper says a term."""
        end = self._ends[place + 1]
        found = bisect_left(self._terms, column, self._ends[place], end)
        return found < end and self._terms[found] == column
