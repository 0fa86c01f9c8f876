"""Reading on the web: one digest by its private link, what everybody likes today, and feeds of either.

/w/TOKEN/2026-03-05         the mail of that day, as it left
/trending, .atom, .json     for everybody
/feed/TOKEN.atom, .json     one reader's, at an address that the reader may renew or close
"""

from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from urllib.parse import urlsplit

from sqlalchemy import Connection
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from digest.errors import TokenError
from digest.mail.view import Card, card_of, chips_of
from digest.mail.wording import long_date, votes
from digest.model import Reason, ReasonKind
from digest.ranking.trending import trend_term
from digest.store.feeds import digest_bytes, digests_of, feed_serial, shown_to
from digest.store.people import Subscriber, read_subscriber
from digest.tokens import Secrets, sign, verify
from digest.web.conditional import answer
from digest.web.desk import Desk
from digest.web.feeds import ATOM_TYPE, JSON_TYPE, Entry, Feed, write_atom, write_json
from digest.web.kept import Kept
from digest.web.letter import POLICY, html_of
from digest.web.trends import Trending, trending

_MOST = 30  # papers on the page for everybody
_FEED_PAPERS = 100
_ARCHIVED = 400
_SNIPPET = 320
_LASTS = timedelta(minutes=5)
_FORMS = {"atom": (ATOM_TYPE, write_atom), "json": (JSON_TYPE, write_json)}
_NO_LINK = "this link is not valid, or no longer"


@dataclass(frozen=True, slots=True)
class Line:
    """One paper of the page for everybody."""

    card: Card
    votes: str


def routes(desk: Desk) -> list[Route]:
    """Where these pages are."""
    reading = _Reading(desk)
    return [
        Route("/w/{token}/{on}", reading.letter),
        Route("/trending", reading.trending),
        Route("/trending.{form}", reading.trending_feed),
        Route("/feed/{token}.{form}", reading.feed),
        Route("/s/{token}/archive", reading.archive),
    ]


def feed_urls(site_url: str, secret: Secrets, subscriber_id: int, serial: int) -> dict[str, str]:
    """Where a reader's feed is read, by form: {"atom": ..., "json": ...}. Whoever has the address can read it."""
    token = sign(secret, "feed", subscriber_id, version=serial)
    return {form: f"{site_url}/feed/{token}.{form}" for form in _FORMS}


class _Reading:
    """The functions behind the pages."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._secret = desk.app.office.secrets
        self._trending = Kept(self._ask_trending, lasts=_LASTS)

    async def _ask_trending(self, now: datetime) -> list[Trending]:
        return await run_in_threadpool(trending, self._desk.app.store, limit=_MOST, now=now)

    async def letter(self, request: Request) -> Response:
        """The HTML part of a stored mail, in a sandbox."""
        said_on, token = request.path_params["on"], request.path_params["token"]
        html = await self._desk.read(lambda db: _letter(db, self._secret, token, said_on))
        return HTMLResponse(html, headers={"Content-Security-Policy": POLICY})

    async def archive(self, request: Request) -> Response:
        """A reader's digests, each with its link."""
        token = request.path_params["token"]

        def ask(db: Connection) -> list[tuple[str, str, str]]:
            person = self._desk.fresh_reader(db, token)
            return [
                (long_date(past.on), past.subject, _letter_path(self._secret, person, past.on))
                for past in digests_of(db, person.id, limit=_ARCHIVED)
            ]

        keep = self._desk.app.settings.file.retention.messages_days
        return self._desk.page("archive.html", token=token, past=await self._desk.read(ask), keep=keep)

    async def trending(self, _: Request) -> Response:
        """What everybody likes today."""
        now = self._desk.clock()
        found = await self._trending.get(now)
        lines = [
            Line(card_of(one.paper, snippet=_SNIPPET), votes(one.paper.upvotes, one.paper.comments))
            for one in found
        ]
        newest = max((one.seen_at for one in found), default=None)
        return self._desk.page(
            "trending.html",
            kept_for=int(_LASTS.total_seconds()),
            lines=lines,
            day=long_date(newest.date()) if newest else None,
            is_today=newest is not None and newest.date() == now.date(),
        )

    async def trending_feed(self, request: Request) -> Response:
        """The same as a feed."""
        found = await self._trending.get(self._desk.clock())
        entries = tuple(Entry(one.paper, _liked(one), one.seen_at) for one in found)
        feed = self._feed(request, "trending", "Trending papers", entries)
        return _write(request, feed, "/trending", cache=f"public, max-age={int(_LASTS.total_seconds())}")

    async def feed(self, request: Request) -> Response:
        """The papers of one reader's digests, with their reasons."""
        who, entries = await self._desk.read(
            lambda db: _entries(db, self._secret, request.path_params["token"])
        )
        feed = self._feed(request, f"reader/{who}", "Your papers", entries)
        return _write(request, feed, "/", cache="private, no-cache")

    def _feed(self, request: Request, name: str, title: str, entries: tuple[Entry, ...]) -> Feed:
        sender = self._desk.app.settings.file.sender.name
        return Feed(
            host=urlsplit(self._desk.url).hostname or "localhost",
            name=name,
            title=f"{title} · {sender}",
            publisher=sender,
            url=f"{self._desk.url}{request.url.path}",
            home_url=None,
            entries=entries,
        )


def _write(request: Request, feed: Feed, home: str, *, cache: str) -> Response:
    form = request.path_params["form"]
    if form not in _FORMS:
        raise TokenError(_NO_LINK)
    media_type, write = _FORMS[form]
    site = (feed.url or "").removesuffix(request.url.path)
    return answer(request, write(replace(feed, home_url=f"{site}{home}")), media_type, cache=cache)


def _letter_path(secret: Secrets, person: Subscriber, on: date) -> str:
    token = sign(secret, "web", person.id, on.isoformat(), version=person.links_version)
    return f"/w/{token}/{on.isoformat()}"


def _letter(db: Connection, secret: Secrets, token: str, said_on: str) -> str:
    who = verify(secret, "web", token, said_on, version_of=lambda number: _links_version(db, number))
    try:
        raw = digest_bytes(db, who, date.fromisoformat(said_on))
    except ValueError:
        raw = None
    html = html_of(raw) if raw else None
    if html is None:
        raise TokenError(_NO_LINK)
    return html


def _links_version(db: Connection, number: int) -> int:
    person = read_subscriber(db, number)
    return person.links_version if person else 0


def _entries(db: Connection, secret: Secrets, token: str) -> tuple[int, tuple[Entry, ...]]:
    """Whose feed it is, and what is in it. Raises `TokenError` when it was revoked, renewed, or its owner is gone."""
    who = verify(secret, "feed", token, version_of=lambda number: feed_serial(db, number) or 0)
    if feed_serial(db, who) is None:
        raise TokenError(_NO_LINK)
    return who, tuple(
        Entry(
            one.paper,
            chips_of(
                tuple(Reason(ReasonKind(kind), term, part) for kind, term, part in one.why), {}, one.section
            ),
            one.seen_at,
        )
        for one in shown_to(db, who, limit=_FEED_PAPERS)
    )


def _liked(one: Trending) -> tuple[str, ...]:
    return (trend_term(one.paper),) if one.paper.upvotes else ()
