"""Letting the operator in: one password, few tries, a session of some hours, and a form token in every form."""

import asyncio
import hashlib
import hmac
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from sqlalchemy import Connection
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from digest.store.audit import REFUSED, Act, count_refused, note_act, note_login
from digest.store.sessions import LASTS, begin_session, end_session, has_session
from digest.web.desk import Desk
from digest.web.forms import Form
from digest.web.guard import network_of
from digest.web.operator.password import check_hash, matches

HOME = "/operator"
_TRIES = 5  # of one network
_TRIES_OF_ALL = 50  # of everybody together: who has many networks
_WINDOW = timedelta(minutes=15)
_AT_ONCE = 2  # checks of a password, each of which takes 64 MB

_NUMBER = re.compile(r"[0-9]{1,18}")  # what a row may have

Page = Callable[["Visit"], Awaitable[Response]]


@dataclass(frozen=True, slots=True)
class Visit:
    """One request of somebody who is logged in."""

    desk: Desk
    request: Request
    token: str  # stands in every form of this session
    network: str
    form: Form = field(default_factory=Form)

    @property
    def number(self) -> int:
        """The number in the address. Raises `HTTPException` 404 for what no row has."""
        said = self.request.path_params["number"]
        if not _NUMBER.fullmatch(said):
            raise HTTPException(404)
        return int(said)

    def page(self, template: str, **values: Any) -> Response:
        """A page of the operator's."""
        return self.desk.page(f"operator/{template}", form_token=self.token, **values)

    def act(self, tx: Connection, act: str, about: str, detail: str = "") -> None:
        """Write the audit line of what is being done in this transaction."""
        note_act(tx, Act(self.desk.clock(), act, about, detail, self.network))


class Gate:
    """Stands before every page of the operator. `stored` is the hash of the password."""

    def __init__(self, desk: Desk, stored: str) -> None:
        self.desk = desk
        self._stored = stored
        check_hash(stored)
        self._is_secure = desk.url.startswith("https://")
        # The prefix makes browsers insist on https, this host and no subdomain (RFC 6265bis).
        self.cookie = "__Host-operator" if self._is_secure else "operator"
        self._checking = asyncio.Semaphore(_AT_ONCE)

    def view(self, path: str, page: Page) -> Route:
        """A page that shows something to whoever is logged in, and the login to everybody else."""

        async def guarded(request: Request) -> Response:
            key = await self._key_of(request)
            if key is None:
                return self.ask(401)
            return await page(self._visit(request, key))

        return Route(path, guarded, methods=["GET"])

    def act(self, path: str, page: Page) -> Route:
        """Something that is done: by POST, by whoever is logged in, from one of our own forms."""

        async def guarded(request: Request) -> Response:
            key = await self._key_of(request)
            if key is None:
                return self.ask(401)
            form = await self.desk.form(request)
            visit = self._visit(request, key, form)
            if not hmac.compare_digest(form.raw("form").encode(), visit.token.encode()):
                raise HTTPException(403)
            return await page(visit)

        return Route(path, guarded, methods=["POST"])

    def ask(self, status: int = 200, *, said: str = "") -> Response:
        """The page that asks for the password."""
        return self.desk.page("operator/login.html", status=status, said=said)

    def _visit(self, request: Request, key: str, form: Form | None = None) -> Visit:
        return Visit(self.desk, request, form_token(key), network_of(request.scope), form or Form())

    async def _key_of(self, request: Request) -> str | None:
        key = request.cookies.get(self.cookie, "")[:200]
        if not key:
            return None
        is_known = await self.desk.read(lambda db: has_session(db, key, now=self.desk.clock()))
        return key if is_known else None

    async def login(self, request: Request) -> Response:
        """Check the password. Every try counts as refused from its beginning, so that trying in parallel gains nothing."""
        network, now = network_of(request.scope), self.desk.clock()
        form = await self.desk.form(request)
        number = await self.desk.write(lambda tx: self._note_try(tx, network))
        if number is None:
            answer = self.ask(429, said="Too many tries. Wait a quarter of an hour, then try again.")
            answer.headers["Retry-After"] = str(int(_WINDOW.total_seconds()))
            return answer
        async with self._checking:
            is_right = await run_in_threadpool(matches, self._stored, form.raw("password"))
        if not is_right:
            return self.ask(401, said="That is not the password.")

        def begin(tx: Connection) -> str:
            note_login(tx, number)
            return begin_session(tx, now=now)

        answer = RedirectResponse(HOME, 303)
        answer.set_cookie(
            self.cookie,
            await self.desk.write(begin),
            max_age=int(LASTS.total_seconds()),
            secure=self._is_secure,
            httponly=True,
            samesite="strict",
        )
        return answer

    def _note_try(self, tx: Connection, network: str) -> int | None:
        """The number of this try in the audit; None when there were too many."""
        now = self.desk.clock()
        since = now - _WINDOW
        if count_refused(tx, since=since, network=network) >= _TRIES:
            return None
        if count_refused(tx, since=since) >= _TRIES_OF_ALL:
            return None
        return note_act(tx, Act(now, REFUSED, "", "", network))

    async def logout(self, visit: Visit) -> Response:
        """End this session, here and in the database."""
        key = visit.request.cookies.get(self.cookie, "")

        def end(tx: Connection) -> None:
            end_session(tx, key)
            visit.act(tx, "logout", "")

        await self.desk.write(end)
        answer = RedirectResponse(f"{HOME}/login", 303)
        answer.delete_cookie(self.cookie, secure=self._is_secure, httponly=True, samesite="strict")
        return answer


def form_token(key: str) -> str:
    """What every form of a session carries: only a page of that session knows it."""
    return hashlib.sha256(f"form|{key}".encode()).hexdigest()[:32]


def routes(gate: Gate) -> list[Route]:
    """Where one logs in and out."""

    async def ask(_: Request) -> Response:
        return gate.ask()

    return [
        Route(f"{HOME}/login", ask, methods=["GET"]),
        Route(f"{HOME}/login", gate.login, methods=["POST"]),
        gate.act(f"{HOME}/logout", gate.logout),
    ]
