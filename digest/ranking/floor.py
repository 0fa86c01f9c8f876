"""How good is good enough for one reader, learnt from past days."""

import numpy as np

from digest.ranking.batch_best import Places, kth_highest
from digest.ranking.harmony import Coarse
from digest.ranking.meaning import Matrix
from digest.ranking.shelf import Vector

# Nothing below this share of what a paper all about the reader's strongest wish is worth is a match, whatever the days
# were like: keywords mentioned in passing stay below. Nothing above ENOUGH is ever held back.
LEAST = 0.35
ENOUGH = 0.5
# A floor wants so many days to be learnt from; before, only LEAST counts.
FEWEST_DAYS = 5
# An average day fills so much of a digest. The others are above or below: that is what makes a quiet day quiet.
USUALLY_FULL = 0.5


def fit(interest: Matrix, *, partly: Matrix, whole: Matrix | Coarse) -> Matrix:
    """How well papers fit readers, by their interest and two parts of it: what saying part of a keyword or being near it
    brings, and what fitting all keywords adds.

    Both put papers in order, but what only lies in the right direction is no match: the first counts half here, the
    second for no more than all else.
    """
    own = interest - whole
    own -= partly / 2
    own += np.minimum(np.maximum(own, 0.0), whole)
    return np.asarray(own)


def usual_matches(days: int, max_papers: Places) -> Places:
    """How many matches each reader should find in so many days."""
    return np.round(days * max_papers * USUALLY_FULL).astype(np.int64)


def learn_floors(fits: Matrix, *, least: Vector, days: int, max_papers: Places) -> Vector:
    """How well a paper must fit each reader, given how well all papers of so many past days did (readers x papers).

    Chosen so that an average day of the past would have half filled a digest of `max_papers`; between `least` and half
    a perfect match, so that neither poor days lower it to nothing nor rich ones hide a real match.
    """
    floors = least.copy()
    if days < FEWEST_DAYS:
        return floors
    places = usual_matches(days, max_papers)
    rich = np.flatnonzero((fits > least[:, np.newaxis]).sum(axis=1) > places)
    usual = np.minimum(kth_highest(fits[rich], places[rich]), ENOUGH)
    floors[rich] = np.maximum(usual, least[rich])
    return floors
