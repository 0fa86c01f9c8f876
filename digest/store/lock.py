"""One writer at a time, across processes.

SQLite before 3.51.3 can damage a database in WAL mode when two connections write or checkpoint at the same moment (the
WAL-reset bug). So every transaction that writes an SQLite file holds this lock, and nothing else does. It is the
system's own lock on a file beside the database: a process that dies lets go of it, whatever it died of.
"""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path

from digest.errors import StoreError

try:
    import fcntl
except ImportError:  # Windows: SQLite's own lock is all there is
    fcntl = None  # type: ignore[assignment]

_LOOK_EVERY = 0.002


class WriteLock:
    """The lock of this database file; None, for a database in memory or elsewhere, needs none.

    Its file stays open from the first `take` until `close`. A process that ends lets go of everything.
    """

    def __init__(self, database: Path | None) -> None:
        self._path = None if database is None or fcntl is None else _beside(database)
        self._handle: int | None = None

    def take(self, seconds: float) -> None:
        """Hold it. Raises `StoreError` when another program keeps it longer than `seconds`, or the file cannot be made."""
        if self._path is None:
            return
        if self._handle is None:
            self._handle = _open(self._path)
        _wait(self._handle, seconds)

    def release(self) -> None:
        """Let go of it."""
        if self._handle is not None:
            fcntl.flock(self._handle, fcntl.LOCK_UN)

    def close(self) -> None:
        """Let go of it and of its file."""
        handle, self._handle = self._handle, None
        if handle is not None:
            os.close(handle)


@contextmanager
def write_lock(database: Path | None, seconds: float) -> Iterator[None]:
    """Hold the lock of this database file once; see `WriteLock`."""
    lock = WriteLock(database)
    try:
        lock.take(seconds)
        yield
    finally:
        lock.close()


def _open(path: str) -> int:
    try:
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise StoreError(
            f"cannot write to the database: cannot make {path} ({error.strerror}); make the folder writable for this user"
        ) from error


@lru_cache(maxsize=16)
def _beside(database: Path) -> str:
    return str(database.with_name(f"{database.name}-lock"))


def _wait(handle: int, seconds: float) -> None:
    ends_at = time.monotonic() + seconds
    while True:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            if time.monotonic() >= ends_at:
                raise StoreError(
                    f"cannot write to the database: another program has kept it locked for {seconds:.0f} seconds;"
                    " stop that program, then run this again"
                ) from error
            time.sleep(_LOOK_EVERY)  # noqa: TID251  # the system offers no wait with an end
        else:
            return
