"""Figures for Prometheus, and the two questions a machine asks: alive (/healthz), ready (/readyz).

What must survive restarts, and be the same whichever process is asked, comes from the database at the moment of asking.
What one process sees alone, its requests, is counted in it. `figures` tells them to whoever may see them.
"""

import time
from collections.abc import Iterator
from datetime import datetime, timedelta

from prometheus_client import CollectorRegistry, Counter, Histogram
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from sqlalchemy import Connection, text
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from digest.errors import StoreError
from digest.store import Store, figures
from digest.store.engine import HEAD
from digest.store.halt import current_halt
from digest.store.history import count_deliveries
from digest.store.outages import current_outage
from digest.store.papers import count_papers
from digest.store.people import count_subscribers
from digest.store.rounds import every_round
from digest.web.desk import Desk
from digest.web.kept import Kept

_READY_LASTS = timedelta(seconds=5)
_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_METHODS = frozenset({"GET", "HEAD", "POST"})


class Tally:
    """What this process counts: its requests, by route and never by path, which may hold somebody's token."""

    def __init__(self, store: Store, routes: list[Route]) -> None:
        self.registry = CollectorRegistry()
        self._paths = {route.endpoint: route.path for route in routes}
        labels = ["route", "method", "status"]
        self.requests = Counter("digest_web_requests", "Requests answered.", labels, registry=self.registry)
        self.seconds = Histogram(
            "digest_web_request_seconds",
            "How long they took.",
            ["route"],
            buckets=_BUCKETS,
            registry=self.registry,
        )
        self.registry.register(_FromStore(store))

    def note(self, scope: Scope, status: int, seconds: float) -> None:
        """Count one answer."""
        route = self._paths.get(scope["endpoint"], "none") if "endpoint" in scope else "none"
        method = scope["method"] if scope["method"] in _METHODS else "other"
        self.requests.labels(route, method, str(status)).inc()
        self.seconds.labels(route).observe(seconds)


class Counting:
    """ASGI middleware, the outermost: counts every answer, the refusals too."""

    def __init__(self, inner: ASGIApp, *, tally: Tally) -> None:
        self._inner = inner
        self._tally = tally

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on, and count what comes back."""
        if scope["type"] != "http":
            await self._inner(scope, receive, send)
            return
        started, status = time.perf_counter(), 500

        async def noting(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._inner(scope, receive, noting)
        finally:
            self._tally.note(scope, status, time.perf_counter() - started)


class _FromStore(Collector):
    """Asks the database when Prometheus asks us."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def describe(self) -> list[Metric]:
        """Nothing: registering must not ask the database."""
        return []

    def collect(self) -> Iterator[Metric]:
        """Everything, in one consistent view."""
        with self._store.reading() as db:
            found = [*_papers(db), *_mails(db), *_verbs(db)]
        yield from found


def _papers(db: Connection) -> Iterator[Metric]:
    yield GaugeMetricFamily("digest_papers", "Papers stored.", value=count_papers(db))
    pages = GaugeMetricFamily("digest_pages", "Pages picked up.", labels=["source", "status"])
    for (source, status), (count, _) in figures.count_pages(db).items():
        pages.add_metric([source, status], count)
    yield pages
    working = GaugeMetricFamily(
        "digest_source_ok", "1 while the last try went well.", labels=["source", "state"]
    )
    failures = GaugeMetricFamily("digest_source_failures", "Tries that failed in a row.", labels=["source"])
    success = GaugeMetricFamily("digest_source_last_success_timestamp_seconds", "When.", labels=["source"])
    for row in figures.source_rows(db):
        working.add_metric([row["name"], row["state"]], float(row["state"] in ("ok", "empty")))
        failures.add_metric([row["name"]], row["failures"])
        if row["succeeded_at"]:
            success.add_metric([row["name"]], row["succeeded_at"].timestamp())
    yield from (working, failures, success)
    readers = GaugeMetricFamily("digest_readers", "People, by status.", labels=["status"])
    for status, count in count_subscribers(db).items():
        readers.add_metric([status], count)
    yield readers


def _mails(db: Connection) -> Iterator[Metric]:
    outbox = GaugeMetricFamily("digest_outbox_mails", "Mails, by state.", labels=["state"])
    counts = count_deliveries(db)
    for state in figures.STATES:
        outbox.add_metric([state], counts.get(state, 0))
    yield outbox
    open_ = figures.waiting(db)
    yield GaugeMetricFamily("digest_outbox_waiting", "Mails that are still to leave.", value=open_.count)
    oldest = open_.oldest_at.timestamp() if open_.oldest_at else 0.0
    yield GaugeMetricFamily(
        "digest_outbox_oldest_timestamp_seconds",
        "When the longest waiting mail was queued; 0 for none.",
        value=oldest,
    )
    for name, said, found in (
        ("digest_suppressed_addresses", "Addresses that are not mailed.", figures.count_suppressions(db)),
        ("digest_returned_mails", "Mail that came back.", figures.count_bounces(db)),
    ):
        family = GaugeMetricFamily(name, said, labels=["why"])
        for why, count in found.items():
            family.add_metric([why], count)
        yield family
    halted, down = current_halt(db) is not None, current_outage(db) is not None
    yield GaugeMetricFamily("digest_sending_halted", "1 while the operator halts sending.", value=halted)
    yield GaugeMetricFamily("digest_mail_server_down", "1 while the next server takes nothing.", value=down)


def _verbs(db: Connection) -> Iterator[Metric]:
    runs = CounterMetricFamily("digest_verb_runs", "Runs of each verb.", labels=["verb"])
    failures = CounterMetricFamily("digest_verb_failures", "Runs that failed.", labels=["verb"])
    seconds = CounterMetricFamily("digest_verb_seconds", "Time spent in them.", labels=["verb"])
    last = GaugeMetricFamily("digest_verb_last_seconds", "How long the last one took.", labels=["verb"])
    ended = GaugeMetricFamily("digest_verb_last_end_timestamp_seconds", "When it ended.", labels=["verb"])
    done = CounterMetricFamily("digest_done", "What they did.", labels=["verb", "what"])
    for verb, one in every_round(db).items():
        runs.add_metric([verb], one.count)
        failures.add_metric([verb], one.failures)
        seconds.add_metric([verb], one.seconds)
        last.add_metric([verb], one.last_seconds)
        ended.add_metric([verb], one.last_ended_at.timestamp())
        for what, count in one.tallies.items():
            done.add_metric([verb, what], count)
    yield from (runs, failures, seconds, last, ended, done)


def ready_route(desk: Desk) -> Route:
    """/readyz: 200 while the database can be written and has the schema of this program, else 503; with the last runs."""

    async def look(now: datetime) -> dict[str, object]:
        try:
            return await desk.write(lambda tx: _readiness(tx, now))
        except StoreError as error:
            return {"ready": False, "database": str(error).partition(";")[0]}

    kept = Kept(look, lasts=_READY_LASTS)

    async def ready(_: Request) -> Response:
        said = await kept.get(desk.clock())
        return JSONResponse(said, 200 if said["ready"] else 503)

    return Route("/readyz", ready)


def _readiness(tx: Connection, now: datetime) -> dict[str, object]:
    version = tx.execute(text("SELECT version_num FROM alembic_version")).scalar()
    ages = {
        verb: round(max(0.0, (now - one.last_ended_at).total_seconds()))
        for verb, one in every_round(tx).items()
    }
    return {
        "ready": version == HEAD,
        "database": "writable",
        "schema": "current" if version == HEAD else f"{version}, this program needs {HEAD}",
        "seconds_since": ages,
    }
