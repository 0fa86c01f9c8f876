"""What somebody would get, before they get anything: real papers of today, ranked for the topics they type.

The scorer is learnt once for everybody and kept while it is fresh; so is every answer. A few answers at a time are
worked on, each in a thread of its own, so that pages which only have to be read never wait for them.
"""

import asyncio
import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any, TypeVar, cast

import anyio
from starlette.concurrency import run_in_threadpool

from digest.desk import Limits
from digest.material import FittedOnce
from digest.model import Profile
from digest.store import Store
from digest.web.shelf import Sample, Shelf, lay_out, sample_of, samples_of

_FRESH = timedelta(minutes=10)
_EMPTY = timedelta(seconds=2)  # a new home: the first page is being picked up
_MOST_KEPT = 4_000
_AT_ONCE = 1  # what is learnt of a keyword is kept in one table, which one writer at a time may extend
_TOGETHER = 50  # answers that are worked on at a time
Made = TypeVar("Made")


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
        self._fitted = FittedOnce()
        self._laying_out = threading.Lock()
        self._shelf: Shelf | None = None
        self._making: asyncio.Task[Shelf] | None = None
        self._kept: OrderedDict[str, object] = OrderedDict()
        self._places = anyio.CapacityLimiter(_AT_ONCE)
        self._asked: dict[str, _Question] = {}
        self._answering: asyncio.Task[None] | None = None

    async def shelf(self, now: datetime) -> Shelf:
        """What is known of papers. The one at hand serves on while a fresher one is made. Raises `StoreError`."""
        shelf = self._shelf
        if shelf is not None and _is_fresh(shelf, now):
            return shelf
        if self._making is None:
            self._making = asyncio.ensure_future(self._renew(now))
        return shelf if shelf is not None else await asyncio.shield(self._making)

    async def _renew(self, now: datetime) -> Shelf:
        try:
            return await run_in_threadpool(self.make_ready, now)
        finally:
            self._making = None

    def make_ready(self, now: datetime) -> Shelf:
        """What `shelf` waits for where nothing fresh is at hand. It may run in any thread. Raises `StoreError`."""
        with self._laying_out:
            shelf = self._shelf
            if shelf is None or not _is_fresh(shelf, now):
                shelf = lay_out(self._store, self._limits, self._fitted, now)
                self._shelf, self._kept = shelf, OrderedDict()
            return shelf

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
        if shelf is None or not _is_fresh(shelf, now):
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


def _is_fresh(shelf: Shelf, now: datetime) -> bool:
    return timedelta() <= now - shelf.made_at < (_FRESH if shelf.by_id else _EMPTY)


def _answers(shelf: Shelf, questions: list[_Question], now: datetime) -> list[object]:
    """One answer a question; an exception where one could not be made."""
    try:
        samples = samples_of(shelf, [question.profile for question in questions], now)
        return [question.make(sample) for question, sample in zip(questions, samples, strict=True)]
    except Exception as error:  # noqa: BLE001  # it is raised where it was asked for
        return [error] * len(questions)
