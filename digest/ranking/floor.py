"""How good is good enough for one reader, learnt from past days."""

from collections.abc import Sequence

from digest.model import Score
from digest.ranking.reasons import interest_in

# Nothing below this is a match, whatever the days were like; nothing above it is ever held back.
LEAST = 0.1
ENOUGH = 0.5
# A floor wants so many days to be learnt from; before, only LEAST counts.
FEWEST_DAYS = 5
# An average day fills so much of a digest. The others are above or below: that is what makes a quiet day quiet.
USUALLY_FULL = 0.5


def learn_floor(past: Sequence[Sequence[Score]], *, max_papers: int) -> float:
    """The interest a paper must reach, given the rankings of past days (one sequence of scores a day).

    Chosen so that an average day of the past would have half filled a digest of `max_papers`; between 0.1 and 0.5 of a
    perfect match, so that neither poor days lower it to nothing nor rich ones hide a real match.
    """
    if len(past) < FEWEST_DAYS:
        return LEAST
    interests = sorted((interest_in(score) for day in past for score in day), reverse=True)
    place = round(len(past) * max_papers * USUALLY_FULL)
    if place >= len(interests):
        return LEAST
    return min(max(interests[place], LEAST), ENOUGH)


def above(scores: Sequence[Score], floor: float) -> list[Score]:
    """The scores whose interest reaches the floor, in their order."""
    return [score for score in scores if interest_in(score) >= floor]
