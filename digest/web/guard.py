"""What stands before every page: the headers of a careful site, no requests of other sites, no more than a person needs."""

from collections.abc import Callable, Sequence
from ipaddress import IPv6Address, ip_address
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

LARGEST_BODY = 512 * 1024  # bytes; a pasted library is the largest thing anybody sends
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'; object-src 'none'"
)
_NO_POWERS = "camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()"
SECURITY_HEADERS: Sequence[tuple[bytes, bytes]] = (
    (b"content-security-policy", _POLICY.encode()),
    (b"referrer-policy", b"no-referrer"),
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"permissions-policy", _NO_POWERS.encode()),
)
# A page that says nothing of being kept is kept by nobody, and found by nobody.
_PRIVATE: Sequence[tuple[bytes, bytes]] = (
    (b"cache-control", b"no-store"),
    (b"x-robots-tag", b"noindex, nofollow"),
)
_HSTS = (b"strict-transport-security", b"max-age=31536000")


class Tries:
    """How often each network did something in the current minute; forgotten when the minute is over."""

    def __init__(self, most: int, monotonic: Callable[[], float]) -> None:
        self._most = most
        self._monotonic = monotonic
        self._minute = 0
        self._counts: dict[str, int] = {}

    def allow(self, network: str) -> bool:
        """Whether one more is within reason."""
        minute = int(self._monotonic() // 60)
        if minute != self._minute:
            self._minute, self._counts = minute, {}
        count = self._counts[network] = self._counts.get(network, 0) + 1
        return count <= self._most


class Guard:
    """ASGI middleware. `origin` is the site's own public address; `tries` bounds what one network may post a minute."""

    def __init__(self, inner: ASGIApp, *, origin: str, tries: Tries) -> None:
        self._inner = inner
        self._own_host = urlsplit(origin).netloc
        self._tries = tries
        self._headers = [*SECURITY_HEADERS, *([_HSTS] if origin.startswith("https://") else [])]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse, or pass on with the body bounded and the answer's headers complete."""
        if scope["type"] != "http":
            await self._inner(scope, receive, send)
            return
        answer = self._completed(send)
        if scope["method"] in _SAFE:
            await self._inner(scope, receive, answer)
            return
        scope["refused"] = self._refusal(scope)
        await self._inner(scope, _bounded(receive), answer)

    def _refusal(self, scope: Scope) -> int | None:
        headers = Headers(scope=scope)
        # The one-click of a mail program (RFC 8058) comes from its maker's servers, many readers' from one of them.
        is_one_click = scope["path"].startswith("/u/")
        if not is_one_click and not same_site(headers, self._own_host):
            return 403
        length = headers.get("content-length") or "0"
        if not (length.isascii() and length.isdecimal()):
            return 400
        if len(length) > 12 or int(length) > LARGEST_BODY:
            return 413
        if not is_one_click and not self._tries.allow(network_of(scope)):
            return 429
        return None

    def _completed(self, send: Send) -> Send:
        async def complete(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = message.setdefault("headers", [])
                said = {name for name, _ in headers}
                headers.extend(pair for pair in self._headers if pair[0] not in said)
                if b"cache-control" not in said:
                    headers.extend(_PRIVATE)
            await send(message)

        return complete


class Refusing:
    """ASGI middleware inside the error pages: turns what the guard refused into one of them."""

    def __init__(self, inner: ASGIApp) -> None:
        self._inner = inner

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Raise what the guard decided, or go on."""
        if scope["type"] == "http" and (status := scope.get("refused")):
            raise HTTPException(status, headers={"Retry-After": "60"} if status == 429 else None)
        await self._inner(scope, receive, send)


def same_site(headers: Headers, own_host: str) -> bool:
    """Whether a request comes from our own pages, or from no page at all.

    Browsers say so (Sec-Fetch-Site); older ones name the origin. What says neither is no browser, and has no cookies of
    anybody to abuse.
    """
    site = headers.get("sec-fetch-site")
    if site is not None:
        return site in ("same-origin", "none")
    origin = headers.get("origin")
    return origin is None or urlsplit(origin).netloc in (headers.get("host"), own_host)


def network_of(scope: Scope) -> str:
    """Who asks, as far as limits care: an IPv4 address, or the /64 of an IPv6 one, which is one household."""
    client = scope.get("client")
    try:
        address = ip_address(client[0]) if client else None
    except ValueError:
        return str(client[0])[:60] if client else ""
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped:
            return str(address.ipv4_mapped)
        return f"{IPv6Address(int(address) >> 64 << 64)}/64"
    return str(address or "")


def _bounded(receive: Receive) -> Receive:
    taken = 0

    async def counted() -> Message:
        nonlocal taken
        message = await receive()
        taken += len(message.get("body", b""))
        if taken > LARGEST_BODY:
            raise HTTPException(413)
        return message

    return counted
