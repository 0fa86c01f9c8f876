"""The database: the only memory between the verbs.

One file a noun family: `papers`, `people`, `outbox`, `sources`. Their functions take a connection, so that the caller
decides what happens together:

    with store.writing() as tx:
        owing.owe_digests(tx, ...)
        due.move_due(tx, ...)
"""

import hashlib
import hmac
from contextlib import AbstractContextManager

from sqlalchemy import Connection

from digest.store.engine import empty_log, open_engine, reading, writing
from digest.store.postgres import Leadership


class Store:
    """One open database. `secret` keys what is kept of an address after the address itself is erased."""

    def __init__(self, url: str, *, secret: bytes) -> None:
        self._engine = open_engine(url)
        self._secret = secret

    def writing(self) -> AbstractContextManager[Connection]:
        """One transaction: all of it is durable when the block ends, or none of it happened. Raises `StoreError`."""
        return writing(self._engine)

    def reading(self) -> AbstractContextManager[Connection]:
        """One consistent view; never blocks a writer. Raises `StoreError`."""
        return reading(self._engine)

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
