"""Profiles x papers -> what each reader's digest can be made of: ranked, varied, with a floor and one from outside."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cached_property
from math import ceil

import numpy as np

from digest import garbage
from digest.compose import Material
from digest.model import Paper, Profile, Score, Update
from digest.ranking import PaperRanker, Taste
from digest.ranking.batch import Batch, Readers
from digest.ranking.batch_best import Places
from digest.ranking.batch_table import MOST_NUMBERS
from digest.ranking.counter import Counter
from digest.ranking.diversity import vary
from digest.ranking.floor import FEWEST_DAYS, LEAST, learn_floors, usual_matches
from digest.ranking.meaning import Encoder, one_thread
from digest.ranking.mute import NOWHERE
from digest.ranking.shelf import Vector
from digest.ranking.trending import Sighting
from digest.ranking.wishes import Named, named_by

_DEEP = 3  # so many times a digest's papers are put in order: what does not fit leaves a full digest
_LOOKED_AT = 2  # so many times as many are looked at for it
_PAST = 2_000  # papers of whole past days, the newest, are enough to learn a floor from


@dataclass(frozen=True, slots=True)
class Reader:
    """One of those who are due."""

    profile: Profile
    shown: frozenset[str] = frozenset()  # ids of papers shown before
    taste: Taste | None = None
    updates: tuple[Update, ...] = ()  # news of papers shown before, the strongest first


@dataclass(frozen=True)
class Papers:
    """What one round of digests is chosen from. Keep it for the round: what is worked out about it is remembered."""

    candidates: Mapping[str, Paper]  # by id
    # Papers of earlier days, no candidates any more, with the day they came.
    past: Mapping[str, tuple[date, Paper]]
    # When votes were counted, where it is known.
    sightings: Mapping[str, Sighting] = field(default_factory=dict)
    # How much is remembered of keywords, in numbers of a few bytes.
    remembered: int = MOST_NUMBERS
    _laid_out: dict[tuple[int, date], "_Tables"] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    def make_ready(self, ranker: PaperRanker, now: datetime) -> None:
        """Work out now what all readers of a round share, instead of when the first of them needs it."""
        with one_thread():
            self.tables(ranker, now).make_ready()

    def tables(self, ranker: PaperRanker, now: datetime) -> "_Tables":
        """Everything laid out for this scorer and day."""
        key = id(ranker.library_), now.date()
        tables = self._laid_out.get(key)
        if tables is None:
            tables = _Tables(ranker, self, now)
            self._laid_out.clear()
            self._laid_out[key] = tables
        return tables


class _Tables:
    """Candidates and past papers, laid out once for all readers of a round."""

    def __init__(self, ranker: PaperRanker, papers: Papers, now: datetime) -> None:
        self._ranker = ranker  # kept, so that nothing else gets its id
        self._papers = papers
        self._now = now
        self.candidates = ranker.lay_out(
            list(papers.candidates.values()),
            now=now,
            sightings=papers.sightings,
            remembered=papers.remembered,
        )
        self.places = {paper.id: place for place, paper in enumerate(self.candidates.papers)}

    @cached_property
    def _earlier(self) -> tuple[int, list[Paper]]:
        """How many past days there are to learn from, and their papers."""
        by_day: dict[date, list[Paper]] = {}
        for on, paper in self._papers.past.values():
            by_day.setdefault(on, []).append(paper)
        days, earlier = 0, list[Paper]()
        for on in sorted(by_day, reverse=True):
            if days and len(earlier) + len(by_day[on]) > _PAST:
                break
            days, earlier = days + 1, earlier + by_day[on]
        return days, earlier

    @cached_property
    def _past(self) -> Counter:
        return self._ranker.lay_out(self._earlier[1], now=self._now, remembered=self._papers.remembered)

    def make_ready(self) -> None:
        """See `Papers.make_ready`."""
        self.candidates.compare()
        if self._earlier[0] >= FEWEST_DAYS:
            self._past  # noqa: B018  laid out when it is first asked for

    def news(self, reader: Reader, muted: Places) -> list[Update]:
        """The updates worth telling: not of papers the reader mutes by now, nor of those they have voted on."""
        if not reader.updates:
            return []
        taste, out = reader.taste or Taste(), set(muted.tolist())
        voted = {vote.paper.id for vote in (*taste.liked, *taste.disliked)}
        told = (one for one in reader.updates if one.paper.id not in voted)
        return [one for one in told if self.places.get(one.paper.id) not in out]

    def floors(self, readers: Readers, named: Named, tastes: Sequence[Taste | None]) -> Vector:
        """How good is good enough for each reader, by their past days."""
        days, floors = self._earlier[0], LEAST * readers.wishes.strongest
        if days < FEWEST_DAYS:
            return floors
        max_papers = np.array([max(profile.max_papers, 1) for profile in named.profiles])
        asked = self._past.read(named, tastes, now=self._now)
        rich = np.flatnonzero(self._past.may_fit(asked, floors) > usual_matches(days, max_papers))
        # There are more past papers than candidates, and so fewer readers at once.
        for start in range(0, len(rich), self._past.rows_at_once):
            some = rich[start : start + self._past.rows_at_once]
            fits = self._past.fits(asked.of(some))
            floors[some] = learn_floors(fits, least=floors[some], days=days, max_papers=max_papers[some])
        return floors


class FittedOnce:
    """Remembers the scorer of the last corpus, so that looking every minute does not mean learning every minute."""

    def __init__(self) -> None:
        self._corpus: list[Paper] = []
        self._ranker: PaperRanker | None = None

    def __call__(self, corpus: list[Paper], encoder: Encoder | None = None) -> PaperRanker:
        """The scorer fitted to `corpus`: the same one while the corpus stays the same."""
        if self._ranker is None or corpus != self._corpus:
            self._ranker, self._corpus = PaperRanker(encoder=encoder).fit(corpus), corpus
            garbage.keep()  # else looking through what was learnt would cost a third of every round
        return self._ranker


def materials(
    ranker: PaperRanker, papers: Papers, readers: Sequence[Reader], *, now: datetime
) -> list[Material]:
    """One material for each reader, in their order. What one reader gets never depends on who else is asked about."""
    if not papers.candidates:
        return [Material({}, (), reader.shown) for reader in readers]
    with one_thread():
        tables = papers.tables(ranker, now)
        step = _alike(len(readers), tables.candidates.rows_at_once)
        some = (readers[start : start + step] for start in range(0, len(readers), step))
        return [material for readers in some for material in _some(tables, papers, readers, now)]


def _alike(count: int, usual: int) -> int:
    """The size of parts that are all alike, of about the usual size: a small one at the end would cost nearly as much."""
    return ceil(max(count, 1) / max(round(count / usual), 1))


def _some(tables: _Tables, papers: Papers, readers: Sequence[Reader], now: datetime) -> Iterator[Material]:
    """For so many readers as are best looked at together."""
    tastes = [reader.taste for reader in readers]
    depths = np.array([_DEEP * max(reader.profile.max_papers, 1) for reader in readers])
    shown = [_places(tables.places, reader.shown) for reader in readers]
    named, most = named_by([reader.profile for reader in readers]), int(_LOOKED_AT * depths.max())
    batch = tables.candidates.serve(named, tastes, most, now=now, outside=1, barred=shown)
    varied = _varied(tables.candidates, batch, depths)
    floors = tables.floors(batch.readers, named, tastes)
    for row, (reader, floor) in enumerate(zip(readers, floors.tolist(), strict=True)):
        wild = next(iter(varied.standings(row, slice(-1, None))), None) if reader.profile.wildcard else None
        yield Material(
            papers=papers.candidates,
            ranked=varied.standings(row, slice(-1)),
            shown=reader.shown,
            floor=floor,
            wildcard=wild,
            updates=tables.news(reader, batch.readers.muted[row]),
            explain=_Explain(varied, row),
        )


def _varied(counter: Counter, batch: Batch, depths: Places) -> Batch:
    """The best of each reader in an order worth reading, as deep as each may go, and the one from outside at the end."""
    columns = np.arange(batch.count)
    places, values = batch.places[:, : batch.count], batch.values[:, : batch.count]
    is_looked_at = (places >= 0) & (columns < (_LOOKED_AT * depths)[:, np.newaxis])
    repeats, rows = counter.repeats(np.maximum(places, 0))
    values = np.where(is_looked_at, values, -np.inf)
    order = vary(values, repeats, rows, count=min(int(depths.max()), batch.count))
    order[np.arange(order.shape[1]) >= depths[:, np.newaxis]] = -1
    outside = np.full((len(places), 1), batch.count if batch.places.shape[1] > batch.count else -1)
    return batch.chosen(np.concatenate([order, outside], axis=1))


def _places(known: Mapping[str, int], paper_ids: frozenset[str]) -> Places:
    if not paper_ids:
        return NOWHERE
    return np.array([known[paper_id] for paper_id in paper_ids if paper_id in known], dtype=np.int64)


@dataclass(frozen=True, slots=True)
class _Explain:
    """Gives one reader's papers their reasons."""

    batch: Batch
    row: int

    def __call__(self, paper_ids: Sequence[str]) -> list[Score]:
        columns = self.batch.columns(self.row, paper_ids)
        return self.batch.explain(self.row, columns)
