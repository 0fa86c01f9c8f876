"""How well a paper fits all keywords of a reader together.

A word means many things, and a reader's other keywords say which of them is meant: `context` beside `pervasive` is not
the context of a gene. So the keywords of a reader, each with its weight, point to one direction in the space of
meaning, and papers that lie there are worth more than their own keywords say.
"""

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from digest.ranking.meaning import Matrix, unit_rows
from digest.ranking.related import Guide
from digest.ranking.shelf import Vector

# Coordinates in single precision are multiples of this: products of two and sums of rows of length 1 have 22 binary
# places, so that a result is exact, and does not depend on the order in which a BLAS adds.
_STEP = 2.0**-11

Coarse = NDArray[np.float32]


def coarse(rows: Matrix) -> Coarse:
    """Rows of length 1 (or 0) in single precision, rounded so that all products between them are exact."""
    return np.asarray(np.round(rows / _STEP) * _STEP, dtype=np.float32)


def harmony(weights: sparse.csr_array, guide: Guide, papers: Coarse, *, worth: float) -> Coarse:
    """What fitting all of a reader's keywords adds to a paper that meets one of them (readers x papers), 0 or more.

    `weights` holds what readers wish for (readers x keywords), `worth` what a paper gains right where all keywords
    point to, relative to the best matches of all keywords but the strongest: a single keyword points nowhere else, and
    adds nothing.
    """
    pull = weights.copy()
    pull.data = np.maximum(pull.data, 0.0) * guide.best[pull.indices]
    towards = coarse(unit_rows(np.asarray(pull @ guide.directions)))
    amounts = (worth * _besides_the_strongest(pull)).astype(np.float32)
    found = towards @ papers.T
    np.maximum(found, 0.0, out=found)
    found *= amounts[:, np.newaxis]
    return found


def _besides_the_strongest(pull: sparse.csr_array) -> Vector:
    """The sum of each row without its highest entry."""
    owners = np.repeat(np.arange(pull.shape[0]), np.diff(pull.indptr))
    highest = np.zeros(pull.shape[0])
    np.maximum.at(highest, owners, pull.data)
    return np.asarray(np.bincount(owners, weights=pull.data, minlength=pull.shape[0]) - highest)
