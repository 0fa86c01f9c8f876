"""Some readers at once: all papers weighed in dense rows, the best of them kept in arrays until reasons are asked for."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from digest.model import ReasonKind, Score, Standing
from digest.ranking.batch_best import Places
from digest.ranking.batch_table import Rows
from digest.ranking.floor import fit
from digest.ranking.follow import FOLLOW_VALUE, Followed
from digest.ranking.harmony import Coarse
from digest.ranking.meaning import Matrix
from digest.ranking.reasons import AS_A_WHOLE, Clerk, Part, Ranking, part, score_of
from digest.ranking.related import COMPLETE
from digest.ranking.taste import Likeness, taste_term
from digest.ranking.wishes import Wishes

# A keyword that a paper does not say is named as a reason from this part of a perfect match on.
_NAMED = 0.05


# As `Standing._make`, three times faster: it is done thirty times for every reader.
_standing: Callable[[tuple[Any, ...]], Standing] = partial(tuple.__new__, Standing)


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
    whole: Coarse  # what fitting all keywords together adds to the readers' own interest

    def chosen(self, columns: Places) -> "Batch":
        """The same readers with these columns of theirs alone (readers x columns, -1 for none)."""
        is_there = columns >= 0
        taken = [
            np.where(is_there, np.take_along_axis(table, np.maximum(columns, 0), axis=1), -1)
            for table in (self.places, self.values, self.interests, self.whole)
        ]
        places, values, interests, whole = taken
        return replace(
            self, count=columns.shape[1], places=places, values=values, interests=interests, whole=whole
        )

    def ranking(self, reader: int) -> Ranking:
        """All papers of one reader, with reasons."""
        columns = np.flatnonzero(self.places[reader] >= 0)
        explained = tuple(self.explain(reader, columns.tolist()))
        count = int((columns < self.count).sum())
        return Ranking(explained[:count], len(self.readers.muted[reader]), explained[count:])

    def standings(self, reader: int) -> list[Standing]:
        """How all papers of one reader stand, in their order, without reasons."""
        places = self.places[reader].tolist()
        ids = [self.clerk.papers[place].id for place in places]
        followed = {found.place for found in self.readers.followed[reader]}
        parts = (
            self.values[reader].tolist(),
            self._fits[reader].tolist(),
            self._trends[0][reader].tolist(),
        )
        standings = zip(ids, *parts, [place in followed for place in places], strict=True)
        return [_standing(one) for one, place in zip(standings, places, strict=True) if place >= 0]

    def columns(self, reader: int) -> dict[str, int]:
        """In which column each paper of one reader stands."""
        papers = self.clerk.papers
        places = self.places[reader].tolist()
        return {papers[place].id: column for column, place in enumerate(places) if place >= 0}

    def explain(self, reader: int, columns: Sequence[int]) -> list[Score]:
        """The scores of these columns of one reader, with reasons that add up to them.

        A liked paper that nothing else speaks for has its votes as a reason even where the reader's dial makes them worth
        nothing: the one from outside a profile is chosen for them.
        """
        parts: dict[int, list[Part]] = {column: [] for column in columns}
        places, clerk = self.places[reader].tolist(), self.clerk
        self._add_trend(reader, places, parts)
        self._add_keywords(reader, places, parts)
        if self.readers.followed[reader]:
            self._add_followed(reader, places, parts)
        if self.readers.likenesses[reader]:
            self._add_taste(reader, places, parts)
        for column, found in parts.items():
            if not found and clerk.trend.liked[places[column]] > 0:
                found.append(part(ReasonKind.TRENDING, clerk.votes_said[places[column]], 0.0))
        values, papers = self.values[reader].tolist(), clerk.papers
        return [score_of(papers[places[column]].id, values[column], found) for column, found in parts.items()]

    @cached_property
    def _trends(self) -> tuple[Matrix, Matrix]:
        """What being liked and being new bring."""
        trend, share = self.clerk.trend, self.readers.wishes.trending[:, np.newaxis]
        return share * trend.liked[self.places], share * trend.recent[self.places]

    @cached_property
    def _fits(self) -> Matrix:
        """How well papers fit the readers' own wishes."""
        found = self._keyword_parts
        owners = np.repeat(np.arange(len(self.places)), np.diff(found.starts))
        worth = np.where(found.kinds == COMPLETE, 0.0, found.worth)
        partly = np.zeros(self.places.shape)
        np.add.at(partly, (owners, found.columns), worth)
        whole = self.readers.wishes.interest[:, np.newaxis] * self.whole
        return fit(self.interests, partly=partly, whole=whole)

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

    def _add_trend(self, reader: int, places: list[int], parts: Mapping[int, list[Part]]) -> None:
        clerk = self.clerk
        liked, recent = (table[reader].tolist() for table in self._trends)
        for column, found in parts.items():
            if liked[column]:
                found.append(part(ReasonKind.TRENDING, clerk.votes_said[places[column]], liked[column]))
            if recent[column]:
                said = clerk.published_said[places[column]]
                found.append(part(ReasonKind.RECENT, said, recent[column]))

    def _add_keywords(self, reader: int, places: list[int], parts: Mapping[int, list[Part]]) -> None:
        """What fits too little to be named is said once, together with what fitting all keywords adds."""
        word, keywords = self.clerk.keyword, self.readers.rows.keywords
        unnamed = (self.readers.wishes.interest[reader] * self.whole[reader].astype(float)).tolist()
        for column, row, kind, worth in self._keyword_parts.of(reader):
            if column in parts:
                is_named = kind == COMPLETE or worth >= _NAMED
                named = word(keywords[row], places[column], kind) if is_named else None
                if named:
                    parts[column].append(part(*named, worth))
                else:
                    unnamed[column] += worth
        for column, found in parts.items():
            if unnamed[column]:
                found.append(part(ReasonKind.WHOLE, AS_A_WHOLE, unnamed[column]))

    def _add_followed(self, reader: int, places: list[int], parts: Mapping[int, list[Part]]) -> None:
        worth = float(self.readers.wishes.interest[reader]) * FOLLOW_VALUE
        for column, found in parts.items():
            followed = self.readers.followed[reader] if worth else ()
            found += [part(f.kind, f.name, worth) for f in followed if f.place == places[column]]

    def _add_taste(self, reader: int, places: list[int], parts: Mapping[int, list[Part]]) -> None:
        likeness, wishes = self.readers.likenesses[reader], self.readers.wishes
        assert likeness is not None
        share = float(wishes.interest[reader])
        sides = (
            (likeness.liked, "liked", share * float(wishes.trust[reader])),
            (likeness.disliked, "disliked", -share * float(wishes.distrust[reader])),
        )
        for (values, verb, weight), alike in zip(sides, likeness.alike, strict=True):
            for column, found in parts.items():
                if worth := float(weight * values[places[column]]):
                    term = taste_term(int(alike[places[column]]), verb)
                    found.append(part(ReasonKind.TASTE, term, worth))
