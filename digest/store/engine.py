"""Opening the database: durable settings, the schema of this version, and errors in words a person acts on."""

import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import lru_cache
from pathlib import Path
from typing import Any

import sqlalchemy
from sqlalchemy import URL, Connection, Engine, event, make_url
from sqlalchemy.exc import DBAPIError

from digest.errors import StoreError
from digest.store.dialect import alone
from digest.store.lock import write_lock
from digest.store.postgres import IN_WORDS, connect_postgres, is_postgres, make_own_schema

HEAD = "0010"  # newest migration; a test holds it against the folder
BUSY_SECONDS = 60
# Bytes. A mail of 40 kB takes three pages instead of ten; the log and the file are written page by page.
_PAGE = 16_384
# Pages of its log, 4 MB: one that is soon begun anew is written over, which costs less to make durable than letting it grow.
_LOG = 256
# kB. What a batch of digests changes has room in it: a page that is put out before its transaction ends is written twice.
_CACHE = 16_000
_CHECKED_ALWAYS = 1 << 20  # bytes: costs a few milliseconds
_CHECKED_AFTER_CRASH = 256 << 20  # bytes: costs about a second
_ROOM = 1 << 16  # bytes: SQLite makes its smaller files in pieces of half of this
_RESTORE = "restore the last backup: `digest restore FILE`"


def open_engine(url: str) -> Engine:
    """An engine for `url`, with the schema of this version. A new database is made, an older one is brought up.

    Raises `StoreError` when it cannot be opened, is damaged, or was made by a newer version.
    """
    target = make_url(url)
    if target.get_backend_name() == "sqlite" and target.database not in (None, "", ":memory:"):
        assert target.database is not None
        if not target.database.startswith("file:"):  # SQLite's own kind of address, for what is there already
            _make_private(Path(target.database))
    with wrap_errors("open"):
        engine = connect_postgres(target) if is_postgres(target) else sqlalchemy.create_engine(target)
        try:
            if engine.dialect.name == "sqlite":
                _configure_sqlite(engine)
                _check(engine)
            _bring_up(engine)
        except BaseException:
            engine.dispose()
            raise
    return engine


@contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """One transaction that writes: all of it happens, or nothing. Waits for another writer, then raises `StoreError`."""
    file = file_of(engine)
    with write_lock(file, BUSY_SECONDS), wrap_errors("write to", file):
        try:
            with engine.begin() as tx:
                yield tx
        except (DBAPIError, sqlite3.Error) as error:
            if "disk I/O" in str(error):  # what this connection still believes of the file may be wrong
                engine.dispose()
            raise


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """One consistent view of the database. Never waits for a writer."""
    with (
        wrap_errors("read", file_of(engine)),
        engine.connect().execution_options(**_reads(engine)) as connection,
    ):
        yield connection
        connection.rollback()


def _reads(engine: Engine) -> dict[str, Any]:
    """What a connection is told that reads: PostgreSQL would show each statement another state of things."""
    if engine.dialect.name == "postgresql":
        return {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
    return {"digest_reads": True}


@contextmanager
def wrap_errors(verb: str, file: Path | None = None) -> Iterator[None]:
    """Turn a driver's error into a `StoreError` that says what to do. Mistakes of our own (wrong SQL) pass through."""
    try:
        yield
    except (DBAPIError, sqlite3.Error) as error:
        if (told := in_words(verb, error, file)) is None:
            raise
        raise told from error


def in_words(verb: str, error: BaseException, file: Path | None) -> StoreError | None:
    """What to say of this error, None when it is none of the database."""
    if isinstance(error, sqlalchemy.exc.IntegrityError):
        return None  # the callers that expect one ask for it by name
    if isinstance(error, DBAPIError):
        state = getattr(error.orig, "sqlstate", None)  # PostgreSQL's, the same in every language it may speak
        said = f"{error.orig} (SQLSTATE {state})" if state else str(error.orig)
    elif isinstance(error, sqlite3.Error):  # of a connection that was used without SQLAlchemy
        said = str(error)
    else:
        return None
    return StoreError(f"cannot {verb} the database: {_remedy(said, file)}")


def _remedy(said: str, file: Path | None) -> str:
    folder = f" of {file.parent}" if file else ""
    remedies = {
        "readonly": "it is read-only; make the file and its folder writable for this user",
        "read-only": "it is read-only; make the file and its folder writable for this user",
        "locked": f"another program has kept it locked for {BUSY_SECONDS} seconds; stop that program, then run this again",
        "unable to open": "the file cannot be opened; check that its folder exists and is writable for this user",
        "malformed": f"the file is damaged; {_RESTORE}",
        "not a database": f"the file is not a database; {_RESTORE}, or move it away",
        "is full": f"the disk{folder} is full; free some space, then run this again",
        "disk I/O": f"the disk{folder} reports an error; check it before you run this again",
        **IN_WORDS,
    }
    if "disk I/O" in said and file is not None and _is_full(file.parent):
        return f"{remedies['is full']} ({' '.join(said.split())})"
    for sign, remedy in remedies.items():
        if sign in said:
            return f"{remedy} ({' '.join(said.split())})"
    return said


def _is_full(folder: Path) -> bool:
    """Whether there is no room left: SQLite says so only of some of its files, and of the others "disk I/O error"."""
    try:
        return shutil.disk_usage(folder).free < _ROOM
    except OSError:
        return False


def _make_private(file: Path) -> None:
    """Make the folder and the empty file, readable for their owner only; SQLite gives its log the rights of the file."""
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(
            f"cannot make the folder {file.parent}: {error.strerror}; choose another home or mend its rights"
        ) from error
    with suppress(OSError):  # it is there, or SQLite will say why it cannot be
        os.close(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))


