"""What profiles ask for, in numbers."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from functools import lru_cache
from math import copysign, isfinite, sqrt

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from digest.model import Profile
from digest.ranking.shelf import Vector

# What a paper that is all about a keyword reaches of the limit that endless repetition would.
PERFECT = 0.8
HEAVIEST = 1_000.0
LIGHTEST = 1e-6
# So many keywords to the power of this bring together what one brings alone (measured).
CROWDING = 1 / 3
# A dislike as strong as ten wishes is a mute list.
MOST_UNWANTED = 10.0


@dataclass(frozen=True, slots=True)
class Wishes:
    """What some readers ask for: their keywords as weights, and how much each side of a score counts. One row a reader."""

    # Readers x keywords, such that a perfect match of a reader's strongest keyword is worth 1, less what votes are
    # trusted more. The entries of a row stand in the order of the keywords' letters, so that sums never depend on who
    # else was asked about.
    weights: sparse.csr_array
    trust: Vector  # share of votes beside keywords: 0 = keywords alone, 1 = votes alone
    distrust: Vector  # how far votes against are heeded, even where there are no others; takes nothing from keywords
    strongest: Vector  # what a paper all about the strongest keyword, or most like those liked, is worth
    interest: Vector  # share of the profile
    trending: Vector  # share of the community; both add up to 1

    def of(self, some: NDArray[np.int64]) -> "Wishes":
        """Those of these readers alone."""
        return Wishes(*(getattr(self, one.name)[some] for one in fields(self)))


@dataclass(frozen=True)
class Named:
    """Some profiles and the keywords they name, one profile after the other. One that a profile names twice counts once,
    with its first weight.
    """

    profiles: Sequence[Profile]
    typed: Sequence[str]  # all of them, each once, in the order of their letters
    counts: NDArray[np.int64]  # a profile: how many keywords it names
    columns: NDArray[np.int32]  # which of `typed` each is; those of a profile in the order of their letters
    raw: Vector  # the weight of each


def named_by(profiles: Sequence[Profile]) -> Named:
    """These profiles, looked through once for all that is to be asked with them."""
    counts, words, raw = [], list[str](), list[float]()
    for profile in profiles:
        named: dict[str, float] = {}
        for interest in profile.interests:
            weight = _damped(interest.weight)
            for word in interest.keywords:
                named.setdefault(word, weight)
        counts.append(len(named))
        words += sorted(named)
        raw += [named[word] for word in words[len(raw) :]]
    typed = sorted(set(words))
    place = {word: place for place, word in enumerate(typed)}
    columns = np.array([place[word] for word in words], dtype=np.int32)
    return Named(profiles, typed, np.array(counts, dtype=np.int64), columns, np.array(raw, dtype=float))


def read_wishes(
    named: Named,
    ideals: Vector,
    *,
    votes: Vector,
    against: Vector,
    patience: float,
) -> Wishes:
    """Weigh the profiles' keywords.

    `ideals` says what a paper reaches that says a keyword and nothing else. `votes` votes against
    `patience` say how far votes are trusted over keywords: n / (n + patience); `against` counts those that say no. A
    profile that asks for nothing is ranked by what is trending.
    """
    profiles, counts, columns, raw = named.profiles, named.counts, named.columns, named.raw
    owners = np.repeat(np.arange(len(profiles)), counts)
    wishes_something = np.bincount(owners[raw > 0], minlength=len(profiles)) > 0
    trust = np.where(wishes_something, votes / (votes + patience), (votes > 0).astype(float))
    asks = (counts > 0) | (votes > 0) | [bool(p.follow_authors or p.follow_organizations) for p in profiles]
    dials = np.array([profile.trending for profile in profiles], dtype=float)
    trending = np.where(np.isfinite(dials), np.clip(dials, 0.0, 1.0), 0.0)
    trending = np.where(asks, trending, 1.0)
    scaled = _scaled(raw, ideals[columns], owners, wishes_something)
    # Of many keywords a paper meets several: without this, neither votes nor the community would count beside them.
    crowd = np.maximum(np.bincount(owners[raw > 0], minlength=len(profiles)), 1.0) ** CROWDING
    of_keywords = (1 - trust) / crowd
    weights = np.where(raw > 0, of_keywords[owners], 1.0) * scaled
    indptr = np.concatenate([[0], np.cumsum(counts)])
    table = sparse.csr_array((weights, columns, indptr), shape=(len(profiles), len(ideals)))
    distrust = np.maximum(trust, against / (against + patience))
    return Wishes(table, trust, distrust, np.maximum(of_keywords, trust), 1 - trending, trending)


def _scaled(
    raw: Vector, ideals: Vector, owners: NDArray[np.intp], wishes_something: NDArray[np.bool_]
) -> Vector:
    """Weights such that a perfect match of the strongest keyword of its owner is worth 1."""
    wanted = np.where(wishes_something[owners], np.maximum(raw, 0.0), np.abs(raw))
    strongest = np.zeros(len(wishes_something))
    np.maximum.at(strongest, owners, wanted * ideals)
    measure = (strongest * PERFECT)[owners]
    worth = np.divide(raw * ideals, measure, out=np.zeros_like(raw), where=measure > 0)
    worth = np.maximum(worth, -MOST_UNWANTED)
    return np.divide(worth, ideals, out=np.zeros_like(raw), where=ideals > 0)


@lru_cache(maxsize=1_024)
def _damped(weight: float) -> float:
    """The square root of a weight: people's weights lie further apart than their interests (measured)."""
    if not isfinite(weight) or abs(weight) < LIGHTEST:
        return 0.0
    return copysign(sqrt(min(abs(weight), HEAVIEST)), weight)
