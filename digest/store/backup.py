"""Copies of the database that can be trusted: made while it is in use, checked, and put back in one step.

A plain copy of the file is none: what was committed last may still stand in the file beside it (the write-ahead log).
"""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import make_url

from digest.errors import StoreError
from digest.store.engine import HEAD
from digest.store.lock import write_lock

_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Copy:
    """What a backup holds, as it was checked."""

    file: Path
    schema: str
    subscribers: int
    deliveries: int


def database_file(url: str) -> Path:
    """The file of an SQLite database. Raises `StoreError` for others, which have tools of their own."""
    target = make_url(url)
    if target.get_backend_name() != "sqlite" or not target.database or target.database == ":memory:":
        raise StoreError("only an SQLite database is copied here; use pg_dump and pg_restore for PostgreSQL")
    return Path(target.database)


def back_up(url: str, target: Path) -> Copy:
    """Copy the database to `target`, whole and checked, while others go on. An older `target` is kept until then.

    Raises `StoreError`.
    """
    source = database_file(url)
    if not source.exists():
        raise StoreError(f"there is no database at {source} to copy")
    temporary = target.with_name(f".{target.name}.{os.getpid()}.tmp")
    try:
        with _in_words(f"cannot make the backup {target}"):
            target.parent.mkdir(parents=True, exist_ok=True)
            with closing(_open(source)) as live, closing(sqlite3.connect(temporary)) as copy:
                live.backup(copy)
                copy.execute("PRAGMA journal_mode = DELETE")  # one file, complete in itself
            temporary.chmod(0o600)
        checked = check(temporary)
        with _in_words(f"cannot make the backup {target}"):
            _sync(temporary)
            temporary.replace(target)
            _sync(target.parent)
    finally:
        with suppress(OSError):
            temporary.unlink()
    return Copy(target, checked.schema, checked.subscribers, checked.deliveries)


def check(file: Path) -> Copy:
    """Read a backup whole and say what it holds. Raises `StoreError` when it is damaged, foreign or of a newer version."""
    if not file.exists():
        raise StoreError(f"there is no file {file}")
    with _in_words(f"{file} is no usable backup"), closing(_open(file)) as db:
        found = db.execute("PRAGMA integrity_check(1)").fetchone()[0]
        if found != "ok":
            raise StoreError(f"{file} is damaged ({found}); take an older backup")
        [schema] = db.execute("SELECT version_num FROM alembic_version").fetchone()
        [people] = db.execute("SELECT count(*) FROM subscribers").fetchone()
        [owed] = db.execute("SELECT count(*) FROM deliveries").fetchone()
    if schema > HEAD:
        raise StoreError(
            f"{file} was made by a newer version (schema {schema}, this program knows {HEAD}); upgrade the program"
        )
    return Copy(file, schema, people, owed)


def restore(url: str, file: Path) -> Copy:
    """Put a checked backup in the place of the database, in one transaction. Raises `StoreError`, and then nothing changed.

    A database that is damaged beyond that is moved aside first, not deleted.
    """
    checked = check(file)
    target = database_file(url)
    target.parent.mkdir(parents=True, exist_ok=True)
    with write_lock(target, _SECONDS), _in_words(f"cannot restore {target}"):
        if target.exists() and not _is_usable(target):
            _move_aside(target)
        with closing(_open(file)) as source, closing(sqlite3.connect(target, timeout=_SECONDS)) as live:
            source.backup(live)
            live.execute("PRAGMA journal_mode = WAL")
        target.chmod(0o600)
        _sync(target)
        _sync(target.parent)
    return checked


def _open(file: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"{file.resolve().as_uri()}?mode=ro", uri=True, timeout=_SECONDS)


def _is_usable(file: Path) -> bool:
    try:
        with closing(sqlite3.connect(file, timeout=_SECONDS)) as db:
            return bool(db.execute("PRAGMA quick_check(1)").fetchone()[0] == "ok")
    except sqlite3.DatabaseError:
        return False


def _move_aside(file: Path) -> None:
    """Keep what is left of a damaged database, together with its log: the log of one file must never meet another."""
    number = 1
    while (aside := file.with_name(f"{file.name}.damaged-{number}")).exists():
        number += 1
    for ending in ("", "-wal", "-shm"):
        with suppress(FileNotFoundError):
            file.with_name(file.name + ending).rename(aside.with_name(aside.name + ending))


def _sync(path: Path) -> None:
    if os.name != "posix":
        return
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextmanager
def _in_words(what: str) -> Iterator[None]:
    try:
        yield
    except (OSError, sqlite3.Error) as error:
        said = getattr(error, "strerror", None) or str(error)
        raise StoreError(f"{what}: {said}; nothing was changed") from error
