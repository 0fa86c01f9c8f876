"""The engine that wakes workers: Procrastinate, on the PostgreSQL that is there anyway. Another engine is another such file.

    wake.shards(tx, numbers)     in the transaction that plans the run: its jobs exist when the plan does, and never else
    wake.deliver(store)          there is something to send
    work(url, duties, stopping)  be one of the workers

A job carries the number of a shard, or nothing. The ledger's leases decide who does what, so a job may come twice, late,
or not at all (the schedule wakes workers again): the engine needs no exactness, and is trusted with none.
"""

import asyncio
import logging
import re
import threading
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Protocol

from sqlalchemy import Connection, make_url

from digest.errors import StoreError
from digest.store import Store
from digest.store.dialect import alone

try:
    import procrastinate
    from procrastinate import App, PsycopgConnector, SyncPsycopgConnector
    from procrastinate.exceptions import AlreadyEnqueued, ConnectorException
    from procrastinate.schema import SchemaManager
    from psycopg import Error, OperationalError
except ImportError as error:
    raise StoreError(
        "workers need more than the plain installation: pip install 'paper-digest[cluster]'"
    ) from error

log = logging.getLogger(__name__)
logging.getLogger("procrastinate").setLevel(logging.WARNING)  # what becomes of the work, the verbs tell
logging.getLogger("psycopg.pool").setLevel(logging.ERROR)  # that the database is away, `work` tells
# A job counts as abandoned when its worker was silent for six heartbeats: a live one must never be taken for dead.
_HEARTBEAT = 5.0
_SILENT = 30.0
_POLL = 5.0  # seconds between two looks when no notice came
_AGAIN = 1.0  # seconds before a worker that lost the database looks for it again
_FIRST = 10  # sending comes before publishing more
_STEP = re.compile(r"\d\d\.\d\d\.\d\d_\d\d")  # how Procrastinate numbers the changes of its tables
_OLDEST = "03.04.00_50"  # the newest step of 3.10, before which nobody could make tables with this program


class Duties(Protocol):
    """What a worker does when it is woken. Both are harmless at any time, any number of times."""

    def publish_shard(self, shard_id: int) -> object:
        """Queue the digests of one shard."""
        ...

    def deliver_due(self) -> object:
        """Send what is due."""
        ...


class Idle:
    """The duties of those who only wake others."""

    def publish_shard(self, shard_id: int) -> None:
        """Nothing."""

    def deliver_due(self) -> None:
        """Nothing."""


class Waker:
    """Tells workers that there is something to do."""

    def __init__(self) -> None:
        self._engine = _tasks(
            SyncPsycopgConnector(), Idle()
        )  # never opened: it writes through our own connection

    def shards(self, tx: Connection, numbers: Sequence[int]) -> None:
        """Wake workers for these shards when, and only when, this transaction is committed."""
        jobs: list[dict[str, Any]] = [{"shard_id": number} for number in numbers]
        job = self._engine.tasks["publish"].configure(connection=tx.connection.driver_connection)
        job.batch_defer(*jobs)

    def deliver(self, tx: Connection) -> None:
        """Wake one more worker to send, unless one is told already and has not begun."""
        with suppress(AlreadyEnqueued), tx.begin_nested():
            job = self._engine.tasks["deliver"].configure(
                connection=tx.connection.driver_connection, queueing_lock="deliver"
            )
            job.defer()


def prepare(store: Store) -> None:
    """Make the engine's own tables, or bring them up to the Procrastinate that is installed. Raises `StoreError`.

    One of several starting processes does it. A step is a transaction, and is remembered in it, beside the tables.
    """
    steps = _steps()
    newest = max(steps)
    with store.reading() as db:
        stands_at = _stands_at(db)
    if stands_at == newest:
        return
    if stands_at is None:
        _take(store, newest, SchemaManager.get_schema(), after=None)
        return
    if stands_at > newest:
        raise StoreError(
            f"the engine's tables were made by a newer Procrastinate (step {stands_at}, the installed one knows {newest});"
            " pip install --upgrade 'paper-digest[cluster]'"
        )
    for step in sorted(steps):
        if step > stands_at:
            _take(store, step, steps[step].read_text(encoding="utf-8"), after=stands_at)
            stands_at = step


def _steps() -> dict[str, Path]:
    files = Path(SchemaManager.get_migrations_path()).glob("*.sql")
    return {found[0]: file for file in files if (found := _STEP.match(file.name))}


def _stands_at(db: Connection) -> str | None:
    """The newest step that the tables in this database know, None when there are none."""
    query = "SELECT to_regclass('procrastinate_jobs'), obj_description(to_regclass('procrastinate_jobs'), 'pg_class')"
    table, remembered = db.exec_driver_sql(query).one()
    if table is None:
        return None
    return remembered if remembered and _STEP.fullmatch(remembered) else _OLDEST


def _take(store: Store, step: str, statements: str, *, after: str | None) -> None:
    """Bring the tables from `after` to `step`, unless somebody else was faster."""
    with store.writing() as tx:
        alone(tx, "engine")
        if _stands_at(tx) != after:
            return
        raw: Any = tx.connection.driver_connection
        try:
            raw.execute(statements)  # many at once, and with percent signs: not through SQLAlchemy
        except Error as error:
            raise StoreError(
                f"the engine's tables cannot be brought to step {step}: {error}; nothing of it was kept."
                " Stop every worker and start again, or install the Procrastinate that was there before"
            ) from error
        tx.exec_driver_sql(f"COMMENT ON TABLE procrastinate_jobs IS '{step}'")


def work(url: str, duties: Duties, stopping: threading.Event) -> None:
    """Do what workers are woken for, one thing at a time, until `stopping` is set; then what is at hand is finished.

    Without the database it waits for it to come back.
    """
    address = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
    while not stopping.is_set():
        engine = _tasks(PsycopgConnector(conninfo=address, min_size=1, max_size=4, timeout=10), duties)
        try:
            asyncio.run(_work(engine, stopping))
        except (ConnectorException, OperationalError, OSError) as error:
            log.warning(
                "worker lost the database and looks for it again: %s", type(error.__cause__ or error).__name__
            )
            stopping.wait(_AGAIN)


async def _work(engine: App, stopping: threading.Event) -> None:
    async with engine.open_async():
        working = asyncio.create_task(
            engine.run_worker_async(
                concurrency=1,
                install_signal_handlers=False,  # the program's own are there
                update_heartbeat_interval=_HEARTBEAT,
                stalled_worker_timeout=_SILENT,
                fetch_job_polling_interval=_POLL,
                delete_jobs="always",  # the ledger knows what became of it
            )
        )
        while not stopping.is_set() and not working.done():
            await asyncio.wait([working], timeout=0.1)
        working.cancel()
        with suppress(asyncio.CancelledError):
            await working


def _tasks(connector: Any, duties: Duties) -> App:
    engine = App(connector=connector)

    @engine.task(name="publish", queue="publish")
    def publish(shard_id: int) -> None:
        duties.publish_shard(shard_id)

    @engine.task(name="deliver", queue="deliver", priority=_FIRST)
    def deliver() -> None:
        duties.deliver_due()

    @engine.periodic(cron="* * * * *")
    @engine.task(name="retry_stalled", queue="care", queueing_lock="retry_stalled", pass_context=True)
    async def retry_stalled(context: procrastinate.JobContext, timestamp: int) -> None:  # noqa: ARG001
        """Give the jobs of dead workers to living ones."""
        manager = context.app.job_manager
        for job in await manager.get_stalled_jobs(seconds_since_heartbeat=_SILENT):
            await manager.retry_job(job)

    return engine
