"""Pages from the web: one conditional GET, bounded in time, in bytes and in where it may lead."""

import contextlib
import re
import ssl
import time
import zlib
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from hashlib import sha256

import httpcore
import httpx

import digest
from digest.errors import SourceError
from digest.model import Page
from digest.pages.addresses import CheckedBackend, Clock, Lookup, look_up
from digest.pages.document import LARGEST_PAGE

MOST_REDIRECTS = 5
# Seconds: nobody is hammered, and nobody stays away for a month because of a typing slip.
_RETRY_AFTER = (60, 24 * 3600)
_USER_AGENT = f"paper-digest/{digest.__version__}"
_HOST = re.compile(rb"[A-Za-z0-9._-]+|[0-9A-Fa-f:.]+")  # a name, as IDNA writes it, or an IPv6 address
_REDIRECTS = frozenset({301, 302, 303, 307, 308})


@dataclass(frozen=True, slots=True)
class Validators:
    """What the server said identifies the version we have (RFC 9110, section 13.1), to be sent with the next request."""

    etag: str | None = None
    last_modified: str | None = None


@dataclass(frozen=True, slots=True)
class Fetched:
    """The outcome of a fetch. `page` is None where the server said that nothing has changed (304)."""

    page: Page | None
    validators: Validators


class HttpFetcher:
    """Fetches pages over HTTP and HTTPS. Holds no connection between calls; retrying is the caller's business.

    `deadline_seconds` bounds the whole fetch with its redirects, however slowly the server drips. `allow_private` lets
    it reach addresses inside private networks, and any port; without it `ports` are all there are. `tls` is for sites whose
    certificates come from an authority of their own.
    """

    def __init__(
        self,
        *,
        allow_private: bool = False,
        deadline_seconds: float = 30.0,
        ports: Collection[int] = (80, 443),
        tls: ssl.SSLContext | None = None,
        lookup: Lookup = look_up,
        clock: Clock = time.monotonic,
    ) -> None:
        self._allow_private = allow_private
        self._deadline_seconds = deadline_seconds
        self._ports = ports
        self._tls = tls
        self._lookup = lookup
        self._clock = clock

    def fetch(self, url: str, *, source: str, validators: Validators, now: datetime) -> Fetched:
        """The page at `url`, or no page where the server says that the version of `validators` is still the newest.

        Raises:
            SourceError: refused, unreachable, too large, too slow, or answered with an error; the message says which and
                what to do, `retry_after` how long the server wants us to wait.
        """
        deadline = self._clock() + self._deadline_seconds
        backend = CheckedBackend(
            lookup=self._lookup, allow_private=self._allow_private, clock=self._clock, deadline=deadline
        )
        with _said_plainly(url), httpcore.ConnectionPool(self._tls, network_backend=backend) as pool:
            at = self._checked(url)
            for _hop in range(MOST_REDIRECTS + 1):
                with pool.stream("GET", str(at), headers=_headers(validators)) as answer:
                    if answer.status not in _REDIRECTS:
                        return self._answered(at, answer, source=source, validators=validators, now=now)
                    at = self._redirected(at, answer)
        raise SourceError(
            f"{url}: it redirects more than {MOST_REDIRECTS} times; check the address.", state="refused"
        )

    def _checked(self, url: str) -> httpx.URL:
        """The address, if it is one that may be asked."""
        try:
            at = httpx.URL(url)
        except (httpx.InvalidURL, UnicodeError, ValueError) as error:
            raise SourceError(f"{url[:200]}: this is no web address ({error}).", state="refused") from error
        if at.scheme not in ("http", "https") or not _HOST.fullmatch(at.raw_host):
            raise SourceError(f"{url[:200]}: a web address begins with https:// or http://.", state="refused")
        if at.userinfo:
            raise SourceError(
                f"{at.host}: an address with a name or password in it is not fetched.", state="refused"
            )
        if not (self._allow_private or at.port is None or at.port in self._ports):
            raise SourceError(
                f"{url[:200]}: port {at.port} is not a web server's; set allow_private if it is meant.",
                state="refused",
            )
        return at

    def _redirected(self, at: httpx.URL, answer: httpcore.Response) -> httpx.URL:
        location = _header(answer, "location")
        if not location:
            raise SourceError(f"{at}: it redirects to nowhere; check the address.", state="broken")
        try:
            target = self._checked(str(at.join(location)))
        except httpx.InvalidURL as error:
            raise SourceError(
                f"{at}: it redirects to an address that is none ({error}).", state="broken"
            ) from error
        if at.scheme == "https" and target.scheme == "http":
            raise SourceError(
                f"{at}: it redirects to http, without encryption; that is not followed.", state="refused"
            )
        return target

    def _answered(
        self, at: httpx.URL, answer: httpcore.Response, *, source: str, validators: Validators, now: datetime
    ) -> Fetched:
        if answer.status == 304 and validators != Validators():
            return Fetched(None, validators)
        if answer.status != 200:
            raise _refusal(str(at), answer, now)
        media_type = (_header(answer, "content-type") or "").partition(";")[0].strip().lower() or None
        page = Page(str(at), _body(answer, str(at)), fetched_at=now, source=source, media_type=media_type)
        return Fetched(page, Validators(_header(answer, "etag"), _header(answer, "last-modified")))


