"""What the functions behind the pages work with: the app, its clock, its templates, and the ways to the database."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeVar

import anyio
from jinja2 import Environment
from sqlalchemy import Connection
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse

from digest.app import App
from digest.errors import TokenError
from digest.store.people import Subscriber, read_subscriber
from digest.tokens import Purpose, verify, verify_until
from digest.web.forms import Form, parse_form
from digest.web.scribe import Scribe
from digest.web.showroom import Showroom

Got = TypeVar("Got")
_SLOWEST_BODY = 20.0  # seconds until a form has to be there


@dataclass(frozen=True, slots=True)
class Desk:
    """One site's working place. `url` is its public address, without a slash at the end."""

    app: App
    clock: Callable[[], datetime]
    templates: Environment
    url: str
    showroom: Showroom
    scribe: Scribe
    wake: Callable[[], None] = field(default=lambda: None)  # a mail was queued: look at the outbox now

    def page(self, template: str, *, status: int = 200, kept_for: int = 0, **values: Any) -> HTMLResponse:
        """`templates/web/<template>` with `values`. Kept by nobody, unless it may be for `kept_for` seconds."""
        html = self.templates.get_template(template).render(values)
        headers = {"Cache-Control": f"public, max-age={kept_for}"} if kept_for else None
        return HTMLResponse(html, status, headers)

    def reader(self, db: Connection, purpose: Purpose, token: str, about: str = "") -> Subscriber:
        """Whose lasting link this is. Raises `TokenError` for one that is not, or no longer, and for people who are gone."""
        found = _Found(db)
        verify(self.app.office.secrets, purpose, token, about, version_of=found.version)
        return found.person()

    def fresh_reader(self, db: Connection, token: str) -> Subscriber:
        """Whose passing link to all settings this is. Raises `TokenError`, also half an hour later."""
        found, secrets = _Found(db), self.app.office.secrets
        verify_until(secrets, "settings", token, now=self.clock(), version_of=found.version)
        return found.person()

    async def read(self, ask: Callable[[Connection], Got]) -> Got:
        """What `ask` finds in one consistent view, in a thread of its own. Raises `StoreError`."""

        def read() -> Got:
            with self.app.store.reading() as db:
                return ask(db)

        return await run_in_threadpool(read)

    async def write(self, change: Callable[[Connection], Got]) -> Got:
        """What `change` returns, once it is durable. Raises what it raises, and `StoreError`."""
        return await self.scribe.write(change)

    async def form(self, request: Request) -> Form:
        """The fields that were sent. Raises `HTTPException` for what is no form, too long or too slow."""
        with anyio.fail_after(_SLOWEST_BODY):
            body = await request.body()
        return parse_form(body, request.headers.get("content-type", ""))


class _Found:
    """The subscriber a token names: looked up once, to check the token and to act for them."""

    def __init__(self, db: Connection) -> None:
        self._db = db
        self._person: Subscriber | None = None

    def version(self, number: int) -> int:
        """Which version of links counts; -1, which no token has, for somebody who is gone."""
        self._person = read_subscriber(self._db, number)
        return self._person.links_version if self._person else -1

    def person(self) -> Subscriber:
        """The one that was found. Raises `TokenError` when there is none."""
        if self._person is None:
            raise TokenError("this link is not valid, or no longer")
        return self._person
