"""Some readers at once: all papers weighed in dense rows, the best of them kept in arrays until reasons are asked for."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from digest.model import ReasonKind, Score, Standing
from digest.ranking.batch_best import Places
from digest.ranking.batch_table import Rows
from digest.ranking.follow import FOLLOW_VALUE, Followed
from digest.ranking.meaning import Matrix
from digest.ranking.reasons import Clerk, Part, Ranking, part, score_of
from digest.ranking.taste import Likeness, taste_term
from digest.ranking.wishes import Wishes


@dataclass(frozen=True)
class Readers:
    """What some readers have asked for, in numbers. One row or entry a reader."""

    rows: Rows
    wishes: Wishes
    followed: Sequence[Sequence[Followed]]
    likenesses: Sequence[Likeness | None]
    muted: Sequence[Places]  # the papers their mute lists keep out


@dataclass(frozen=True)
class _KeywordParts:
    """What keywords bring, one entry a reader, paper and keyword, by reader."""

    starts: Places  # a reader: its first entry
    columns: NDArray[np.int64]
    rows: NDArray[np.int64]
    kinds: NDArray[np.int8]
    worth: NDArray[np.float64]

    def of(self, reader: int) -> Iterator[tuple[int, int, int, float]]:
        """Column, row of the keyword, kind and contribution of each entry."""
        mine = slice(*self.starts[reader : reader + 2])
        tables = (self.columns, self.rows, self.kinds, self.worth)
        return zip(*(table[mine].tolist() for table in tables), strict=True)


@dataclass(frozen=True)
class Batch:
    """The best papers of some readers: one row a reader, best first, -1 where there is none.

    After the first `count` columns stand well-liked papers that are none of the reader's interests.
    """

    clerk: Clerk
    readers: Readers
    count: int
    places: Places
    values: Matrix
    interests: Matrix  # the part of the values that comes from the readers' own wishes

    def chosen(self, columns: Places) -> "Batch":
        """The same readers with these columns of theirs alone (readers x columns, -1 for none)."""
        is_there = columns >= 0
        taken = [
            np.where(is_there, np.take_along_axis(table, np.maximum(columns, 0), axis=1), -1)
            for table in (self.places, self.values, self.interests)
        ]
        return replace(self, count=columns.shape[1], places=taken[0], values=taken[1], interests=taken[2])

    def ranking(self, reader: int) -> Ranking:
        """All papers of one reader, with reasons."""
        columns = np.flatnonzero(self.places[reader] >= 0)
        explained = tuple(self.explain(reader, columns.tolist()))
        count = int((columns < self.count).sum())
        return Ranking(explained[:count], len(self.readers.muted[reader]), explained[count:])

    def standings(self, reader: int) -> list[Standing]:
        """How all papers of one reader stand, in their order, without reasons."""
        places = self.places[reader].tolist()
        followed = {found.place for found in self.readers.followed[reader]}
        papers = self.clerk.papers
        parts = (self.values[reader].tolist(), self.interests[reader].tolist(), self._liked[reader].tolist())
        return [
            Standing(papers[place].id, value, interest, liked, place in followed)
            for place, value, interest, liked in zip(places, *parts, strict=True)
            if place >= 0
        ]

    def explain(self, reader: int, columns: Sequence[int]) -> list[Score]:
        """The scores of these columns of one reader, with reasons that add up to them."""
        parts: dict[int, list[Part]] = {column: [] for column in columns}
        places, values = self.places[reader].tolist(), self.values[reader].tolist()
        clerk, rows = self.clerk, self.readers.rows
        for column, row, kind, worth in self._keyword_parts.of(reader):
            if column in parts:
                parts[column].append(part(*clerk.keyword(rows, row, places[column], kind), worth))
        for column, found in parts.items():
            self._add_taste(reader, places[column], found)
            self._add_followed(reader, places[column], found)
            self._add_trend(reader, places[column], found)
        papers = clerk.papers
        return [score_of(papers[places[column]].id, values[column], found) for column, found in parts.items()]

    @cached_property
    def _liked(self) -> Matrix:
        return self._trending[:, np.newaxis] * self.clerk.trend.liked[self.places]

    @cached_property
    def _trending(self) -> NDArray[np.float64]:
        return self.readers.wishes.trending

    @cached_property
    def _keyword_parts(self) -> _KeywordParts:
        wishes, width = self.readers.wishes, self.places.shape[1]
        asked = wishes.weights
        owners = np.repeat(np.arange(asked.shape[0]), np.diff(asked.indptr))
        places = self.places[owners].ravel()
        rows = np.repeat(asked.indices.astype(np.int64), width)
        weights = np.repeat(wishes.interest[owners] * asked.data, width)
        entries = self.readers.rows.find(rows, places)
        is_found = np.flatnonzero((entries >= 0) & (places >= 0))
        worth = self.readers.rows.worth(entries[is_found], weights[is_found])
        is_found, worth = is_found[worth != 0], worth[worth != 0]
        starts = np.searchsorted(owners[is_found // max(width, 1)], np.arange(asked.shape[0] + 1))
        kinds = self.readers.rows.found.kinds[entries[is_found]]
        return _KeywordParts(starts, is_found % max(width, 1), rows[is_found], kinds, worth)

    def _add_followed(self, reader: int, place: int, parts: list[Part]) -> None:
        share = float(self.readers.wishes.interest[reader])
        followed = self.readers.followed[reader] if share else ()
        parts += [part(f.kind, f.name, share * FOLLOW_VALUE) for f in followed if f.place == place]

    def _add_taste(self, reader: int, place: int, parts: list[Part]) -> None:
        likeness, wishes = self.readers.likenesses[reader], self.readers.wishes
        if likeness is None:
            return
        share = float(wishes.interest[reader] * wishes.trust[reader])
        sides = ((likeness.liked, "liked", share), (likeness.disliked, "disliked", -share))
        for (values, verb, weight), alike in zip(sides, likeness.alike, strict=True):
            if contribution := float(weight * values[place]):
                parts.append(part(ReasonKind.TASTE, taste_term(int(alike[place]), verb), contribution))

    def _add_trend(self, reader: int, place: int, parts: list[Part]) -> None:
        trend, share = self.clerk.trend, self._trending[reader]
        liked, recent = float(share * trend.liked[place]), float(share * trend.recent[place])
        if liked:
            parts.append(part(ReasonKind.TRENDING, self.clerk.votes_said[place], liked))
        if recent:
            parts.append(part(ReasonKind.RECENT, self.clerk.published_said[place], recent))
