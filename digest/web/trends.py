"""What the community likes at the moment: the same for everybody, with nobody's keywords in it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np

from digest.desk import sightings_of
from digest.model import Paper
from digest.ranking.trending import TrendScale
from digest.store import Store
from digest.store.feeds import first_seen
from digest.store.papers import StoredPaper, seen_since, when_counted

_LATELY = timedelta(days=7)
_TODAY = timedelta(hours=36)  # before the newest page: a day's page and what is added to it in the evening
_FEWEST = 5


@dataclass(frozen=True, slots=True)
class Trending:
    """One paper that is liked."""

    paper: Paper
    seen_at: datetime  # when it was first picked up


def trending(store: Store, *, limit: int, now: datetime) -> list[Trending]:
    """The papers of the newest day the community likes most, the best first; of the last week where the day has few.

    Raises `StoreError`.
    """
    with store.reading() as db:
        lately = [one for one in seen_since(db, now - _LATELY) if one.last_seen_at <= now]
        counted = when_counted(db, now - _LATELY)
        first = first_seen(db, [one.pk for one in lately])
    if not lately:
        return []
    newest = lately[0].last_seen_at
    today = [one for one in lately if first[one.pk] > newest - _TODAY]
    wanted = today if len(today) >= _FEWEST else lately
    papers = [one.paper for one in wanted]
    scale = TrendScale.learn([one.paper for one in lately])
    value = scale.measure(papers, now, sightings_of(counted)).total
    return [Trending(wanted[place].paper, first[wanted[place].pk]) for place in _best(wanted, value)[:limit]]


def _best(wanted: Sequence[StoredPaper], value: "np.ndarray[tuple[int], np.dtype[np.float64]]") -> list[int]:
    """Places by value, the best first; of equals the smaller id."""
    return sorted(range(len(wanted)), key=lambda place: (-value[place], wanted[place].paper.id))
