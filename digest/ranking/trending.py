"""What the community likes: upvotes and comments, discounted for age and for how early they were counted."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from digest.model import Paper
from digest.ranking.shelf import Vector

HALF_LIFE_DAYS = 7.0
# One comment more goes with about twice the upvotes; the first one is most often a robot's.
UPVOTES_PER_COMMENT = 3.0
# The 95th percentile of upvotes on the morning of a paper's first day, for a corpus that knows none.
USUAL_REFERENCE = 35.0
NEWNESS = 0.15  # what being new is worth beside being liked
MOST_VOTES = 10**9  # more than any page can mean


# On the first day upvotes grow by the hour: half of 6,141 papers had at most 1 upvote 1½ hours after they were listed,
# 3 after 3½, 5 after 5½ and 8 after 7½. By then a count says what it will say.
GROWN_AFTER_HOURS = 8.0
_LEAST_GROWN = 0.2


@dataclass(frozen=True, slots=True)
class Sighting:
    """When a page listed a paper, and when its votes were last counted. Both aware."""

    listed_at: datetime
    counted_at: datetime


@dataclass(frozen=True, slots=True)
class Trend:
    """How one group of papers stands with the community. Arrays of one value a paper, 0 .. about 1."""

    liked: Vector
    recent: Vector

    @property
    def total(self) -> Vector:
        """Both together."""
        return self.liked + self.recent


@dataclass(frozen=True, slots=True)
class TrendScale:
    """What counts as much liked: `reference` votes make 1."""

    reference: float = USUAL_REFERENCE

    @staticmethod
    def learn(papers: Sequence[Paper]) -> "TrendScale":
        """Take the votes that one paper in twenty reaches as the measure, so that sites large and small compare."""
        known = [votes(paper) for paper in papers if paper.upvotes is not None]
        if len(known) < 20:
            return TrendScale()
        return TrendScale(max(float(np.quantile(known, 0.95)), 1.0))

    def measure(
        self, papers: Sequence[Paper], now: datetime, sightings: Mapping[str, Sighting] | None = None
    ) -> Trend:
        """The trend of each paper at `now`; a date in the future or unknown counts as today.

        Votes counted early (`sightings`, by paper id) are set against what other papers had so early.
        """
        seen = sightings or {}
        counts = [votes(paper) / _grown(seen.get(paper.id)) for paper in papers]
        ages = np.array(
            [max((now.date() - paper.published_on).days, 0) if paper.published_on else 0 for paper in papers],
            dtype=float,
        )
        heat = _stretched(np.log1p(counts) / np.log1p(self.reference))
        fading = np.exp2(-ages / HALF_LIFE_DAYS)
        dated = np.array([paper.published_on is not None for paper in papers], dtype=float)
        return Trend(liked=heat * fading, recent=NEWNESS * fading * dated)


def _grown(sighting: Sighting | None) -> float:
    """The share of its first day's votes that a paper has when they are counted."""
    if sighting is None:
        return 1.0
    hours = (sighting.counted_at - sighting.listed_at).total_seconds() / 3600
    return min(max(hours / GROWN_AFTER_HOURS, _LEAST_GROWN), 1.0)


def _stretched(heat: Vector) -> Vector:
    """Most papers are a little liked, which says little: what is below the measure is pressed down."""
    return np.where(heat < 1, heat**2, heat)


def votes(paper: Paper) -> float:
    """Upvotes, with comments counted as upvotes; nonsense below zero counts as none."""
    talk = max((paper.comments or 0) - 1, 0)
    return min(max(paper.upvotes or 0, 0), MOST_VOTES) + UPVOTES_PER_COMMENT * min(talk, MOST_VOTES)


def trend_term(paper: Paper) -> str:
    """What a reason says: "41 upvotes", "1 upvote, 12 comments"."""
    parts = [(paper.upvotes or 0, "upvote"), (paper.comments or 0, "comment")]
    said = [f"{count} {noun}{'' if count == 1 else 's'}" for count, noun in parts if count > 0]
    return ", ".join(said) or "few votes yet"
