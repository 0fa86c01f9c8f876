"""What a profile asks for, in numbers."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import copysign, isfinite, sqrt

import numpy as np
from numpy.typing import NDArray

from digest.model import Profile
from digest.ranking.shelf import Vector

# What a paper that is all about a keyword reaches of the limit that endless repetition would.
PERFECT = 0.8
HEAVIEST = 1_000.0
LIGHTEST = 1e-6
# A dislike as strong as ten wishes is a mute list.
MOST_UNWANTED = 10.0


@dataclass(frozen=True, slots=True)
class Wishes:
    """A profile's keywords as weights, and how much each side of the score counts."""

    keywords: NDArray[np.int64]  # rows of the keyword matrix, ascending
    weights: Vector  # such that a perfect match of the strongest keyword is worth 1, less what votes are trusted more
    trust: float  # share of votes beside keywords: 0 = keywords alone, 1 = votes alone
    interest: float  # share of the profile
    trending: float  # share of the community; both add up to 1


def read_wishes(
    profile: Profile, place: Mapping[str, int], ideals: Vector, *, votes: float, patience: float
) -> Wishes:
    """Weigh the profile's keywords; one that is named twice counts once, with its first weight.

    `votes` votes against `patience` say how far votes are trusted over keywords: n / (n + patience). A profile that
    asks for nothing is ranked by what is trending.
    """
    named: dict[int, float] = {}
    for interest in profile.interests:
        for typed in interest.keywords:
            named.setdefault(place[typed], _damped(interest.weight))
    rows = np.array(sorted(named), dtype=np.int64)
    raw = np.array([named[row] for row in rows], dtype=float)
    wanted = np.where(raw > 0, raw, 0.0) if np.any(raw > 0) else np.abs(raw)
    strongest = float(np.max(wanted * ideals[rows], initial=0.0)) * PERFECT
    asks = bool(named or profile.follow_authors or profile.follow_organizations or votes)
    trending = min(max(profile.trending, 0.0), 1.0) if isfinite(profile.trending) else 0.0
    trending = trending if asks else 1.0
    trust = votes / (votes + patience) if bool(np.any(raw > 0)) and votes else float(votes > 0)
    weights = np.zeros_like(raw)
    if strongest > 0:
        worth = np.maximum(raw * ideals[rows] / strongest, -MOST_UNWANTED)
        weights = np.divide(worth, ideals[rows], out=weights, where=ideals[rows] > 0)
    return Wishes(rows, np.where(raw > 0, 1 - trust, 1.0) * weights, trust, 1 - trending, trending)


def _damped(weight: float) -> float:
    """The square root of a weight: people's weights lie further apart than their interests (measured)."""
    if not isfinite(weight) or abs(weight) < LIGHTEST:
        return 0.0
    return copysign(sqrt(min(abs(weight), HEAVIEST)), weight)
