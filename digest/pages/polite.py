"""Fetching as a good guest: not too often, not where robots.txt says no, and again when the trouble may pass."""

import random
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Protocol
from urllib.parse import urlsplit
from urllib.robotparser import RobotFileParser

from digest.errors import SourceError
from digest.pages.fetch import Fetched, Validators

AGENT = "paper-digest"
_GAP = 1.0  # seconds between two requests to one host
_GAPS = {"export.arxiv.org": 3.0, "rss.arxiv.org": 3.0, "arxiv.org": 15.0}  # as their help pages ask
_RETRIES = (1.0, 4.0)  # seconds, each up to half as long again
_ROBOTS_LIFE = timedelta(hours=24)  # RFC 9309, 2.4
# Addresses made for programs. robots.txt speaks of the pages made for people (RFC 9309, 1).
_FOR_PROGRAMS = ("/api/", "/rss", "/atom", "/feed", ".xml", ".rss", ".atom", ".json", "_xml.php")


class Inner(Protocol):
    """What does the fetching."""

    def fetch(self, url: str, *, source: str, validators: Validators, now: datetime) -> Fetched:
        """The page, or none when it has not changed. Raises `SourceError`."""
        ...


class PoliteFetcher:
    """A fetcher that waits between requests to one host, asks robots.txt, and retries what may pass.

    One of them serves all sources of a process, so that two sources of one host know of each other. `wait` is given
    seconds, `clock` tells seconds that never go back.
    """

    def __init__(self, inner: Inner, *, wait: Callable[[float], None], clock: Callable[[], float]) -> None:
        self._inner = inner
        self._wait = wait
        self._clock = clock
        self._free_at: dict[str, float] = {}
        self._robots: dict[str, tuple[datetime, RobotFileParser]] = {}

    def fetch(self, url: str, *, source: str, validators: Validators, now: datetime) -> Fetched:
        """See `Inner.fetch`. Raises `SourceError` with state "refused" where robots.txt does not want us."""
        if not any(sign in url for sign in _FOR_PROGRAMS) and not self._rules(url, now).can_fetch(AGENT, url):
            raise SourceError(
                f"{url}: the site's robots.txt does not want programs here; use its feed or its API.",
                state="refused",
            )
        for pause in (*_RETRIES, None):
            try:
                return self._one(url, source=source, validators=validators, now=now)
            except SourceError as error:
                if pause is None or error.state != "unreachable" or error.retry_after is not None:
                    raise
                self._wait(pause * random.uniform(1.0, 1.5))  # noqa: S311  # spreads load, guards nothing
        raise AssertionError("the last try returns or raises")

    def _one(self, url: str, *, source: str, validators: Validators, now: datetime) -> Fetched:
        host = urlsplit(url).netloc.lower()
        if (left := self._free_at.get(host, 0.0) - self._clock()) > 0:
            self._wait(left)
        self._free_at[host] = self._clock() + _GAPS.get(host, _GAP)
        return self._inner.fetch(url, source=source, validators=validators, now=now)

    def _rules(self, url: str, now: datetime) -> RobotFileParser:
        """The rules of a site. None at all where it has no robots.txt; nothing allowed while it has trouble of its own."""
        parts = urlsplit(url)
        site = f"{parts.scheme}://{parts.netloc}"
        known = self._robots.get(site)
        if known and now - known[0] < _ROBOTS_LIFE:
            return known[1]
        rules = RobotFileParser()
        try:
            fetched = self._one(f"{site}/robots.txt", source=AGENT, validators=Validators(), now=now)
        except SourceError as error:
            # RFC 9309, 2.3.1.3 and 2.3.1.4: "unavailable" (4xx) allows everything, "unreachable" (5xx) nothing.
            if error.state == "unreachable":
                raise
            rules.parse([])
        else:
            body = fetched.page.body[: 512 * 1024] if fetched.page else b""
            rules.parse(body.decode("utf-8", "replace").splitlines())
        rules.modified()
        self._robots[site] = (now, rules)
        return rules
