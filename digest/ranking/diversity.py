"""From a ranking to a digest worth reading: no five papers on one thing, and one from outside the profile."""

from collections.abc import Collection, Sequence
from datetime import datetime

import numpy as np

from digest.model import Paper, Score
from digest.ranking.counter import OUTSIDE
from digest.ranking.reasons import interest_in
from digest.ranking.scorer import PaperRanker

# Papers less alike than this do not stand in each other's way.
_ALIKE = 0.35


def diversify(
    scores: Sequence[Score],
    papers: Sequence[Paper],
    ranker: PaperRanker,
    *,
    strength: float = 0.5,
    limit: int | None = None,
) -> list[Score]:
    """The scores in an order in which a paper that repeats an earlier one comes later; values stay as they are.

    Maximal marginal relevance (Carbonell and Goldstein, 1998): each next paper has the highest value left after
    `strength` (0 .. 1) times its likeness to the most alike paper already chosen, relative to the best value, is taken
    off. `papers` holds at least the papers scored; `scores` come best first, and equals keep their order. With a
    `limit`, only so many papers are chosen, and only four times as many looked at.
    """
    count = len(scores) if limit is None else min(limit, len(scores))
    known = {paper.id: paper for paper in papers}
    looked_at = list(scores if limit is None else scores[: 4 * limit])
    alike = ranker.alike([known[score.paper_id] for score in looked_at])
    near = np.maximum(alike - _ALIKE, 0.0) / (1 - _ALIKE)
    values = np.array([score.value for score in looked_at])
    penalty = strength * max(float(values.max(initial=0.0)), 0.0) * near
    taken_off = np.zeros(len(looked_at))
    order: list[int] = []
    for _ in range(count):
        left = np.where(np.isin(np.arange(len(looked_at)), order), -np.inf, values - taken_off)
        order.append(int(left.argmax()))
        taken_off = np.maximum(taken_off, penalty[order[-1]])
    return [looked_at[place] for place in order]


def wildcard(
    scores: Sequence[Score],
    papers: Sequence[Paper],
    ranker: PaperRanker,
    *,
    now: datetime,
    taken: Collection[str] = (),
) -> Score | None:
    """The paper outside the profile that the community likes best, or None when there is none that is liked at all.

    `scores` is the reader's whole ranking, so that muted papers are out already; `taken` are ids of papers picked
    before. What the reader wants less of is no wildcard either.
    """
    known = {paper.id: paper for paper in papers}
    outside = [
        score
        for score in scores
        if score.paper_id not in taken
        and interest_in(score) < OUTSIDE
        and all(reason.contribution > 0 for reason in score.why)
    ]
    if not outside:
        return None
    trend = ranker.trend_scale_.measure([known[score.paper_id] for score in outside], now)
    place = min(range(len(outside)), key=lambda place: (-trend.liked[place], outside[place].paper_id))
    return outside[place] if trend.liked[place] > 0 else None
