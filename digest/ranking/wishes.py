"""What a profile asks for, in numbers."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import isfinite

import numpy as np
from numpy.typing import NDArray

from digest.model import Profile
from digest.ranking.shelf import Vector

# What a paper that is all about a keyword reaches of the limit that endless repetition would.
PERFECT = 0.8
HEAVIEST = 1_000.0


@dataclass(frozen=True, slots=True)
class Wishes:
    """A profile's keywords as weights, and how its interests and the community share the score."""

    keywords: NDArray[np.int64]  # rows of the keyword matrix, ascending
    weights: Vector  # such that a perfect match of the strongest keyword is worth 1
    share: float  # of the interests
    trending: float  # of the community; both add up to 1


def read_wishes(profile: Profile, place: Mapping[str, int], ideals: Vector) -> Wishes:
    """Weigh the profile's keywords; one that is named twice counts once, with its first weight.

    A profile that asks for nothing is ranked by what is trending.
    """
    weights: dict[int, float] = {}
    for interest in profile.interests:
        for typed in interest.keywords:
            weights.setdefault(place[typed], _sane(interest.weight))
    rows = np.array(sorted(weights), dtype=np.int64)
    raw = np.array([weights[row] for row in rows], dtype=float)
    strongest = float(np.max(np.abs(raw) * ideals[rows], initial=0.0)) * PERFECT
    asks = bool(weights or profile.follow_authors or profile.follow_organizations)
    trending = min(max(profile.trending, 0.0), 1.0) if isfinite(profile.trending) else 0.0
    trending = trending if asks else 1.0
    return Wishes(rows, raw / strongest if strongest > 0 else raw * 0.0, 1 - trending, trending)


def _sane(weight: float) -> float:
    return min(max(weight, -HEAVIEST), HEAVIEST) if isfinite(weight) else 0.0
