"""PostgreSQL: reaching it, noticing when it is gone, and who of several leads."""

import logging
import time
from contextlib import suppress
from typing import Any

import sqlalchemy
from sqlalchemy import URL, Connection, Engine, text
from sqlalchemy.exc import DBAPIError, OperationalError

from digest.errors import StoreError

log = logging.getLogger(__name__)
_START_SECONDS = 20.0  # a server that is just starting, or starting again, is waited for so long
_LOOK_EVERY = 0.25
# A server that vanished without a word is noticed within about twenty seconds, not within hours.
_ALIVE = {"keepalives": 1, "keepalives_idle": 10, "keepalives_interval": 3, "keepalives_count": 3}
_PATIENCE = {"connect_timeout": 10, "tcp_user_timeout": 20_000}

_GONE = "the connection to PostgreSQL was lost; nothing of this step was kept, and it is tried again"
_FULL = "the disk of the database server is full; nothing of this step was kept: free some space there, then run this again"
IN_WORDS = {
    "Connection refused": "PostgreSQL does not answer; start it, or mend DIGEST_DATABASE_URL",
    "No such file or directory": "PostgreSQL does not answer; start it, or mend DIGEST_DATABASE_URL",
    "Name or service not known": "the database's host is not known; mend DIGEST_DATABASE_URL",
    "failed to resolve host": "the database's host is not known; mend DIGEST_DATABASE_URL",
    "password authentication failed": "PostgreSQL refuses the password; mend DIGEST_DATABASE_URL",
    "no password supplied": "PostgreSQL wants a password; put it into DIGEST_DATABASE_URL",
    "FATAL:  database": "PostgreSQL has no such database; make it with createdb, or mend DIGEST_DATABASE_URL",
    "FATAL:  role": "PostgreSQL does not know this user; make it with createuser, or mend DIGEST_DATABASE_URL",
    "permission denied": "PostgreSQL does not let this user; grant it the rights on its own database",
    "too many clients": "PostgreSQL has no connection left; raise max_connections or start fewer workers",
    "remaining connection slots": "PostgreSQL has no connection left; raise max_connections or start fewer workers",
    "starting up": "PostgreSQL is starting; wait a moment",
    "shutting down": _GONE,
    "terminating connection": _GONE,
    "server closed the connection": _GONE,
    "connection is lost": _GONE,
    "connection is closed": _GONE,
    "connection timeout": "PostgreSQL does not answer in time; look after it, or mend DIGEST_DATABASE_URL",
    "deadlock detected": "two processes waited for each other; nothing of this step was kept, and it is tried again",
    "SQLSTATE 53100": _FULL,
    "No space left": _FULL,
}
_NOT_YET = (
    "Connection refused",
    "No such file",
    "starting up",
    "shutting down",
    "recovery",
    "closed the connection",
)


def is_postgres(url: URL) -> bool:
    """Whether `url` leads to PostgreSQL, however it is spelled."""
    return url.drivername.partition("+")[0] in ("postgresql", "postgres")


def connect_postgres(url: URL) -> Engine:
    """An engine for a server that answers. Raises `StoreError` when what it needs is not installed, or nobody answers."""
    try:
        import psycopg  # noqa: F401  # SQLAlchemy asks for it at the first connection, in words of its own
    except ImportError as error:
        raise StoreError(
            "PostgreSQL needs more than the plain installation: pip install 'paper-digest[cluster]'"
        ) from error
    engine = sqlalchemy.create_engine(
        url.set(drivername="postgresql+psycopg"),
        pool_pre_ping=True,
        pool_size=10,
        max_overflow=20,
        connect_args={**_ALIVE, **_PATIENCE, "application_name": "digest"},
    )
    try:
        _wait_for(engine)
    except BaseException:
        engine.dispose()
        raise
    return engine


def _wait_for(engine: Engine) -> None:
    ends_at = time.monotonic() + _START_SECONDS
    is_told = False
    while True:
        try:
            engine.connect().close()
        except OperationalError as error:
            if time.monotonic() >= ends_at or not any(sign in str(error.orig) for sign in _NOT_YET):
                raise
            if not is_told:
                log.warning("waiting for PostgreSQL: %s", " ".join(str(error.orig).split()))
                is_told = True
            time.sleep(_LOOK_EVERY)  # noqa: TID251  # the server offers nothing to wait on before it answers
        else:
            return


def make_own_schema(tx: Connection) -> None:
    """Where the address names a schema that is not there yet (`search_path`), make it."""
    if tx.dialect.name != "postgresql":
        return
    if tx.exec_driver_sql("SELECT current_schema()").scalar() is None:
        wanted = str(tx.exec_driver_sql("SHOW search_path").scalar()).split(",")[0].strip().strip('"')
        tx.exec_driver_sql(f"CREATE SCHEMA IF NOT EXISTS {tx.dialect.identifier_preparer.quote(wanted)}")


class Leadership:
    """At most one of several processes leads: it holds a lock of the server on a connection of its own.

    The lock ends with the connection, so another one leads within seconds, whatever its holder died of. It needs a
    connection to the server itself (or a pool in session mode).
    """

    def __init__(self, engine: Engine, what: str) -> None:
        self._engine = engine
        self._what = f"/{what}"
        self._connection: Any = None
        self._raw: Any = None

    def holds(self) -> bool:
        """Whether this process leads now; asks for it when nobody does. Never raises: without the server nobody leads."""
        try:
            return self._ask()
        except DBAPIError:
            self.resign()
            return False

    def _ask(self) -> bool:
        if self._engine.dialect.name != "postgresql":
            return True
        if self._connection is not None:
            self._connection.execute(text("SELECT 1"))
            return True
        connection = self._engine.connect().execution_options(isolation_level="AUTOCOMMIT")
        lock = text("SELECT pg_try_advisory_lock(hashtext(current_schema() || :what))")
        try:
            is_ours = bool(connection.execute(lock, {"what": self._what}).scalar())
        except BaseException:
            connection.close()
            raise
        if is_ours:
            self._raw = connection.connection.driver_connection
            connection.detach()  # it must never serve anybody else
            self._connection = connection
        else:
            connection.close()
        return is_ours

    def resign(self) -> None:
        """Let another one lead."""
        connection, self._connection = self._connection, None
        if connection is not None:
            self._raw.close()  # at once, and with it the lock; a broken one is not mended by SQLAlchemy's own close
            with suppress(DBAPIError):
                connection.close()
