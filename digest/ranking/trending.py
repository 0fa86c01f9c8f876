"""What the community likes: upvotes and comments, discounted for age."""

from collections.abc import Sequence
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

    def measure(self, papers: Sequence[Paper], now: datetime) -> Trend:
        """The trend of each paper at `now`; a date in the future or unknown counts as today."""
        ages = np.array(
            [max((now.date() - paper.published_on).days, 0) if paper.published_on else 0 for paper in papers],
            dtype=float,
        )
        heat = _stretched(np.log1p([votes(paper) for paper in papers]) / np.log1p(self.reference))
        fading = np.exp2(-ages / HALF_LIFE_DAYS)
        dated = np.array([paper.published_on is not None for paper in papers], dtype=float)
        return Trend(liked=heat * fading, recent=NEWNESS * fading * dated)


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
