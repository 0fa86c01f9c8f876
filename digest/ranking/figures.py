"""How good a ranking is: nDCG, its mean over readers, and how sure we may be of a difference."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from random import Random

CUT = 10


@dataclass(frozen=True, slots=True)
class Judged:
    """A profile to rank for, with what people have said about the papers of its pool."""

    id: str
    task: str
    pool: str
    keywords: tuple[tuple[str, float], ...] = ()
    liked: tuple[str, ...] = ()
    disliked: tuple[str, ...] = ()
    user: str = ""

    @property
    def group(self) -> str:
        """Task and collection, the line of the table it belongs to."""
        return f"{self.task} {self.id.split('-')[0]}"

    @property
    def unit(self) -> str:
        """What is averaged first: a user's days (T4), a review's seeds (T2s), otherwise nothing."""
        if self.task.startswith("T4"):
            return self.user
        return self.pool if self.task.startswith("T2s") else self.id


def ndcg(
    judged: Judged, scores: Mapping[str, float], relevance: Mapping[str, float], pool: Iterable[str]
) -> float:
    """Normalised discounted cumulative gain (Järvelin and Kekäläinen, 2002) of the best ten, five for T2g.

    Papers of the pool without a score come last, and those voted for are left out. Equal scores are put in an order
    that depends on nothing but the names.
    """
    seen = {*judged.liked, *judged.disliked}
    candidates = [paper for paper in pool if paper not in seen]
    cut = 5 if judged.task == "T2g" else CUT
    gains = [_gain(judged.task, relevance.get(paper, 0.0)) for paper in candidates]
    ideal = _discounted(sorted(gains, reverse=True)[:cut])
    best = [_gain(judged.task, relevance.get(paper, 0.0)) for paper in _best(judged, scores, candidates, cut)]
    return _discounted(best) / ideal if ideal else 0.0


def _best(judged: Judged, scores: Mapping[str, float], papers: Sequence[str], count: int) -> list[str]:
    """The best papers in order; lots are drawn only where papers are equal."""
    values = [scores.get(paper, -math.inf) for paper in papers]
    least = sorted(values, reverse=True)[:count][-1] if papers else 0.0
    near = [
        (-value, _lot(judged.id, paper), paper)
        for value, paper in zip(values, papers, strict=True)
        if value >= least
    ]
    return [paper for _, _, paper in sorted(near)[:count]]


def _lot(profile_id: str, paper_id: str) -> bytes:
    return blake2b(f"{profile_id}|{paper_id}".encode(), digest_size=8).digest()


def _gain(task: str, relevance: float) -> float:
    if task == "T2q":
        return float(2.0**relevance - 1)
    return max(relevance - 1, 0.0) if task == "T2g" else float(relevance > 0)


def _discounted(gains: Sequence[float]) -> float:
    return sum(gain / math.log2(place + 2) for place, gain in enumerate(gains))


def by_unit(profiles: Sequence[Judged], values: Mapping[str, float]) -> dict[str, dict[str, float]]:
    """Group -> unit -> mean value of its profiles."""
    collected: dict[str, dict[str, list[float]]] = {}
    for judged in profiles:
        if judged.id in values:
            collected.setdefault(judged.group, {}).setdefault(judged.unit, []).append(values[judged.id])
    return {group: {unit: mean(found) for unit, found in units.items()} for group, units in collected.items()}


def mean(values: Sequence[float]) -> float:
    """The arithmetic mean; 0 of nothing."""
    return sum(values) / len(values) if values else 0.0


def interval(differences: Sequence[float], *, rounds: int = 1_000, seed: int = 5) -> float:
    """Half the width of the 95 % bootstrap interval of the mean; 0 for fewer than two values."""
    if len(differences) < 2:
        return 0.0
    random = Random(seed)  # noqa: S311  no secret depends on it
    means = sorted(mean(random.choices(differences, k=len(differences))) for _ in range(rounds))
    return (means[int(0.975 * rounds)] - means[int(0.025 * rounds)]) / 2
