"""The database: the only memory between the verbs.

One file a noun family: `papers`, `people`, `outbox`, `sources`. Their functions take a connection, so that the caller
decides what happens together:

    with store.writing() as tx:
        owing.owe_digests(tx, ...)
        due.move_due(tx, ..., now=now)
"""

import hashlib
import hmac
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager

from sqlalchemy import Connection

from digest.store.engine import empty_log, open_engine, reading, writing
from digest.store.kept import Kept
from digest.store.postgres import Leadership


class Store:
    """One open database. `secret` keys what is kept of an address after the address itself is erased."""

    def __init__(self, url: str, *, secret: bytes) -> None:
        self._engine = open_engine(url)
        self._secret = secret
        self._of_thread = threading.local()

    def writing(self) -> AbstractContextManager[Connection]:
        """One transaction: all of it is durable when the block ends, or none of it happened. Raises `StoreError`."""
        kept: Kept | None = getattr(self._of_thread, "kept", None)
        return writing(self._engine) if kept is None else kept.writing()

    @contextmanager
    def often(self) -> Iterator[None]:
        """For a thread that commits all the time: until the block ends, its transactions share one connection."""
        self._of_thread.kept = kept = Kept(self._engine)
        try:
            yield
        finally:
            self._of_thread.kept = None
            kept.close()

    def reading(self) -> AbstractContextManager[Connection]:
        """One consistent view; never blocks a writer. Raises `StoreError`."""
        kept: Kept | None = getattr(self._of_thread, "kept", None)
        return reading(self._engine) if kept is None else kept.reading()

    def empty_log(self) -> bool:
        """Leave no byte of what was erased in the database's log. False when somebody reads it: try again later."""
        return empty_log(self._engine)

    def leadership(self, what: str) -> Leadership:
        """A way to be the only one of several processes that does `what`; on SQLite everybody is."""
        return Leadership(self._engine, what)

    def address_hash(self, email: str) -> str:
        """What suppressions know of an address: a keyed hash (HMAC-SHA-256) of its lower-case form."""
        return hmac.new(self._secret, b"address|" + email.lower().encode(), hashlib.sha256).hexdigest()

    def close(self) -> None:
        """Release the files."""
        self._engine.dispose()
