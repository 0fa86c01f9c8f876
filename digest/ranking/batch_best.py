"""The highest values of many rows at once, exact among ties."""

import numpy as np
from numpy.typing import NDArray

from digest.ranking.meaning import Matrix
from digest.ranking.shelf import Vector

Places = NDArray[np.int64]

_LOWEST = np.finfo(np.float64).min  # above what is not allowed
_LARGEST_GROUP = 16
_GROUPS = 4  # so many times as many groups as values are looked for
_FLOOD = 4  # so many times as many candidates as looked for: ties


def best_places(values: Matrix, most: int) -> Places:
    """Columns of the highest values of each row, best first and equals in the order of columns (rows x most).

    -inf is never chosen; -1 stands where a row has too few values. No row depends on another one.
    """
    most = min(most, values.shape[1])
    if not most or not len(values):
        return np.full((len(values), most), -1, dtype=np.int64)
    is_high = values >= np.maximum(_least(values, most), _LOWEST)[:, np.newaxis]
    # As one row, what is set is found seven times faster than in a table.
    rows, columns = np.divmod(np.flatnonzero(is_high), values.shape[1])
    counts = np.bincount(rows, minlength=len(values))
    if (flooded := np.flatnonzero(counts > _FLOOD * most)).size:
        for row in flooded:
            is_high[row] = _exactly(values[row], most)
        rows, columns = np.divmod(np.flatnonzero(is_high), values.shape[1])
        counts = np.bincount(rows, minlength=len(values))
    within = np.arange(len(rows)) - np.repeat(np.cumsum(counts) - counts, counts)
    width = max(int(counts.max()), most)
    high, found = np.full((len(values), width), -np.inf), np.full((len(values), width), -1, dtype=np.int64)
    high[rows, within], found[rows, within] = values[rows, columns], columns
    order = np.argsort(-high, axis=1, kind="stable")[:, :most]
    return np.asarray(np.take_along_axis(found, order, axis=1))


def kth_highest(values: Matrix, places: Places) -> Vector:
    """Of each row the value at this place, counted from 0 for the highest."""
    found = np.zeros(len(values))
    for place in np.unique(places):
        rows, column = places == place, values.shape[1] - 1 - place
        found[rows] = np.partition(values[rows], column, axis=1)[:, column]
    return found


def _least(values: Matrix, most: int) -> Vector:
    """A value that at least `most` of each row reach, close to the lowest of them.

    The highest of each of some groups is found fast; `most` of those highest are as many values.
    """
    size = min(values.shape[1] // (_GROUPS * most), _LARGEST_GROUP)
    if size > 1:
        groups = values.shape[1] // size
        values = values[:, : groups * size].reshape(len(values), size, groups).max(axis=1)
    last = values.shape[1] - most
    return np.asarray(np.partition(values, last, axis=1)[:, last])


def _exactly(values: Vector, most: int) -> NDArray[np.bool_]:
    """Where the highest values are when many are equal: of those just high enough, the first."""
    least = np.partition(values, len(values) - most)[len(values) - most]
    chosen: NDArray[np.bool_] = values > least
    if least > -np.inf:
        chosen[np.flatnonzero(values == least)[: most - int(chosen.sum())]] = True
    return chosen
