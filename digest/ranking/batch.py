"""Some readers at once: all papers weighed in dense rows, the best of them kept in arrays until reasons are asked for."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from itertools import repeat
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from digest.model import Reason, ReasonKind, Score, Standing
from digest.ranking.batch_best import Places
from digest.ranking.batch_table import Rows
from digest.ranking.floor import fit
from digest.ranking.follow import FOLLOW_VALUE, Followed
from digest.ranking.harmony import Coarse
from digest.ranking.meaning import Matrix
from digest.ranking.reasons import AS_A_WHOLE, Clerk, Part, Ranking, reason_of, score_of
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

    def of(self, some: Places) -> "Readers":
        """These of the readers alone."""
        return Readers(
            rows=self.rows,
            wishes=self.wishes.of(some),
            followed=[self.followed[row] for row in some],
            likenesses=[self.likenesses[row] for row in some],
            muted=[self.muted[row] for row in some],
        )


@dataclass(frozen=True)
class _KeywordParts:
    """What keywords bring, one entry a reader, paper and keyword, by reader."""

    starts: Sequence[int]  # a reader: its first entry
    owners: Places
    places: Places
    rows: NDArray[np.int32]
    kinds: NDArray[np.int8]
    worth: NDArray[np.float64]

    def of(self, reader: int) -> list[tuple[int, int, int, float]]:
        """Place of the paper, row of the keyword, kind and contribution of each entry."""
        start, end = self.starts[reader : reader + 2]
        return self._entries[start:end]

    @cached_property
    def _entries(self) -> list[tuple[int, int, int, float]]:
        tables: list[list[Any]] = [
            table.tolist() for table in (self.places, self.rows, self.kinds, self.worth)
        ]
        return list(zip(*tables, strict=True))


class _Listed(NamedTuple):
    """Tables of a batch as lists, one a reader: in Python, one number after the other is read much faster from these."""

    places: list[list[int]]
    values: list[list[float]]
    wholes: list[list[float]]  # what fitting all keywords adds to the scores
    shares: list[float]  # of the community in the scores, a reader


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
        places, ids = self._listed.places[reader], self.clerk.ids
        followed = {found.place for found in self.readers.followed[reader]}
        standings = zip(
            [ids[place] for place in places],
            self._listed.values[reader],
            self._fits[reader].tolist(),
            self._liked[reader].tolist(),
            [place in followed for place in places] if followed else repeat(False),
            strict=False,
        )
        return [one for one, place in zip(map(_standing, standings), places, strict=True) if place >= 0]

    def columns(self, reader: int) -> dict[str, int]:
        """In which column each paper of one reader stands."""
        ids, places = self.clerk.ids, self._listed.places[reader]
        return {ids[place]: column for column, place in enumerate(places) if place >= 0}

    def explain(self, reader: int, columns: Sequence[int]) -> list[Score]:
        """The scores of these columns of one reader, with reasons that add up to them.

        A liked paper that nothing else speaks for has its votes as a reason even where the reader's dial makes them worth
        nothing: the one from outside a profile is chosen for them.
        """
        places, values = self._listed.places[reader], self._listed.values[reader]
        trends = self.clerk.trends(self._listed.shares[reader])
        # That one may stand among the best as well, in another column.
        column_of = {places[column]: column for column in columns}
        parts: dict[int, list[Part]] = {place: [*trends[place]] for place in column_of}
        self._add_keywords(reader, column_of, parts)
        if self.readers.followed[reader]:
            self._add_followed(reader, parts)
        if self.readers.likenesses[reader]:
            self._add_taste(reader, parts)
        ids, votes_alone = self.clerk.ids, self.clerk.votes_alone
        return [
            score_of(ids[place], values[column], parts[place] or votes_alone(place))
            for column, place in ((column, places[column]) for column in columns)
        ]

    @cached_property
    def _listed(self) -> "_Listed":
        share = self.readers.wishes.interest[:, np.newaxis]
        return _Listed(
            places=self.places.tolist(),
            values=self.values.tolist(),
            wholes=(share * self.whole.astype(float)).tolist(),
            shares=self.readers.wishes.trending.tolist(),
        )

    @cached_property
    def _liked(self) -> Matrix:
        """What being liked brings."""
        return self.readers.wishes.trending[:, np.newaxis] * self.clerk.trend.liked[self.places]

    @cached_property
    def _fits(self) -> Matrix:
        """How well papers fit the readers' own wishes."""
        found = self._keyword_parts
        partly = np.zeros((len(self.places), len(self.clerk.papers) + 1))
        np.add.at(partly, (found.owners, found.places), np.where(found.kinds == COMPLETE, 0.0, found.worth))
        whole = self.readers.wishes.interest[:, np.newaxis] * self.whole
        return fit(self.interests, partly=np.take_along_axis(partly, self.places, axis=1), whole=whole)

    @cached_property
    def _keyword_parts(self) -> _KeywordParts:
        """All that readers' keywords find is looked through for their papers: it is little."""
        asked, rows = self.readers.wishes.weights, self.readers.rows
        owners = np.repeat(np.arange(len(self.places)), np.diff(asked.indptr))
        entries, asking = rows.entries(asked.indices)
        # One more, for the -1 where there is no paper.
        is_here = np.zeros((len(self.places), len(self.clerk.papers) + 1), dtype=bool)
        is_here[np.arange(len(self.places))[:, np.newaxis], self.places] = True
        is_found = is_here[owners[asking], rows.found.values.indices[entries]]
        entries, asking = entries[is_found], asking[is_found]
        worth = rows.worth(entries, (self.readers.wishes.interest[owners] * asked.data)[asking])
        entries, asking, worth = entries[worth != 0], asking[worth != 0], worth[worth != 0]
        owners, found = owners[asking], rows.found
        starts = np.searchsorted(owners, np.arange(len(self.places) + 1)).tolist()
        papers, keywords = found.values.indices[entries], asked.indices[asking]
        return _KeywordParts(starts, owners, papers, keywords, found.kinds[entries], worth)

    def _add_keywords(self, reader: int, columns: Mapping[int, int], parts: Mapping[int, list[Part]]) -> None:
        """What fits too little to be named is said once, together with what fitting all keywords adds."""
        word, keywords, whole = self.clerk.related, self.readers.rows.keywords, self._listed.wholes[reader]
        unnamed = {place: whole[column] for place, column in columns.items()}
        for place, row, kind, worth in self._keyword_parts.of(reader):
            if (found := parts.get(place)) is None:
                continue
            if kind == COMPLETE:
                said = reason_of((ReasonKind.KEYWORD, keywords[row].typed, worth))
                found.append((-abs(worth), said))
            elif worth >= _NAMED and (named := word(keywords[row], place, kind)):
                found.append((-worth, reason_of((*named, worth))))
            else:
                unnamed[place] += worth
        for place, adds in unnamed.items():
            if adds:
                parts[place].append((0.0, reason_of((ReasonKind.WHOLE, AS_A_WHOLE, adds))))

    def _add_followed(self, reader: int, parts: Mapping[int, list[Part]]) -> None:
        worth = float(self.readers.wishes.interest[reader]) * FOLLOW_VALUE
        for followed in self.readers.followed[reader] if worth else ():
            if followed.place in parts:
                parts[followed.place].append((-abs(worth), Reason(followed.kind, followed.name, worth)))

    def _add_taste(self, reader: int, parts: Mapping[int, list[Part]]) -> None:
        likeness, wishes = self.readers.likenesses[reader], self.readers.wishes
        assert likeness is not None
        share = float(wishes.interest[reader])
        sides = (
            (likeness.liked, "liked", share * float(wishes.trust[reader])),
            (likeness.disliked, "disliked", -share * float(wishes.distrust[reader])),
        )
        for (values, verb, weight), alike in zip(sides, likeness.alike, strict=True):
            for place, found in parts.items():
                if worth := float(weight * values[place]):
                    term = taste_term(int(alike[place]), verb)
                    found.append((-abs(worth), Reason(ReasonKind.TASTE, term, worth)))