def _configure_sqlite(engine: Engine) -> None:
    """Durable before fast: a commit that returned survives a power cut (WAL with synchronous=FULL)."""

    @event.listens_for(engine, "connect")
    def _on_connect(connection: Any, _record: Any) -> None:
        connection.isolation_level = None  # we say BEGIN ourselves
        cursor = connection.cursor()
        cursor.execute(f"PRAGMA busy_timeout = {BUSY_SECONDS * 1000}")
        cursor.execute("PRAGMA synchronous = FULL")
        cursor.execute("PRAGMA foreign_keys = ON")
        cursor.execute(f"PRAGMA wal_autocheckpoint = {_LOG}")
        cursor.execute(f"PRAGMA cache_size = -{_CACHE}")
        cursor.close()

    @event.listens_for(engine, "begin")
    def _on_begin(connection: Connection) -> None:
        # A transaction that starts by reading and then writes would fail at once when another writer was faster.
        options = connection.get_execution_options()
        if options.get("digest_says_begin", False):  # it is said elsewhere
            return
        reads = options.get("digest_reads", False)
        driver: Any = connection.connection.driver_connection
        driver.execute(
            "BEGIN" if reads else "BEGIN IMMEDIATE"
        )  # not through SQLAlchemy: it is said all the time


def empty_log(engine: Engine) -> bool:
    """Move everything from SQLite's log into the file and cut the log, so that bytes which were erased are in neither.

    False when a reader of the log was in the way: try again later.
    """
    if engine.dialect.name != "sqlite":
        return True
    with write_lock(file_of(engine), BUSY_SECONDS), wrap_errors("write to", file_of(engine)):
        raw = engine.raw_connection()
        try:
            return bool(raw.cursor().execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0] == 0)
        finally:
            raw.close()


def file_of(engine: Engine) -> Path | None:
    """The file of an SQLite database, None when there is none to lock or to copy."""
    return _file_at(engine.url)


@lru_cache(maxsize=16)
def _file_at(url: URL) -> Path | None:
    name = url.database
    if url.get_backend_name() != "sqlite" or name in (None, "", ":memory:") or str(name).startswith("file:"):
        return None
    return Path(str(name))


def _check(engine: Engine) -> None:
    """Look through a small database, or one that was not closed in good order, before anything is written to it."""
    file = file_of(engine)
    if file is None or not file.exists():
        return
    log = file.with_name(f"{file.name}-wal")
    was_open = log.exists() and log.stat().st_size > 0
    if file.stat().st_size > (_CHECKED_AFTER_CRASH if was_open else _CHECKED_ALWAYS):
        return
    with reading(engine) as db:
        found = db.exec_driver_sql("PRAGMA quick_check(1)").scalar()
    if found != "ok":
        raise StoreError(f"cannot open the database: the file is damaged ({found}); {_RESTORE}")


def _bring_up(engine: Engine) -> None:
    version = _version(engine)
    if version == HEAD:
        return
    if version is not None and version > HEAD:
        raise StoreError(
            f"the database was made by a newer version (schema {version}, this program knows {HEAD}); upgrade the program"
        )
    _migrate(engine)


def _version(engine: Engine) -> str | None:
    with reading(engine) as connection:
        if not sqlalchemy.inspect(connection).has_table("alembic_version"):
            return None
        version = connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar()
        return None if version is None else str(version)


def _migrate(engine: Engine) -> None:
    """Run what is missing, in one transaction. Only one of several starting processes does it; the others find it done."""
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    if engine.dialect.name == "sqlite":
        _write_ahead(engine)
    with writing(engine) as tx:
        alone(tx, "schema")
        make_own_schema(tx)
        config.attributes["connection"] = tx
        command.upgrade(config, HEAD)


def _write_ahead(engine: Engine) -> None:
    """Set the journal once, in the file itself: doing it at each start makes starting processes fight for the lock."""
    raw = engine.raw_connection()
    try:
        cursor = raw.cursor()
        cursor.execute(f"PRAGMA page_size = {_PAGE}")  # holds for a file that is new
        cursor.execute("PRAGMA journal_mode = WAL")
    finally:
        raw.close()
