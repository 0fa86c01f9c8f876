"""A connection that is kept by a thread which commits all the time: taking one anew costs more than such a commit."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, Engine

from digest.store.engine import BUSY_SECONDS, file_of, in_words, reading, writing
from digest.store.lock import WriteLock


class Kept:
    """One connection for one thread. After an error it is thrown away, and the next transaction takes another.

    A transaction inside of another one has a connection of its own, and sees nothing of the outer one.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._file = file_of(engine)
        self._lock = WriteLock(self._file)
        self._connection: Connection | None = None
        self._driver: Any = None  # its own connection, where transactions are told to that one
        self._is_taken = False  # by a transaction that is under way

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """See `engine.writing`."""
        if self._is_taken:
            with writing(self._engine) as another:
                yield another
            return
        self._lock.take(BUSY_SECONDS)
        self._is_taken = True
        try:
            connection = self._connect()
            if self._driver is None:
                with connection.begin():
                    yield connection
            else:
                self._driver.execute("BEGIN IMMEDIATE")
                yield connection
                self._driver.commit()
        except BaseException as error:
            self._broke("write to", error)
            raise
        finally:
            self._is_taken = False
            self._lock.release()

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """See `engine.reading`."""
        if self._is_taken or self._file is None:
            with reading(self._engine) as another:
                yield another
            return
        self._is_taken = True
        try:
            connection = self._connect()
            self._driver.execute("BEGIN")
            yield connection
            self._driver.rollback()
        except BaseException as error:
            self._broke("read", error)
            raise
        finally:
            self._is_taken = False

    def _connect(self) -> Connection:
        """The kept one, or another. For SQLite it is told to leave transactions to us, which halves what they cost."""
        if self._connection is None:
            options = {"digest_says_begin": self._file is not None}
            self._connection = self._engine.connect().execution_options(**options)
            self._driver = self._connection.connection.driver_connection if self._file is not None else None
        return self._connection

    def _broke(self, verb: str, error: BaseException) -> None:
        """Keep nothing that may be broken. Raises `StoreError` for an error of the database."""
        self._drop(is_broken=True)
        if (told := in_words(verb, error, self._file)) is not None:
            raise told from error

    def _drop(self, *, is_broken: bool = False) -> None:
        kept, self._connection, self._driver = self._connection, None, None
        if kept is not None and is_broken:
            kept.invalidate()
        if kept is not None:
            kept.close()

    def close(self) -> None:
        """Give the connection back to the others."""
        self._drop()
        self._lock.close()
