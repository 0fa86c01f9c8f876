"""The site as one ASGI application: every page, the guard before them, and the pages for when something is wrong."""

import logging
import time
from collections.abc import Callable
from datetime import datetime
from http import HTTPStatus
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from digest.app import App
from digest.errors import StoreError, TokenError
from digest.mail.themes import build_theme
from digest.mail.wording import counted
from digest.shipped import shipped
from digest.store.papers import count_papers
from digest.web import confirm, leave, operator, own_data, reading, settings, subscribe, vote
from digest.web.desk import Desk
from digest.web.figures import Figures
from digest.web.guard import SECURITY_HEADERS, Guard, Refusing, Tries
from digest.web.look import Assets, read_assets
from digest.web.metrics import Counting, Tally, ready_route
from digest.web.scribe import Scribe
from digest.web.showroom import Showroom

log = logging.getLogger(__name__)

# Modules of pages: each has `routes(desk) -> list[Route]`.
_PARTS: tuple[Callable[[Desk], list[Route]], ...] = tuple(
    part.routes for part in (subscribe, confirm, leave, settings, own_data, vote, reading, operator)
)

_WORDS = {
    400: ("This cannot be read", "What was sent is not a form this page knows. Go back and try again."),
    403: ("This came from another site", "Open the page here and press the button again."),
    404: ("There is nothing here", "The address may be misspelt, or the link was cut by a mail program."),
    405: ("Not like this", "This address does not take that kind of request."),
    408: ("That took too long", "Check your connection and try again."),
    413: ("That is too much at once", "Send less: half a megabyte of text is the most."),
    415: ("This cannot be read", "This page takes ordinary forms only."),
    429: ("One moment, please", "There were too many requests from your network. Try again in a minute."),
    503: ("Not now", "The database cannot be written at the moment. Try again in a few minutes."),
}
_SERVER_ERROR = ("Something is wrong here", "It is our fault, and it was written down. Try again later.")
_BAD_LINK = (
    "This link does not work",
    "It is not complete, was used already, or is too old. You can have a new one mailed to you.",
)


def make_site(
    app: App,
    *,
    clock: Callable[[], datetime],
    wake: Callable[[], None] = lambda: None,
    figures: Figures | None = None,
    tenant: str = "",
) -> Starlette:
    """The web pages of one home. `clock` gives aware UTC; `wake` is called when a mail was queued.

    `figures` is shared by the sites of a house, each of which is a `tenant` there.
    """
    look = app.settings.file.look
    theme = build_theme(look.theme, light=look.light, dark=look.dark)
    assets = read_assets(shipped("templates") / "web" / "assets", theme)
    url = (app.settings.file.web.url or "http://127.0.0.1").rstrip("/")
    showroom = Showroom(app.store, app.limits())
    desk = Desk(app, clock, _templates(app, assets, url), url, showroom, Scribe(app.store), wake)
    most = app.settings.file.web.posts_per_minute
    guard = Middleware(Guard, origin=url, tries=Tries(most, time.monotonic))
    routes = [assets.route(), _health(desk), ready_route(desk)]
    routes += [route for part in _PARTS for route in part(desk)]
    tally, token = Tally(app.store, routes), app.settings.metrics_token
    told = figures or Figures()
    told.add(tenant, token.get_secret_value() if token else None, tally)
    site = Starlette(
        routes=[*routes, told.route()],
        middleware=[Middleware(Counting, tally=tally), guard],
        exception_handlers=_error_pages(desk),
    )
    site.router.redirect_slashes = False
    site.state.desk = desk
    # Inside the error pages, so that what the guard refuses is told like everything else.
    site.router.middleware_stack = Refusing(site.router.middleware_stack)
    return site


def _templates(app: App, assets: Assets, url: str) -> Environment:
    folder = shipped("templates") / "web"
    environment = Environment(
        loader=FileSystemLoader(folder),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    environment.globals |= {
        "site_name": app.settings.file.sender.name,
        "version": assets.version,
        "counted": counted,
        "site_url": url,
    }
    return environment


def _health(desk: Desk) -> Route:
    async def health(_: Request) -> Response:
        """200 while the database answers."""
        await desk.read(count_papers)
        return PlainTextResponse("ok\n")

    return Route("/healthz", health)


def _error_pages(desk: Desk) -> dict[Any, Any]:
    def say(status: int, words: tuple[str, str]) -> Response:
        return desk.page("problem.html", status=status, heading=words[0], words=words[1])

    async def refused(_: Request, error: HTTPException) -> Response:
        phrase = HTTPStatus(error.status_code).phrase
        answer = say(error.status_code, _WORDS.get(error.status_code, (phrase, "")))
        answer.headers.update(error.headers or {})
        return answer

    async def bad_link(_: Request, __: Exception) -> Response:
        return say(404, _BAD_LINK)

    async def too_slow(_: Request, __: Exception) -> Response:
        return say(408, _WORDS[408])

    async def closed(_: Request, error: Exception) -> Response:
        log.error("web store: %s", error)
        answer = say(503, _WORDS[503])
        answer.headers["Retry-After"] = "120"
        return answer

    async def broken(request: Request, error: Exception) -> Response:
        # What follows the first word may be somebody's token.
        log.error("web path=/%s failed", request.url.path.split("/")[1], exc_info=error)
        answer = say(500, _SERVER_ERROR)
        # This page is made outside the guard.
        answer.raw_headers.extend([*SECURITY_HEADERS, (b"cache-control", b"no-store")])
        return answer

    return {
        HTTPException: refused,
        TokenError: bad_link,
        TimeoutError: too_slow,
        StoreError: closed,
        Exception: broken,
    }
