"""From a ranking to a digest worth reading: no five papers on one thing."""

import numpy as np

from digest.ranking.batch_best import Places
from digest.ranking.meaning import Matrix

# Papers less alike than this do not stand in each other's way.
_ALIKE = 0.35
STRENGTH = 0.5


def repetition(alike: Matrix) -> Matrix:
    """How far papers repeat each other, 0 .. 1, given how alike they are (papers x papers)."""
    return np.asarray(np.maximum(alike - _ALIKE, 0.0) / (1 - _ALIKE))


def vary(
    values: Matrix, repeats: Matrix, papers: Places, *, strength: float = STRENGTH, count: int
) -> Places:
    """For each reader the order in which a paper that repeats an earlier one comes later (readers x count columns).

    `values` holds one row a reader, best first, -inf where there is no paper; `papers` says which row of `repeats` (papers
    x papers, see `repetition`) each of them is. Maximal marginal relevance (Carbonell and Goldstein, 1998): each next paper has the
    highest value left after `strength` (0 .. 1) times how far it repeats a paper already chosen, relative to the best
    value, is taken off; equals keep their order. -1 stands where papers are too few.
    """
    most = (strength * np.maximum(values.max(axis=1, initial=0.0), 0.0))[:, np.newaxis]
    left, taken_off, worth = values.copy(), np.zeros_like(values), values.copy()
    order = np.full((len(values), count), -1, dtype=np.int64)
    every, rows = (
        np.arange(len(values)),
        papers * len(repeats),
    )  # in a single row, numbers are found twice as fast
    for step in range(min(count, values.shape[1])):
        best = worth.argmax(axis=1)
        order[:, step] = np.where(left[every, best] > -np.inf, best, -1)
        left[every, best] = -np.inf
        repeated = repeats.take(rows[every, best][:, np.newaxis] + papers)
        np.maximum(taken_off, most * repeated, out=taken_off)
        np.subtract(left, taken_off, out=worth)
    return order
