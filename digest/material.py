"""Profiles x papers -> what each reader's digest can be made of: ranked, varied, with a floor and one from outside."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from digest.compose import Material
from digest.model import Paper, Profile, Score
from digest.ranking import PaperRanker, Ranking
from digest.ranking.diversity import diversify, wildcard
from digest.ranking.floor import LEAST, learn_floor

_DEEP = 3  # so many times a digest's papers are looked at, beside what was shown before
_PAST = 60  # of each profile's best papers of past days, enough to learn a floor from


@dataclass(frozen=True, slots=True)
class Papers:
    """What one round of digests is chosen from."""

    candidates: Mapping[str, Paper]  # by id
    past: Mapping[
        str, tuple[date, Paper]
    ]  # papers of earlier days, no candidates any more, with the day they came


def materials(
    ranker: PaperRanker, papers: Papers, people: Sequence[tuple[Profile, frozenset[str]]], *, now: datetime
) -> list[Material]:
    """One material for each (profile, ids of papers shown before), in their order; many profiles share one ranking."""
    profiles = [profile for profile, _ in people]
    candidates = list(papers.candidates.values())
    if not candidates:
        return [Material({}, (), shown) for _, shown in people]
    rankings = ranker.rank_many(profiles, candidates, now=now, limit=None)
    floors = _floors(ranker, papers, profiles, now)
    return [
        _material(ranker, papers, profile, shown, ranking, floor, now)
        for (profile, shown), ranking, floor in zip(people, rankings, floors, strict=True)
    ]


def _floors(ranker: PaperRanker, papers: Papers, profiles: Sequence[Profile], now: datetime) -> list[float]:
    """How good is good enough for each profile, by its past days."""
    if not papers.past:
        return [LEAST] * len(profiles)
    earlier = [paper for _, paper in papers.past.values()]
    rankings = ranker.rank_many(profiles, earlier, now=now, limit=_PAST)
    days = {on for on, _ in papers.past.values()}
    floors = []
    for profile, ranking in zip(profiles, rankings, strict=True):
        by_day: dict[date, list[Score]] = defaultdict(list, {on: [] for on in days})
        for score in ranking.scores:
            by_day[papers.past[score.paper_id][0]].append(score)
        floors.append(learn_floor(list(by_day.values()), max_papers=profile.max_papers))
    return floors


def _material(  # noqa: PLR0913, PLR0917  # one reader's part of everything above
    ranker: PaperRanker,
    papers: Papers,
    profile: Profile,
    shown: frozenset[str],
    ranking: Ranking,
    floor: float,
    now: datetime,
) -> Material:
    new = [score for score in ranking.scores if score.paper_id not in shown]
    candidates = list(papers.candidates.values())
    varied = diversify(new, candidates, ranker, limit=_DEEP * profile.max_papers)
    outside = wildcard(new, candidates, ranker, now=now) if profile.wildcard else None
    return Material(papers.candidates, varied, shown, floor, outside)
