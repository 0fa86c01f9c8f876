"""What somebody would get, before they get anything: real papers of today, ranked for the topics they type.

The scorer is learnt once for everybody and kept while it is fresh; so is every answer. A few answers at a time are
worked on, each in a thread of its own, so that pages which only have to be read never wait for them.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from functools import partial
from typing import Any, TypeVar, cast

import anyio
from starlette.concurrency import run_in_threadpool

from digest.cadence import next_issue
from digest.compose import Material, compose
from digest.desk import Limits, sightings_of
from digest.material import Papers, Reader, materials
from digest.model import Digest, Paper, Profile, Skip
from digest.ranking import PaperRanker
from digest.ranking.advice import KeywordAdvice, KeywordHelp
from digest.store import Store
from digest.store.papers import StoredPaper, seen_since, when_counted
from digest.text import title_key

_FRESH = timedelta(minutes=10)
_COUNTED = timedelta(days=30)
_MOST_KEPT = 4_000
_AT_ONCE = 1  # what is learnt of a keyword is kept in one table, which one writer at a time may extend
_TOGETHER = 50  # answers that are worked on at a time
Made = TypeVar("Made")


@dataclass(frozen=True, slots=True)
class Sample:
    """What a profile would get now: a digest (without picks where nothing fits) and what each keyword finds."""

    digest: Digest
    advice: tuple[KeywordAdvice, ...]
    corpus: int  # papers of the days that `advice` counts in

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
    by_id: Mapping[str, Paper]
    by_title: Mapping[str, Paper]  # by title key

    def known(self, paper: Paper) -> Paper:
        """What we know of a paper, or else what is said of it."""
        return self.by_id.get(paper.id) or self.by_title.get(title_key(paper.title)) or paper


@dataclass(frozen=True, slots=True)
class _Question:
    """One sample that is waited for, and what is to be made of it."""

    profile: Profile
    make: Callable[[Sample], object]
    answer: "asyncio.Future[Any]"


class Showroom:
    """Answers for one site. Safe to ask from anywhere on the event loop."""

    def __init__(self, store: Store, limits: Limits) -> None:
        self._store = store
        self._limits = limits
        self._shelf: Shelf | None = None
        self._making: asyncio.Task[Shelf] | None = None
        self._kept: OrderedDict[str, object] = OrderedDict()
        self._places = anyio.CapacityLimiter(_AT_ONCE)
        self._asked: dict[str, _Question] = {}
        self._answering: asyncio.Task[None] | None = None

    async def shelf(self, now: datetime) -> Shelf:
        """What is known of papers. The one at hand serves on while a fresher one is made. Raises `StoreError`."""
        shelf = self._shelf
        if shelf is not None and timedelta() <= now - shelf.made_at < _FRESH:
            return shelf
        if self._making is None:
            self._making = asyncio.ensure_future(self._renew(now))
        return shelf if shelf is not None else await asyncio.shield(self._making)

    async def _renew(self, now: datetime) -> Shelf:
        try:
            shelf = await run_in_threadpool(lay_out, self._store, self._limits, now)
            self._shelf = shelf
            self._kept.clear()
            return shelf
        finally:
            self._making = None

    async def kept(self, key: str, make: Callable[[Shelf], Made], now: datetime) -> Made:
        """What `make` makes of the papers, made once for each `key` while they are fresh. It runs in a thread."""
        shelf = await self.shelf(now)
        known = self._kept.get(key)
        if known is not None:
            self._kept.move_to_end(key)
            return known  # type: ignore[return-value]  # what was kept under this key
        made = await anyio.to_thread.run_sync(make, shelf, limiter=self._places)
        if shelf is self._shelf:
            self.keep(key, made)
        return made

    def at_hand(self, key: str, now: datetime) -> object | None:
        """What is kept under this key, while the papers are fresh."""
        shelf = self._shelf
        if shelf is None or not timedelta() <= now - shelf.made_at < _FRESH:
            return None
        return self._kept.get(key)

    def keep(self, key: str, made: object) -> None:
        """Keep something that was made of the papers, as long as they are fresh."""
        self._kept[key] = made
        if len(self._kept) > _MOST_KEPT:
            self._kept.popitem(last=False)

    async def aside(self, make: Callable[[Shelf], Made], now: datetime) -> Made:
        """What `make` makes of the papers, this once. It runs in a thread."""
        return await anyio.to_thread.run_sync(make, await self.shelf(now), limiter=self._places)

    async def sample(self, profile: Profile, now: datetime) -> Sample:
        """What this profile would get, if it had been shown nothing before."""
        asked = replace(profile, email="", name=None)
        return await self.aside(lambda shelf: sample_of(shelf, asked, now), now)

    async def answer(self, key: str, profile: Profile, make: Callable[[Sample], Made], now: datetime) -> Made:
        """What `make` makes of a profile's sample, once for each `key` while the papers are fresh.

        What is asked while an answer is worked on is answered together: that costs little more than one.
        """
        await self.shelf(now)
        known = self._kept.get(key)
        if known is not None:
            self._kept.move_to_end(key)
            return known  # type: ignore[return-value]  # what was kept under this key
        if key not in self._asked:
            waiting = asyncio.get_running_loop().create_future()
            self._asked[key] = _Question(profile, make, waiting)
        question = self._asked[key]
        if self._answering is None:
            self._answering = asyncio.ensure_future(self._answer_all(now))
        return cast("Made", await asyncio.shield(question.answer))

    async def _answer_all(self, now: datetime) -> None:
        try:
            while self._asked:
                some = dict(list(self._asked.items())[:_TOGETHER])
                shelf = await self.shelf(now)
                work = partial(_answers, shelf, list(some.values()), now)
                made = await anyio.to_thread.run_sync(work, limiter=self._places)
                for (key, question), one in zip(some.items(), made, strict=True):
                    self._asked.pop(key, None)
                    self._settle(key, question, one, shelf)
        finally:
            self._answering = None

    def _settle(self, key: str, question: _Question, made: object, shelf: Shelf) -> None:
        if isinstance(made, Exception):
            question.answer.set_exception(made)
            return
        question.answer.set_result(made)
        if shelf is self._shelf:
            self.keep(key, made)


def _answers(shelf: Shelf, questions: list[_Question], now: datetime) -> list[object]:
    """One answer a question; an exception where one could not be made."""
    try:
        samples = samples_of(shelf, [question.profile for question in questions], now)
        return [question.make(sample) for question, sample in zip(questions, samples, strict=True)]
    except Exception as error:  # noqa: BLE001  # it is raised where it was asked for
        return [error] * len(questions)


def lay_out(store: Store, limits: Limits, now: datetime) -> Shelf:
    """Learn from the papers of the last months, and lay out those of the last days. Raises `StoreError`."""
    since = now - limits.lookback
    with store.reading() as db:
        known = seen_since(db, now - limits.corpus, limit=limits.corpus_papers)
        counted = when_counted(db, since)
    stored = [one for one in known if one.last_seen_at <= now]
    ranker = PaperRanker().fit([one.paper for one in stored])
    lately = [one.paper for one in stored if one.last_seen_at > now - _COUNTED]
    return Shelf(
        ranker,
        _papers(stored, since, sightings=counted),
        KeywordHelp(ranker, lately),
        len(lately),
        now,
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
    )


def digest_of(shelf: Shelf, profile: Profile, now: datetime, reader: Reader | None = None) -> Digest:
    """The digest of a profile as of now; one without picks where nothing fits."""
    [material] = materials(shelf.ranker, shelf.papers, [reader or Reader(profile)], now=now)
    return _composed(profile, material, now)


def _composed(profile: Profile, material: Material, now: datetime) -> Digest:
    issue = next_issue(profile.cadence, profile.timezone, now)
    digest = compose(issue, profile, material)
    if isinstance(digest, Skip):
        digest = compose(issue, replace(profile, quiet_day="note"), material)
    assert isinstance(digest, Digest)
    return digest


def sample_of(shelf: Shelf, profile: Profile, now: datetime, reader: Reader | None = None) -> Sample:
    """The digest of a profile, and what is to be said of its keywords."""
    wanted = _words(profile)
    advice = tuple(shelf.help.advise(wanted)) if wanted else ()
    return Sample(digest_of(shelf, profile, now, reader), advice, shelf.counted)


def samples_of(shelf: Shelf, profiles: Sequence[Profile], now: datetime) -> list[Sample]:
    """The same for many profiles at once."""
    readers = [Reader(profile) for profile in profiles]
    wanted = list(dict.fromkeys(word for profile in profiles for word in _words(profile)))
    advice = dict(zip(wanted, shelf.help.advise(wanted), strict=True)) if wanted else {}
    chosen = materials(shelf.ranker, shelf.papers, readers, now=now)
    return [
        Sample(
            _composed(profile, material, now), tuple(advice[word] for word in _words(profile)), shelf.counted
        )
        for profile, material in zip(profiles, chosen, strict=True)
    ]


def _words(profile: Profile) -> list[str]:
    return [word for interest in profile.interests for word in interest.keywords]
