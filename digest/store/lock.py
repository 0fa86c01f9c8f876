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


@contextmanager
def write_lock(database: Path | None, seconds: float) -> Iterator[None]:
    """Hold the lock of this database file; None, for a database in memory or elsewhere, needs none.

    Raises `StoreError` when another program keeps it longer than `seconds`, or the file cannot be made.
    """
    if database is None or fcntl is None:
        yield
        return
    path = _beside(database)
    try:
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise StoreError(
            f"cannot write to the database: cannot make {path} ({error.strerror}); make the folder writable for this user"
        ) from error
    try:
        _wait(handle, seconds)
        yield
    finally:
        os.close(handle)  # which lets go of the lock


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
