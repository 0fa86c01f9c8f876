"""The scorer: fitted once to everything recent, then asked for any number of profiles."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Self

from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from digest.model import Paper, Profile, Score
from digest.ranking.batch import Batch
from digest.ranking.batch_table import MOST_NUMBERS
from digest.ranking.counter import Counter, Fitted
from digest.ranking.keywords import KeywordMatcher
from digest.ranking.meaning import Encoder, Meaning, Sentences, one_thread
from digest.ranking.reasons import Ranking
from digest.ranking.related import Librarian, Reach
from digest.ranking.shelf import Library, Saturation
from digest.ranking.spelling import Abbreviations
from digest.ranking.taste import Taste
from digest.ranking.trending import Sighting, TrendScale
from digest.ranking.wishes import named_by

MOST_OUTSIDE = 3  # one is sent; more in case that it was shown before


class PaperRanker(BaseEstimator):  # type: ignore[misc]  # scikit-learn is untyped
    """Ranks papers for readers and says why.

    Parameters
    ----------
    k1, b : saturation and length normalisation of term counts, as in BM25.
    title_weight : how many words of an abstract one word of a title is worth.
    pair_weight : what two words of a keyword gain by standing side by side, relative to one of them.
    dimensions : size of the space in which papers about the same thing lie near each other; 0 for none.
    feedback : how many papers of the corpus show where the subject of a keyword lies.
    nearness : what lying there is worth, relative to the best match of the keyword; and what lying where all keywords of
        a reader point to is worth, relative to the best matches of all but the strongest.
    nearby : share of the corpus that may be called near a keyword.
    ceiling : no paper gets beyond this share of the best match without saying the whole keyword; with it, none less.
    patience : how many votes weigh as much as the keywords.
    seed : for the randomised SVD.
    encoder : a model of language that was learnt elsewhere, to stand beside what the corpus teaches; none for None.

    A perfect match of a reader's only keyword is worth about 1, as is one of the strongest of several that fits the
    others too; and so are a paper most like those the reader voted for and one of the most upvoted of the corpus. The
    same papers, profiles and `now` give the same bits, however many readers are asked about at once.
    """

    def __init__(  # noqa: PLR0913  an estimator's parameters stand here, and nowhere else
        self,
        *,
        k1: float = 1.2,
        b: float = 0.6,
        title_weight: int = 2,
        pair_weight: float = 0.3,
        dimensions: int = 128,
        feedback: int = 15,
        nearness: float = 0.8,
        nearby: float = 0.1,
        ceiling: float = 0.4,
        patience: float = 2.5,
        seed: int = 0,
        encoder: Encoder | None = None,
    ) -> None:
        self.k1 = k1
        self.b = b
        self.title_weight = title_weight
        self.pair_weight = pair_weight
        self.dimensions = dimensions
        self.feedback = feedback
        self.nearness = nearness
        self.nearby = nearby
        self.ceiling = ceiling
        self.patience = patience
        self.seed = seed
        self.encoder = encoder

    def fit(self, papers: Sequence[Paper], y: None = None) -> Self:  # noqa: ARG002  scikit-learn's signature
        """Learn from the corpus: words and what they go with, abbreviations, and how many votes are many."""
        with one_thread():
            return self._fit(papers)

    def _fit(self, papers: Sequence[Paper]) -> Self:
        self.library_ = Library(papers, Saturation(self.k1, self.b, self.title_weight))
        self.abbreviations_ = Abbreviations(papers)
        sentences = Sentences(self.encoder, self.library_.shelf.papers) if self.encoder else None
        self.meaning_ = Meaning(
            self.library_.shelf, dimensions=self.dimensions, seed=self.seed, sentences=sentences
        )
        matcher = KeywordMatcher(self.library_.shelf, self.abbreviations_, pair_weight=self.pair_weight)
        reach = Reach(self.feedback, self.nearness, self.nearby, self.ceiling)
        self.librarian_ = Librarian(self.library_.shelf, self.meaning_, matcher, reach)
        self.trend_scale_ = TrendScale.learn(papers)
        return self

    def rank(
        self,
        profile: Profile,
        candidates: Sequence[Paper],
        *,
        now: datetime,
        limit: int | None = None,
        taste: Taste | None = None,
        sightings: Mapping[str, Sighting] | None = None,
    ) -> list[Score]:
        """The candidates for one reader, best first, ties by paper id; without those the reader mutes."""
        return list(
            self.rank_many([profile], candidates, now=now, limit=limit, tastes=[taste], sightings=sightings)[
                0
            ].scores
        )

    def rank_many(
        self,
        profiles: Sequence[Profile],
        candidates: Sequence[Paper],
        *,
        now: datetime,
        limit: int | None = 50,
        tastes: Sequence[Taste | None] | None = None,
        sightings: Mapping[str, Sighting] | None = None,
    ) -> list[Ranking]:
        """One ranking a profile, in their order; `limit` papers each, all of them for None.

        `tastes` holds what each reader has voted for, in the order of the profiles; `sightings` says, by paper id, when
        papers were listed and their votes counted, where that is known.
        """
        counter = self.lay_out(candidates, now=now, sightings=sightings)
        return [
            batch.ranking(reader)
            for batch in self.serve(counter, profiles, tastes, now=now, limit=limit, outside=MOST_OUTSIDE)
            for reader in range(len(batch.places))
        ]

    def lay_out(
        self,
        candidates: Sequence[Paper],
        *,
        now: datetime,
        sightings: Mapping[str, Sighting] | None = None,
        remembered: int = MOST_NUMBERS,
    ) -> Counter:
        """The candidates made ready for any number of readers, one after the other or many at once.

        `remembered` bounds what is kept of keywords, in numbers: see `KeywordTable`.
        """
        check_is_fitted(self, "library_")
        with one_thread():
            return Counter(self._fitted(), candidates, now, sightings, remembered)

    def serve(
        self,
        counter: Counter,
        profiles: Sequence[Profile],
        tastes: Sequence[Taste | None] | None = None,
        *,
        now: datetime,
        limit: int | None,
        outside: int = 0,
    ) -> Iterator[Batch]:
        """The best papers of many readers, some readers at a time, so that memory does not grow with their number."""
        votes = [None] * len(profiles) if tastes is None else list(tastes)
        if len(votes) != len(profiles):
            raise ValueError(f"{len(profiles)} profiles, but {len(votes)} tastes: give one or None for each")
        for start in range(0, len(profiles), counter.rows_at_once):
            some = slice(start, start + counter.rows_at_once)
            with one_thread():
                yield counter.serve(named_by(profiles[some]), votes[some], limit, now=now, outside=outside)

    def _fitted(self) -> Fitted:
        return Fitted(
            library=self.library_,
            abbreviations=self.abbreviations_,
            meaning=self.meaning_,
            librarian=self.librarian_,
            trend_scale=self.trend_scale_,
            pair_weight=self.pair_weight,
            patience=self.patience,
        )
