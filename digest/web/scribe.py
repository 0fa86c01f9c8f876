"""Many small changes, one commit: what waits while the disk is busy is written together, and each is still all or nothing."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar, cast

from sqlalchemy import Connection
from starlette.concurrency import run_in_threadpool

from digest.store import Store

Got = TypeVar("Got")
_MOST = 100  # changes in one commit
_Change = Callable[[Connection], Any]


@dataclass(frozen=True, slots=True)
class _Outcome:
    value: Any = None
    error: Exception | None = None


class Scribe:
    """Writes for one site. A change is answered when it is durable; one that fails undoes itself and no other."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._waiting: list[tuple[_Change, asyncio.Future[Any]]] = []
        self._writing: asyncio.Task[None] | None = None

    async def write(self, change: Callable[[Connection], Got]) -> Got:
        """What `change` returns, once it is durable. Raises what it raises, and `StoreError`.

        It may be run a second time, on a clean slate, when another one fails: it does nothing outside its transaction.
        """
        done: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._waiting.append((change, done))
        if self._writing is None:
            self._writing = asyncio.ensure_future(self._work())
        return cast("Got", await done)

    async def _work(self) -> None:
        try:
            while self._waiting:
                some, self._waiting = self._waiting[:_MOST], self._waiting[_MOST:]
                outcomes = await run_in_threadpool(self._commit, [change for change, _ in some])
                for (_, done), outcome in zip(some, outcomes, strict=True):
                    if done.done():  # whoever asked has gone
                        continue
                    if outcome.error is not None:
                        done.set_exception(outcome.error)
                    else:
                        done.set_result(outcome.value)
        finally:
            self._writing = None

    def _commit(self, changes: Sequence[_Change]) -> list[_Outcome]:
        """All at once; when one of them fails, all again, each with a way back of its own, which costs twice as much."""
        try:
            return self._write_all(changes, _do)
        except _SpoiltError as spoilt:
            if len(changes) == 1:
                return [_Outcome(error=spoilt.error)]
        except Exception as error:  # noqa: BLE001  # nothing was written: everybody who waits is told why
            return [_Outcome(error=error)] * len(changes)
        try:
            return self._write_all(changes, _try)
        except Exception as error:  # noqa: BLE001  # as above
            return [_Outcome(error=error)] * len(changes)

    def _write_all(
        self, changes: Sequence[_Change], write: Callable[[Connection, _Change], _Outcome]
    ) -> list[_Outcome]:
        with self._store.writing() as tx:
            return [write(tx, change) for change in changes]


class _SpoiltError(Exception):
    """A change failed, and what was written with it is undone."""

    def __init__(self, error: Exception) -> None:
        super().__init__(str(error))
        self.error = error


def _do(tx: Connection, change: _Change) -> _Outcome:
    try:
        return _Outcome(change(tx))
    except Exception as error:
        raise _SpoiltError(error) from error


def _try(tx: Connection, change: _Change) -> _Outcome:
    try:
        with tx.begin_nested():
            return _Outcome(change(tx))
    except Exception as error:  # noqa: BLE001  # it is raised where the change was asked for
        return _Outcome(error=error)
