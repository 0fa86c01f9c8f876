"""Several digests behind one server: each answers at its own address."""

from collections.abc import Sequence
from urllib.parse import urlsplit

from starlette.types import ASGIApp, Receive, Scope, Send

# Asked by the machines around, at any address.
_ANYWHERE = ("/healthz", "/readyz", "/metrics")


def at_their_addresses(sites: Sequence[tuple[str | None, ASGIApp]]) -> ASGIApp:
    """One application of several sites, chosen by the host that a request names: `[web] url` of each.

    A host that none of them has is answered by the first. One site answers whatever the host.
    """
    if len(sites) == 1:
        return sites[0][1]
    by_host: dict[str, ASGIApp] = {}
    for url, site in sites:
        by_host.setdefault(urlsplit(url or "").netloc.casefold(), site)
    first = sites[0][1]

    async def house(scope: Scope, receive: Receive, send: Send) -> None:
        named = dict(scope.get("headers", ())).get(b"host", b"").decode("latin-1").casefold()
        site = first if scope.get("path") in _ANYWHERE else by_host.get(named, first)
        await site(scope, receive, send)

    return house
