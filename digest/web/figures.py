"""What Prometheus reads at /metrics: the figures of every digest of a house, one after the other, each with its name.

Only who says a digest's token sees it. A port of its own is not for the public, and shows them all.
"""

import hmac
import logging
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest, start_http_server
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from digest.errors import DigestError, StoreError
from digest.web.metrics import Tally

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Told:
    """One digest's figures, and what has to be said to see them; None: nothing opens them."""

    tenant: str  # "" where there is only one
    expected: bytes | None
    tally: Tally


class Figures:
    """Those of all digests that one process serves. `is_public`: the pages' own address tells them, too."""

    def __init__(self, *, is_public: bool = True) -> None:
        self._told: list[_Told] = []
        self._is_public = is_public

    def add(self, tenant: str, token: str | None, tally: Tally) -> None:
        """One more digest, or a known one anew; `tenant` becomes a label of all it tells, unless it is empty."""
        told = _Told(tenant, f"Bearer {token}".encode() if token else None, tally)
        # In place: a port of its own has this very list.
        self._told[:] = [*(one for one in self._told if one.tenant != tenant), told]

    def route(self) -> Route:
        """/metrics for whoever says a token: those digests whose token it is. Nowhere when none is configured."""

        async def metrics(request: Request) -> Response:
            if not self._is_public or not any(one.expected for one in self._told):
                raise HTTPException(404)
            said = request.headers.get("authorization", "").encode()
            opened = [one for one in self._told if one.expected and hmac.compare_digest(said, one.expected)]
            if not opened:
                raise HTTPException(401, headers={"WWW-Authenticate": "Bearer"})
            body = await run_in_threadpool(generate_latest, _registry_of(opened))
            return Response(body, headers={"Content-Type": CONTENT_TYPE_LATEST})

        return Route("/metrics", metrics)

    @contextmanager
    def at_port(self, port: int, host: str) -> Iterator[None]:
        """All of them at a port of their own, without a token. Raises `DigestError` when it cannot be opened."""
        try:
            server, thread = start_http_server(port, host, _registry_of(self._told))
        except OSError as error:
            raise DigestError(
                f"cannot listen on {host}:{port}: {error.strerror}; choose another --metrics-host or --metrics-port"
            ) from error
        try:
            yield
        finally:
            server.shutdown()
            server.server_close()
            thread.join()


def _registry_of(told: list[_Told]) -> CollectorRegistry:
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Together(told))
    ProcessCollector(registry=registry)
    return registry


class _Together(Collector):
    """The same figures of several digests as one, told apart by a label. One that cannot be read costs only itself."""

    def __init__(self, told: list[_Told]) -> None:
        self._told = told

    def describe(self) -> list[Metric]:
        """Nothing: registering must not ask the databases."""
        return []

    def collect(self) -> Iterable[Metric]:
        """Every figure once, with the samples of all digests."""
        found: dict[str, Metric] = {}
        for one in self._told:
            try:
                families = list(one.tally.registry.collect())
            except StoreError as error:
                if len(self._told) == 1:
                    raise
                log.error("figures of %s: %s", one.tenant, error)  # noqa: TRY400  # its words say it all
                continue
            for family in families:
                mine = found.setdefault(family.name, Metric(family.name, family.documentation, family.type))
                mine.samples += [
                    sample._replace(labels={**sample.labels, "tenant": one.tenant}) if one.tenant else sample
                    for sample in family.samples
                ]
        return found.values()
