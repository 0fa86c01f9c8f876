"""Some readers at once: all papers weighed in dense rows, the best of them kept in arrays until reasons are asked for."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from itertools import compress, repeat
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from digest.model import Reason, ReasonKind, Score, Standing
from digest.ranking.batch_best import Places
from digest.ranking.batch_table import Rows
from digest.ranking.floor import fit
from digest.ranking.follow import FOLLOW_VALUE, Followed
from digest.ranking.harmony import Coarse
from digest.ranking.meaning import Matrix
from digest.ranking.reasons import Clerk, Part, Ranking, reason_of, score_of
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
    """What keywords bring: one entry a keyword and cell, that is a reader's column, counted through all readers.

    A paper that stands in two columns of a reader has its entries in the last of them. Complete matches come first, by
    cell; then all others, by cell.
    """

    cells: Places  # readers x columns: in which cell the entries of the paper there are
    partly: Matrix  # readers x columns: what matches that are not complete bring
    starts: Places  # a cell: the first of its complete matches; then, a cell: the first of its others
    rows: NDArray[np.int32]  # an entry: the keyword
    kinds: NDArray[np.int8]
    worth: NDArray[np.float64]


class Listed(NamedTuple):
    """Tables of a batch as lists, one a reader: in Python, one number after the other is read much faster from these."""

    places: list[list[int]]
    is_there: list[list[bool]]
    values: list[list[float]]
    fits: list[list[float]]
    liked: list[list[float]]
    wholes: list[list[float]]  # what fitting all keywords adds to the scores
    shares: list[float]  # of the community in the scores, a reader
    cells: list[list[int]]
    said_from: list[int]  # a cell: where its complete matches begin in `said`
    said: list[Part]
    near_from: list[int]  # a cell: where its other matches begin in `near`
    near: list[tuple[int, int, float]]  # row of the keyword, kind and contribution


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

    def standings(self, reader: int, columns: slice = slice(None)) -> "Standings":
        """How the papers in these columns of one reader stand, in their order, without reasons."""
        return Standings(self, reader, columns)

    def columns(self, reader: int, paper_ids: Sequence[str]) -> list[int]:
        """In which columns these papers of one reader stand. Raises `ValueError` for one that does not."""
        places = self.listed.places[reader]
        return [places.index(self.clerk.places[paper_id]) for paper_id in paper_ids]

    def explain(self, reader: int, columns: Sequence[int]) -> list[Score]:
        """The scores of these columns of one reader, with reasons that add up to them.

        A liked paper that nothing else speaks for has its votes as a reason even where the reader's dial makes them worth
        nothing: the one from outside a profile is chosen for them.
        """
        listed, clerk = self.listed, self.clerk
        places, values, cells = listed.places[reader], listed.values[reader], listed.cells[reader]
        trends, wholes = clerk.trends(listed.shares[reader]), listed.wholes[reader]
        others = self._by_others(reader, [places[column] for column in columns])
        scores = []
        for column in columns:
            place, cell = places[column], cells[column]
            parts = listed.said[listed.said_from[cell] : listed.said_from[cell + 1]]
            parts += trends[place]
            if others:
                parts += others[place]
            unnamed = wholes[column]
            if near := listed.near[listed.near_from[cell] : listed.near_from[cell + 1]]:
                unnamed = self._add_near(near, place, unnamed, parts)
            if not parts and not unnamed:
                parts = clerk.votes_alone(place)
            scores.append(score_of(clerk.ids[place], values[column], parts, unnamed))
        return scores

    @cached_property
    def listed(self) -> "Listed":
        found, share = self._keyword_parts, self.readers.wishes.interest[:, np.newaxis]
        whole, size = share * self.whole, self.places.size
        rest = slice(found.starts[size], None)
        rows, kinds, worth = found.rows[rest], found.kinds[rest], found.worth[rest]
        fits = fit(self.interests, partly=found.partly, whole=whole)
        liked = self.readers.wishes.trending[:, np.newaxis] * self.clerk.trend.liked[self.places]
        return Listed(
            places=self.places.tolist(),
            is_there=(self.places >= 0).tolist(),
            values=self.values.tolist(),
            fits=fits.tolist(),
            liked=liked.tolist(),
            wholes=whole.tolist(),
            shares=self.readers.wishes.trending.tolist(),
            cells=found.cells.tolist(),
            said_from=found.starts[: size + 1].tolist(),
            said=self._complete(found),
            near_from=(found.starts[size:] - found.starts[size]).tolist(),
            near=list(zip(rows.tolist(), kinds.tolist(), worth.tolist(), strict=True)),
        )

    def _complete(self, found: _KeywordParts) -> list[Part]:
        """Complete matches as parts of scores."""
        typed = [keyword.typed for keyword in self.readers.rows.keywords]
        terms = [typed[row] for row in found.rows[: found.starts[self.places.size]].tolist()]
        said = map(reason_of, zip(repeat(ReasonKind.KEYWORD), terms, found.worth.tolist(), strict=False))
        return list(zip((-np.abs(found.worth)).tolist(), said, strict=False))

    @cached_property
    def _keyword_parts(self) -> _KeywordParts:
        """All that readers' keywords find is looked through for their papers: it is little."""
        asked, rows = self.readers.wishes.weights, self.readers.rows
        # One column more, for the -1 where there is no paper.
        size, width = self.places.size, len(self.clerk.papers) + 1
        owners = np.repeat(np.arange(len(self.places)), np.diff(asked.indptr))
        entries, asking = rows.entries(asked.indices)
        cell_of = np.full((len(self.places), width), -1, dtype=np.int64)
        np.put_along_axis(cell_of, self.places % width, np.arange(size).reshape(self.places.shape), axis=1)
        cells = cell_of.ravel()[owners[asking] * width + rows.found.values.indices[entries]]
        is_found = cells >= 0
        entries, asking, cells = entries[is_found], asking[is_found], cells[is_found]
        worth = rows.worth(entries, (self.readers.wishes.interest[owners] * asked.data)[asking])
        entries, asking, cells, worth = (table[worth != 0] for table in (entries, asking, cells, worth))
        kinds = rows.found.kinds[entries]
        is_other = kinds != COMPLETE
        partly = np.bincount(cells, weights=np.where(is_other, worth, 0.0), minlength=size)
        # Each entry a row of its own, turned: that counts instead of sorting.
        table = worth, np.where(is_other, size + cells, cells), np.arange(len(cells) + 1)
        by_cell = sparse.csr_array(table, shape=(len(cells), 2 * size)).tocsc()
        order, cell_of = by_cell.indices, np.take_along_axis(cell_of, self.places % width, axis=1)
        return _KeywordParts(
            cells=cell_of,
            partly=np.asarray(partly[cell_of], dtype=float),
            starts=by_cell.indptr,
            rows=asked.indices[asking[order]],
            kinds=kinds[order],
            worth=by_cell.data,
        )

    def _add_near(
        self, near: Sequence[tuple[int, int, float]], place: int, whole: float, parts: list[Part]
    ) -> float:
        """Name what keywords bring a paper that does not say them. Returns what is too little to be named, with `whole`."""
        for row, kind, worth in near:
            keyword = self.readers.rows.keywords[row]
            if worth >= _NAMED and (named := self.clerk.related(keyword, place, kind)):
                parts.append((-worth, reason_of((*named, worth))))
            else:
                whole += worth
        return whole

    def _by_others(self, reader: int, places: Sequence[int]) -> dict[int, list[Part]]:
        """What people followed, and votes, bring these papers; nothing for most readers."""
        followed, likeness = self.readers.followed[reader], self.readers.likenesses[reader]
        if not followed and not likeness:
            return {}
        parts: dict[int, list[Part]] = {place: [] for place in places}
        self._add_followed(reader, parts)
        if likeness:
            self._add_taste(reader, parts)
        return parts

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


@dataclass(frozen=True, slots=True)
class Standings:
    """How papers of one reader stand, each worked out when it is come to: most digests are full long before the end."""

    batch: Batch
    reader: int
    columns: slice

    def __len__(self) -> int:
        return sum(self.batch.listed.is_there[self.reader][self.columns])

    def __contains__(self, one: object) -> bool:
        return any(one == other for other in self)

    def __iter__(self) -> Iterator[Standing]:
        listed, followed = self.batch.listed, {one.place for one in self.batch.readers.followed[self.reader]}
        places, is_there = (
            listed.places[self.reader][self.columns],
            listed.is_there[self.reader][self.columns],
        )
        values = [table[self.reader][self.columns] for table in (listed.values, listed.fits, listed.liked)]
        ids = map(self.batch.clerk.ids.__getitem__, places)
        is_followed = map(followed.__contains__, places) if followed else repeat(False)
        return compress(map(_standing, zip(ids, *values, is_followed, strict=False)), is_there)
