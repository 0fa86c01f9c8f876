"""From a ranking to a digest worth reading: no five papers on one thing."""

from collections.abc import Sequence

import numpy as np

from digest.model import Paper, Score
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
