"""How good is good enough for one reader, learnt from past days."""

import numpy as np

from digest.ranking.batch_best import Places, kth_highest
from digest.ranking.meaning import Matrix
from digest.ranking.shelf import Vector

# Nothing below this is a match, whatever the days were like; nothing above it is ever held back.
LEAST = 0.1
ENOUGH = 0.5
# A floor wants so many days to be learnt from; before, only LEAST counts.
FEWEST_DAYS = 5
# An average day fills so much of a digest. The others are above or below: that is what makes a quiet day quiet.
USUALLY_FULL = 0.5


def learn_floors(interests: Matrix, *, days: int, max_papers: Places) -> Vector:
    """The interest a paper must reach for each reader, given that in all papers of so many past days (readers x papers).

    Chosen so that an average day of the past would have half filled a digest of `max_papers`; between 0.1 and 0.5 of a
    perfect match, so that neither poor days lower it to nothing nor rich ones hide a real match.
    """
    floors = np.full(len(interests), LEAST)
    if days < FEWEST_DAYS:
        return floors
    places = np.round(days * max_papers * USUALLY_FULL).astype(np.int64)
    rich = np.flatnonzero((interests > LEAST).sum(axis=1) > places)
    floors[rich] = np.clip(kth_highest(interests[rich], places[rich]), LEAST, ENOUGH)
    return floors
