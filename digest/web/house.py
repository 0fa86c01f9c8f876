"""Several digests behind one server: each answers at its own address."""

from urllib.parse import urlsplit

from starlette.types import ASGIApp, Receive, Scope, Send

# Asked by the machines around, at any address.
_ANYWHERE = ("/healthz", "/readyz", "/metrics")


class House:
    """The sites of several digests, by name, behind one door. Each is chosen by the host that a request names: its
    `[web] url`.

    A host that none of them has is answered by the first. One site answers whatever the host. A site may be put in the
    place of another of its name at any time: requests that have come in are answered by the one they came to.
    """

    def __init__(self) -> None:
        self._sites: dict[str, tuple[str, ASGIApp]] = {}

    def put(self, name: str, url: str | None, site: ASGIApp) -> None:
        """Let this site answer for the digest of that name, from now on."""
        self._sites = {**self._sites, name: (urlsplit(url or "").netloc.casefold(), site)}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let the site that is asked for answer."""
        await self._asked_for(scope)(scope, receive, send)

    def _asked_for(self, scope: Scope) -> ASGIApp:
        sites = list(self._sites.values())
        first = sites[0][1]
        if len(sites) == 1 or scope.get("path") in _ANYWHERE:
            return first
        host = dict(scope.get("headers", ())).get(b"host", b"").decode("latin-1").casefold()
        return next((site for known, site in sites if known == host), first)