class MemoryFetcher:
    """A fetcher without a network, for tests and demonstrations: addresses and what they answer."""

    def __init__(self, answers: Mapping[str, bytes | SourceError]) -> None:
        self.answers = dict(answers)
        self.asked: list[str] = []

    def fetch(self, url: str, *, source: str, validators: Validators, now: datetime) -> Fetched:
        """Like HttpFetcher's: unchanged bytes are not given twice to a caller who returns the validators."""
        self.asked.append(url)
        answer = self.answers.get(
            url, SourceError(f"{url}: nothing is there (404); check the address.", state="broken")
        )
        if isinstance(answer, SourceError):
            raise answer
        current = Validators(etag=f'"{sha256(answer).hexdigest()[:16]}"')
        return Fetched(None if validators == current else Page(url, answer, now, source), current)


def _headers(validators: Validators) -> list[tuple[str, str]]:
    headers = [("User-Agent", _USER_AGENT), ("Accept", "*/*"), ("Accept-Encoding", "gzip")]
    if validators.etag:
        headers.append(("If-None-Match", validators.etag))
    if validators.last_modified:
        headers.append(("If-Modified-Since", validators.last_modified))
    return headers


def _header(answer: httpcore.Response, name: str) -> str | None:
    wanted = name.encode()
    value = next((value for key, value in answer.headers if key.lower() == wanted), None)
    return value.decode("latin-1").strip() if value is not None else None


def _refusal(url: str, answer: httpcore.Response, now: datetime) -> SourceError:
    status, retry_after = answer.status, _retry_after(_header(answer, "retry-after"), now)
    if status in (401, 403, 407, 451) or _header(answer, "x-amzn-waf-action"):
        text = f"{url}: the site refuses us ({status}); look at the address in a browser, or use its API instead."
        return SourceError(text, state="refused", retry_after=retry_after)
    if status in (404, 410):
        return SourceError(f"{url}: nothing is there ({status}); check the address.", state="broken")
    if status == 429:
        text = f"{url}: the site asks us to come less often (429)."
        return SourceError(text, state="refused", retry_after=retry_after)
    if status >= 500:
        text = f"{url}: the site has trouble of its own ({status}); it is tried again later."
        return SourceError(text, retry_after=retry_after)
    return SourceError(f"{url}: an answer that is no page ({status}); check the address.", state="broken")


def _retry_after(value: str | None, now: datetime) -> int | None:
    """Seconds to wait by a Retry-After header (RFC 9110, section 10.2.3: seconds or a date), within reason."""
    if value is None:
        return None
    least, most = _RETRY_AFTER
    if value.isdecimal():
        return max(least, min(most, int(value[:9])))
    try:
        until = parsedate_to_datetime(value)
    except ValueError:
        return least
    until = until if until.tzinfo else until.replace(tzinfo=UTC)
    return max(least, min(most, round((until - now).total_seconds())))


def _body(answer: httpcore.Response, url: str) -> bytes:
    """The body, decompressed, never more than LARGEST_PAGE of it and never a part of it."""
    encoding = (_header(answer, "content-encoding") or "identity").lower()
    chunks = _bounded(answer.iter_stream(), url)
    if encoding == "identity":
        return b"".join(chunks)
    if encoding not in ("gzip", "x-gzip"):
        raise SourceError(f"{url}: compressed with {encoding[:20]}, which was not asked for.", state="broken")
    unzip = zlib.decompressobj(wbits=16 + zlib.MAX_WBITS)
    # One chunk may decompress a thousandfold: max_length stops it, the cap on the joined pieces would come too late.
    whole = b"".join(_bounded((unzip.decompress(chunk, LARGEST_PAGE + 1) for chunk in chunks), url))
    if not unzip.eof or unzip.unused_data:
        raise SourceError(
            f"{url}: the compressed page is cut or damaged; it is tried again later.", state="broken"
        )
    return whole


def _bounded(chunks: Iterable[bytes], url: str) -> Iterator[bytes]:
    size = 0
    for chunk in chunks:
        size += len(chunk)
        if size > LARGEST_PAGE:
            limit = LARGEST_PAGE >> 20
            raise SourceError(f"{url}: more than {limit} MB; ask for a shorter period.", state="refused")
        yield chunk


@contextlib.contextmanager
def _said_plainly(url: str) -> Iterator[None]:
    """Turns what the network raises into SourceError."""
    try:
        yield
    except httpcore.TimeoutException as error:
        raise SourceError(f"{url}: no complete answer in time; it is tried again later.") from error
    except (httpcore.NetworkError, httpcore.ProxyError) as error:
        raise SourceError(
            f"{url}: cannot be reached ({error}); check the address and the network."
        ) from error
    except (httpcore.ProtocolError, httpcore.UnsupportedProtocol) as error:
        raise SourceError(f"{url}: the answer is cut or no HTTP ({error}).", state="broken") from error
    except zlib.error as error:
        raise SourceError(
            f"{url}: the compressed page is damaged; it is tried again later.", state="broken"
        ) from error
