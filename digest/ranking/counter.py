"""Where readers are served from one day's candidates."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from threading import Lock

import numpy as np
from scipy import sparse
from sklearn.utils.extmath import safe_sparse_dot

from digest.model import Paper
from digest.ranking.batch import Batch, Readers
from digest.ranking.batch_best import Places, best_places
from digest.ranking.batch_table import MOST_NUMBERS, KeywordTable, Rows
from digest.ranking.diversity import repetition
from digest.ranking.floor import fit
from digest.ranking.follow import FOLLOW_VALUE, NameIndex
from digest.ranking.harmony import Coarse, coarse, harmony
from digest.ranking.keywords import Keyword, KeywordMatcher, Matches
from digest.ranking.meaning import Matrix, Meaning, likeness, unit_terms
from digest.ranking.mute import MuteList
from digest.ranking.reasons import Clerk
from digest.ranking.related import Assessment, Librarian, assess
from digest.ranking.shelf import Library, Vector, in_order
from digest.ranking.spelling import Abbreviations
from digest.ranking.taste import Likeness, Taste, TasteReader, TasteWeights
from digest.ranking.trending import Sighting, TrendScale
from digest.ranking.wishes import Named, Wishes, read_wishes

# An interest below this share of a perfect match is none.
OUTSIDE = 0.1
# Among so many of the most liked papers is one from outside every profile.
_LOOKED_AT = 256
# Readers x papers weighed at once: the dense result stays in the cache, which is ten times faster than all at once.
_AT_ONCE = 2**18
_HALF = 0.5 - 1e-9  # and what rounding may take off
# Papers whose likeness may be kept whole: 72 MB.
_ALL_ALIKE = 3_000


@dataclass(frozen=True)
class Fitted:
    """All that is learnt from a corpus, and what it was learnt with."""

    library: Library
    abbreviations: Abbreviations
    meaning: Meaning
    librarian: Librarian
    trend_scale: TrendScale
    pair_weight: float
    patience: float


class Counter:
    """One day's candidates, laid out once for all readers. What a keyword finds among them is remembered.

    Any number of threads may ask at once.
    """

    def __init__(
        self,
        fitted: Fitted,
        candidates: Sequence[Paper],
        now: datetime,
        sightings: Mapping[str, Sighting] | None,
        remembered: int = MOST_NUMBERS,
    ) -> None:
        self.papers = list({paper.id: paper for paper in in_order(candidates)}.values())
        self.fitted = fitted
        self.shelf = fitted.library.shelve(self.papers)
        self._rows = fitted.library.find(self.papers)
        self.known = self.shelf.weights[:, : len(fitted.library.shelf.columns)]
        if self._rows is None:
            self.places = fitted.meaning.coordinates(self.papers, self.known)
        else:
            self.places = fitted.meaning.corpus[self._rows]
        self.coarse_places = coarse(self.places)
        self.mutes = MuteList(self.papers)
        self.names = NameIndex(self.papers)
        self.trend = fitted.trend_scale.measure(self.papers, now, sightings)
        self.table = KeywordTable(len(self.papers), self._assess, fitted.librarian.guide, remembered)
        self.clerk = Clerk(self.papers, self.shelf, self.trend, fitted.librarian)
        self._asked_alike = 0
        self._tasting = Lock()
        # The most liked first, and among equals the first by id.
        self._by_liking = np.argsort(-self.trend.liked, kind="stable")

    @property
    def rows_at_once(self) -> int:
        """How many readers are best served together. More or fewer change no bit of what they get."""
        return min(max(_AT_ONCE // max(len(self.papers), 1), 16), 1_024)

    def serve(
        self,
        named: Named,
        tastes: Sequence[Taste | None],
        limit: int | None,
        *,
        now: datetime,
        outside: int = 0,
        barred: Sequence[Places] | None = None,
    ) -> Batch:
        """The best papers of some readers: one product for all keywords, then one look at all rows.

        `outside` asks for so many well-liked papers besides that are none of a reader's interests; `barred` holds, by
        reader, the places of papers they cannot get. Few enough readers at a time fit into a processor's cache: see
        `rows_at_once`.
        """
        readers = self.read(named, tastes, now=now)
        interest, unwanted, whole = self._weigh(readers)
        interest *= readers.wishes.interest[:, np.newaxis]
        values = interest + readers.wishes.trending[:, np.newaxis] * self.trend.total
        for reasons in (readers.muted, barred or ()):
            _bar(values, reasons)
        best = best_places(values, len(self.papers) if limit is None else limit)
        places = np.concatenate([best, self._outside(interest, unwanted, values, outside)], axis=1)
        values, interest = (np.take_along_axis(table, places, axis=1) for table in (values, interest))
        whole = np.take_along_axis(whole, places, axis=1)
        return Batch(self.clerk, readers, best.shape[1], places, values, interest, whole)

    def fits(self, readers: Readers) -> Matrix:
        """How well every paper fits each of these readers' own wishes: 1 for a perfect match, -inf for what they mute."""
        interest, _, whole = self._weigh(readers)
        partly = _product(readers.wishes.weights.maximum(0), readers.rows.partly)
        fits = fit(interest, partly=partly, whole=whole)
        _bar(fits, readers.muted)
        return fits

    def may_fit(self, readers: Readers, least: Vector) -> Places:
        """How many papers may fit each reader better than `least`, which is above 0: never fewer than by `fits`.

        Fast, for what fitting all keywords adds, which takes most of the time there, is not asked: it doubles at most.
        """
        own = readers.wishes.weights.maximum(0) @ readers.rows.own
        owners = np.repeat(np.arange(len(least)), np.diff(own.indptr))
        counts = np.bincount(owners[own.data > least[owners] * _HALF], minlength=len(least))
        others = zip(readers.followed, readers.likenesses, strict=True)
        has_others = [bool(followed) or likeness is not None for followed, likeness in others]
        return np.asarray(np.where(has_others, len(self.papers), counts))

    def read(self, named: Named, tastes: Sequence[Taste | None], *, now: datetime) -> Readers:
        """What these readers ask for, in numbers."""
        rows = self.table.learn(named.typed)
        likenesses = self._likenesses(tastes, now)
        votes = np.array([likeness.strength if likeness else 0.0 for likeness in likenesses])
        against = np.array([likeness.against if likeness else 0.0 for likeness in likenesses])
        patience = self.fitted.patience
        return Readers(
            rows,
            read_wishes(named, rows.ideals, votes=votes, against=against, patience=patience),
            [self.names.followed(profile) for profile in named.profiles],
            likenesses,
            [self.mutes.places(profile.mute) for profile in named.profiles],
        )

    def _weigh(self, readers: Readers) -> tuple[Matrix, Matrix, Coarse]:
        """The readers' own interest in every paper, and two parts of it.

        The first, 0 or less, is what unwanted things take away, a single column of zeros when nobody has named any; the
        second what fitting all keywords together adds.
        """
        wishes = readers.wishes
        wanted, unwanted = self._products(wishes, readers.rows)
        whole = harmony(
            wishes.weights, readers.rows.guide, self.coarse_places, worth=self.fitted.librarian.reach.weight
        )
        whole *= wanted > 0
        wanted += whole
        for row, names in enumerate(readers.followed):
            for name in names:
                wanted[row, name.place] += FOLLOW_VALUE
        if any(readers.likenesses) and unwanted.shape != wanted.shape:
            unwanted = np.zeros_like(wanted)
        for row, found in enumerate(readers.likenesses):
            if found:
                wanted[row] += wishes.trust[row] * found.liked
                unwanted[row] -= wishes.distrust[row] * found.disliked
        return (wanted + unwanted if unwanted.shape == wanted.shape else wanted), unwanted, whole

    def _products(self, wishes: Wishes, rows: Rows) -> tuple[Matrix, Matrix]:
        """What the keywords wished for bring, and what the unwanted ones take away (readers x papers)."""
        if not (wishes.weights.data < 0).any():
            return _product(wishes.weights, rows.found.values), np.zeros((wishes.weights.shape[0], 1))
        wanted, unwanted = wishes.weights.copy(), wishes.weights.copy()
        wanted.data = np.maximum(wanted.data, 0.0)
        unwanted.data = np.minimum(unwanted.data, 0.0)
        return _product(wanted, rows.found.values), _product(unwanted, rows.said)

    def _outside(self, interest: Matrix, unwanted: Matrix, values: Matrix, most: int) -> Places:
        """Papers that are none of a reader's interests but liked by the community, the best liked first."""
        looked_at = self._by_liking[: _LOOKED_AT if most else 0]
        looked_at = looked_at[self.trend.liked[looked_at] > 0]
        is_wanted = unwanted[:, looked_at] == 0 if unwanted.shape == interest.shape else unwanted == 0
        allowed = (interest[:, looked_at] < OUTSIDE) & is_wanted & (values[:, looked_at] > -np.inf)
        # They stand in the right order: of those allowed, the first.
        found = best_places(np.where(allowed, -np.arange(len(looked_at), dtype=float), -np.inf), most)
        return np.where(found >= 0, looked_at[found], -1) if found.size else found

    def _assess(self, keywords: Sequence[Keyword]) -> tuple[Vector, Assessment]:
        librarian = self.fitted.librarian
        matches = self._match(keywords)
        guide = librarian.guide(keywords).at_best(matches.ideals)
        return matches.ideals, assess(matches, guide, self.places, librarian.reach)

    def _match(self, keywords: Sequence[Keyword]) -> Matches:
        """Papers of the corpus have been matched with the corpus; new ones bring words along that it does not know."""
        if self._rows is not None:
            return self.fitted.librarian.match(keywords).of_papers(self._rows)
        return self._matcher.match(keywords)

    @cached_property
    def _matcher(self) -> KeywordMatcher:
        return KeywordMatcher(self.shelf, self.fitted.abbreviations, pair_weight=self.fitted.pair_weight)

    def _likenesses(self, tastes: Sequence[Taste | None], now: datetime) -> list[Likeness | None]:
        if not any(tastes):
            return [None] * len(tastes)
        with self._tasting:
            self._taste_reader.gather(tastes)
            return [self._taste_reader.read(taste, now) if taste else None for taste in tastes]

    @cached_property
    def _taste_reader(self) -> TasteReader:
        return TasteReader(self.fitted.library, self.fitted.meaning, self.papers, TasteWeights())

    def compare(self) -> None:
        """Work out now how alike the papers are, where they are few enough, instead of when it was asked for often."""
        if len(self.papers) <= _ALL_ALIKE:
            _ = self._all_repeats

    def repeats(self, places: Places) -> tuple[Matrix, Places]:
        """How far papers repeat each other in words and meaning (papers x papers), these and perhaps others; and in which
        row each of them is. See `repetition`.
        """
        # When a part of it has been asked for that is worth it, what is between all papers is worked out once.
        if "_all_repeats" not in self.__dict__:
            papers, rows = np.unique(places, return_inverse=True)
            self._asked_alike += len(papers)
            if 2 * self._asked_alike < len(self.papers) or len(self.papers) > _ALL_ALIKE:
                alike = likeness(self._terms[papers], self.places[papers])
                return repetition(alike), rows.reshape(places.shape)
        return self._all_repeats, places

    @cached_property
    def _all_repeats(self) -> Matrix:
        return repetition(likeness(self._terms, self.places))

    @cached_property
    def _terms(self) -> sparse.csr_array:
        return unit_terms(self.known, self.fitted.library.shelf.shared)


def _bar(values: Matrix, barred: Sequence[Places]) -> None:
    """Take papers out of the rows of those who cannot get them."""
    for row, places in enumerate(barred):
        if len(places):
            values[row, places] = -np.inf


def _product(weights: sparse.csr_array, table: sparse.csr_array) -> Matrix:
    return np.asarray(safe_sparse_dot(weights, table, dense_output=True))
