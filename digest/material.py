"""Profiles x papers -> what each reader's digest can be made of: ranked, varied, with a floor and one from outside."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

from digest.compose import Material
from digest.model import Paper, Profile, Score
from digest.ranking import PaperRanker, Ranking, Taste
from digest.ranking.diversity import diversify
from digest.ranking.floor import LEAST, learn_floor
from digest.ranking.trending import Sighting

_DEEP = 3  # so many times a digest's papers are looked at, beside what was shown before
_PAST = 60  # of each profile's best papers of past days, enough to learn a floor from


@dataclass(frozen=True, slots=True)
class Reader:
    """One of those who are due."""

    profile: Profile
    shown: frozenset[str] = frozenset()  # ids of papers shown before
    taste: Taste | None = None


@dataclass(frozen=True, slots=True)
class Papers:
    """What one round of digests is chosen from."""

    candidates: Mapping[str, Paper]  # by id
    # Papers of earlier days, no candidates any more, with the day they came.
    past: Mapping[str, tuple[date, Paper]]
    # When votes were counted, where it is known.
    sightings: Mapping[str, Sighting] = field(default_factory=dict)


class FittedOnce:
    """Remembers the scorer of the last corpus, so that looking every minute does not mean learning every minute."""

    def __init__(self) -> None:
        self._corpus: list[Paper] = []
        self._ranker: PaperRanker | None = None

    def __call__(self, corpus: list[Paper]) -> PaperRanker:
        """The scorer fitted to `corpus`: the same one while the corpus stays the same."""
        if self._ranker is None or corpus != self._corpus:
            self._ranker, self._corpus = PaperRanker().fit(corpus), corpus
        return self._ranker


def materials(
    ranker: PaperRanker, papers: Papers, readers: Sequence[Reader], *, now: datetime
) -> list[Material]:
    """One material for each reader, in their order; many readers share one ranking."""
    candidates = list(papers.candidates.values())
    if not candidates:
        return [Material({}, (), reader.shown) for reader in readers]
    profiles = [reader.profile for reader in readers]
    tastes = [reader.taste for reader in readers]
    # Enough of the list that what was shown before, and what is not of interest, leaves a full digest.
    enough = _DEEP * max(profile.max_papers for profile in profiles) + max(
        len(reader.shown) for reader in readers
    )
    rankings = ranker.rank_many(
        profiles, candidates, now=now, limit=enough, tastes=tastes, sightings=papers.sightings
    )
    floors = _floors(ranker, papers, readers, now)
    return [
        _material(ranker, papers, reader, ranking, floor)
        for reader, ranking, floor in zip(readers, rankings, floors, strict=True)
    ]


def _floors(ranker: PaperRanker, papers: Papers, readers: Sequence[Reader], now: datetime) -> list[float]:
    """How good is good enough for each reader, by their past days."""
    if not papers.past:
        return [LEAST] * len(readers)
    earlier = [paper for _, paper in papers.past.values()]
    profiles, tastes = [reader.profile for reader in readers], [reader.taste for reader in readers]
    rankings = ranker.rank_many(profiles, earlier, now=now, limit=_PAST, tastes=tastes)
    days = {on for on, _ in papers.past.values()}
    floors = []
    for profile, ranking in zip(profiles, rankings, strict=True):
        by_day: dict[date, list[Score]] = defaultdict(list, {on: [] for on in days})
        for score in ranking.scores:
            by_day[papers.past[score.paper_id][0]].append(score)
        floors.append(learn_floor(list(by_day.values()), max_papers=profile.max_papers))
    return floors


def _material(
    ranker: PaperRanker, papers: Papers, reader: Reader, ranking: Ranking, floor: float
) -> Material:
    new = [score for score in ranking.scores if score.paper_id not in reader.shown]
    candidates = list(papers.candidates.values())
    varied = diversify(new, candidates, ranker, limit=_DEEP * reader.profile.max_papers)
    unseen = (score for score in ranking.outside if score.paper_id not in reader.shown)
    outside = next(unseen, None) if reader.profile.wildcard else None
    return Material(papers.candidates, varied, reader.shown, floor, outside)
