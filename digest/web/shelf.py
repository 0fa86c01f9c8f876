"""Papers of these days, laid out once for everybody, and what a profile would get of them. It knows no event loop."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from functools import lru_cache

from digest.cadence import next_issue
from digest.compose import Material, compose
from digest.desk import Limits, sightings_of
from digest.material import FittedOnce, Papers, Reader, materials
from digest.model import Digest, Paper, Profile, Skip
from digest.ranking import PaperRanker
from digest.ranking.advice import KeywordAdvice, KeywordHelp
from digest.store import Store
from digest.store.papers import StoredPaper, seen_since, when_counted
from digest.text import title_key

_COUNTED = timedelta(days=30)
_STARTERS = 6
# Strangers type other keywords every moment: what is kept of them is copied whenever one is added.
_REMEMBERED = 200_000  # numbers, about 4 MB


@dataclass(frozen=True, slots=True)
class Sample:
    """What a profile would get now: a digest (without picks where nothing fits) and what each keyword finds."""

    digest: Digest
    advice: tuple[KeywordAdvice, ...]
    corpus: int  # papers of the days that `advice` counts in
    starters: tuple[str, ...] = ()  # keywords to begin with, where there are none

    def for_reader(self, email: str, profile: Profile) -> Digest:
        """The digest as it would be addressed to somebody."""
        return replace(self.digest, subscriber=email, profile=profile)

    def picked(self, typed: str) -> int:
        """In how many of the picks a keyword had a part."""
        return sum(any(reason.term == typed for reason in pick.score.why) for pick in self.digest.picks)


@dataclass(frozen=True)
class Shelf:
    """What answers are made from, at one moment."""

    ranker: PaperRanker
    papers: Papers
    help: KeywordHelp
    counted: int
    made_at: datetime
    starters: tuple[
        str, ...
    ]  # phrases that many of the latest papers say, for somebody who has named nothing
    by_id: Mapping[str, Paper]
    by_title: Mapping[str, Paper]  # by title key

    def known(self, paper: Paper) -> Paper:
        """What we know of a paper, or else what is said of it."""
        return self.by_id.get(paper.id) or self.by_title.get(title_key(paper.title)) or paper


def lay_out(store: Store, limits: Limits, fitted: FittedOnce, now: datetime) -> Shelf:
    """Learn from the papers of the last months, and lay out those of the last days. Raises `StoreError`.

    Nothing is left for the first who asks.
    """
    since = now - limits.lookback
    with store.reading() as db:
        known = seen_since(db, now - limits.corpus, limit=limits.corpus_papers)
        counted = when_counted(db, since)
    stored = [one for one in known if one.last_seen_at <= now]
    ranker = fitted([one.paper for one in stored], limits.encoder)
    lately = [one.paper for one in stored if one.last_seen_at > now - _COUNTED]
    papers = _papers(stored, since, sightings=counted)
    papers.make_ready(ranker, now)
    help_ = KeywordHelp(ranker, lately)
    return Shelf(
        ranker,
        papers,
        help_,
        len(lately),
        now,
        tuple(help_.usual_phrases(_STARTERS)),
        {one.paper.id: one.paper for one in stored},
        {title_key(one.paper.title): one.paper for one in stored},
    )


def _papers(
    stored: list[StoredPaper], since: datetime, sightings: dict[str, tuple[date, datetime]]
) -> Papers:
    return Papers(
        {one.paper.id: one.paper for one in stored if one.last_seen_at > since},
        {
            one.paper.id: (one.last_seen_at.date(), one.paper)
            for one in stored
            if since - timedelta(days=21) < one.last_seen_at <= since
        },
        sightings_of(sightings),
        remembered=_REMEMBERED,
    )


def digest_of(shelf: Shelf, profile: Profile, now: datetime, reader: Reader | None = None) -> Digest:
    """The digest of a profile as of now; one without picks where nothing fits."""
    [material] = materials(shelf.ranker, shelf.papers, [reader or Reader(profile)], now=now)
    return _composed(profile, material, now)


def _composed(profile: Profile, material: Material, now: datetime) -> Digest:
    issue = _next(profile.cadence, profile.timezone, now)
    digest = compose(issue, profile, material)
    if isinstance(digest, Skip):
        digest = compose(issue, replace(profile, quiet_day="note"), material)
    assert isinstance(digest, Digest)
    return digest


_next = lru_cache(maxsize=256)(
    next_issue
)  # strangers, of whom there are many at once, have one rhythm in common


def sample_of(shelf: Shelf, profile: Profile, now: datetime, reader: Reader | None = None) -> Sample:
    """The digest of a profile, and what is to be said of its keywords."""
    wanted = _words(profile)
    advice = tuple(shelf.help.advise(wanted)) if wanted else ()
    return _sample(shelf, digest_of(shelf, profile, now, reader), advice)


def samples_of(shelf: Shelf, profiles: Sequence[Profile], now: datetime) -> list[Sample]:
    """The same for many profiles at once."""
    readers = [Reader(profile) for profile in profiles]
    wanted = list(dict.fromkeys(word for profile in profiles for word in _words(profile)))
    advice = dict(zip(wanted, shelf.help.advise(wanted), strict=True)) if wanted else {}
    chosen = materials(shelf.ranker, shelf.papers, readers, now=now)
    return [
        _sample(shelf, _composed(profile, material, now), tuple(advice[word] for word in _words(profile)))
        for profile, material in zip(profiles, chosen, strict=True)
    ]


def _sample(shelf: Shelf, digest: Digest, advice: tuple[KeywordAdvice, ...]) -> Sample:
    return Sample(digest, advice, shelf.counted, () if advice else shelf.starters)


def _words(profile: Profile) -> list[str]:
    return [word for interest in profile.interests for word in interest.keywords]
