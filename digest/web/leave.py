"""What a link in a digest can do, also for somebody to whom it was forwarded: leave, pause, less often. It shows nothing.

/u/TOKEN   leave: one press, or the one click of a mail program (RFC 8058)
/p/TOKEN   pause, come back, another rhythm
/link      a fresh link to everything else, mailed to the address
"""

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta

from sqlalchemy import Connection
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route

from digest.cadence import zone_of
from digest.mail.wording import rhythm_of
from digest.model import Cadence
from digest.store.people import Subscriber
from digest.subscriptions import (
    Asked,
    change_profile,
    leave,
    pause,
    resume,
    send_link,
    tell_change,
    undo_leaving,
)
from digest.web.desk import Desk
from digest.web.forms import Form, parse_form
from digest.web.guard import network_of
from digest.web.profile_form import read_address
from digest.web.view import hidden_address, local_time

_LONGEST_PAUSE = timedelta(days=366)
_PAUSES = {"week": timedelta(days=7), "month": timedelta(days=30)}
_EVERY = {"day": "every day", "weekday": "every weekday", "week": "once a week", "month": "once a month"}


def routes(desk: Desk) -> list[Route]:
    """Where these pages are."""
    door = _Door(desk)
    return [
        Route("/u/{token}", door.leaving),
        Route("/u/{token}", door.leave, methods=["POST"]),
        Route("/p/{token}", door.staying),
        Route("/p/{token}", door.change, methods=["POST"]),
        Route("/link", door.asking),
        Route("/link", door.ask, methods=["POST"]),
    ]


def is_one_click(body: bytes) -> bool:
    """Whether a mail program says what RFC 8058, section 3.2, has it say, in either kind of form."""
    return b"List-Unsubscribe=One-Click" in body or (
        b'name="List-Unsubscribe"' in body and b"One-Click" in body
    )


def pause_as_asked(tx: Connection, person: Subscriber, form: Form, now: datetime) -> str:
    """Pause somebody as a form says. Returns what to say then: "pause", or "no-day" when nothing was changed for want of one."""
    try:
        until = _end_of_pause(form, person.profile.timezone, now)
    except ValueError:
        return "no-day"
    pause(tx, person, until=until, catch_up="catch_up" in form, now=now)
    return "pause"


def _end_of_pause(form: Form, zone: str, now: datetime) -> datetime | None:
    """The start of a local day, at most a year from now; None for no end, which is only what was asked for in so many words.

    Raises `ValueError` when a day is meant and none to come is named.
    """
    chosen = form.line("until")
    if chosen != "date":
        return now + _PAUSES[chosen] if chosen in _PAUSES else None
    on = date.fromisoformat(form.line("date"))
    try:
        until = datetime.combine(on, time(), zone_of(zone)).astimezone(UTC)
    except OverflowError as error:
        raise ValueError(on) from error
    if until <= now:
        raise ValueError(on)
    return min(until, now + _LONGEST_PAUSE)


class _Door:
    """The functions behind the pages."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def leaving(self, request: Request) -> Response:
        """The page with the button. Opening it changes nothing."""
        return await self._show(request, "unsubscribe", "unsubscribe.html")

    async def staying(self, request: Request) -> Response:
        """Pause or another rhythm."""
        return await self._show(request, "preferences", "preferences.html")

    async def _show(self, request: Request, purpose: str, template: str) -> Response:
        token, now = request.path_params["token"], self._desk.clock()
        person = await self._desk.read(lambda db: self._desk.reader(db, purpose, token))  # type: ignore[arg-type]
        zone = person.profile.timezone
        return self._desk.page(
            template,
            person=person,
            address=hidden_address(person.email),
            rhythm=rhythm_of(person.profile),
            every=person.profile.cadence.every,
            at=f"{person.profile.cadence.at:%H:%M}",
            choices=_EVERY,
            next_digest=local_time(person.next_due_at, zone),
            paused_until=local_time(person.paused_until, zone) if person.paused_until else "",
            tomorrow=(now + timedelta(days=1)).date().isoformat(),
            last=(now + _LONGEST_PAUSE).date().isoformat(),
            said=request.query_params.get("done", "")[:20],
        )

    async def leave(self, request: Request) -> Response:
        """The press, of a person or of a mail program. Harmless to repeat; needs no cookie and redirects no program."""
        desk, token, now = self._desk, request.path_params["token"], self._desk.clock()
        body = await request.body()
        if is_one_click(body):
            await desk.write(
                lambda tx: leave(
                    tx, desk.app.office, desk.reader(tx, "unsubscribe", token), how="one-click", now=now
                )
            )
            return PlainTextResponse("Unsubscribed.\n")
        form = parse_form(body, request.headers.get("content-type", ""))
        done = await desk.write(lambda tx: self._act(tx, desk.reader(tx, "unsubscribe", token), form, now))
        desk.wake()
        return RedirectResponse(f"/u/{token}?done={done}", 303)

    async def change(self, request: Request) -> Response:
        """Pause, resume, another rhythm."""
        desk, token, now = self._desk, request.path_params["token"], self._desk.clock()
        form = await desk.form(request)
        if form.line("act") == "link":
            return await self._mail_link(request, token, now)
        done = await desk.write(lambda tx: self._act(tx, desk.reader(tx, "preferences", token), form, now))
        desk.wake()
        return RedirectResponse(f"/p/{token}?done={done}", 303)

    async def _mail_link(self, request: Request, token: str, now: datetime) -> Response:
        desk, network = self._desk, network_of(request.scope)

        def mail(tx: Connection) -> Asked:
            person = desk.reader(tx, "preferences", token)
            return send_link(tx, desk.app.office, person.email, network, now=now)

        asked = await desk.write(mail)
        desk.wake()
        return RedirectResponse(f"/p/{token}?done={'busy' if asked is Asked.BUSY else 'link'}", 303)

    def _act(self, tx: Connection, person: Subscriber, form: Form, now: datetime) -> str:
        act, office = form.line("act"), self._desk.app.office
        if act == "leave":
            leave(tx, office, person, how="page", now=now)
        elif act == "undo":
            undo_leaving(tx, person, now=now)
        elif act == "pause":
            return pause_as_asked(tx, person, form, now)
        elif act == "resume":
            resume(tx, person, now=now)
        elif act in ("weekly", "rhythm"):
            return self._change_rhythm(tx, person, "week" if act == "weekly" else form.line("every"), now)
        else:
            return ""
        return act

    def _change_rhythm(self, tx: Connection, person: Subscriber, every: str, now: datetime) -> str:
        if every not in _EVERY or person.owner == "file":
            return ""
        back = undo_leaving(tx, person, now=now)
        days = ("mon",) if every == "week" else ()
        cadence = Cadence(every, person.profile.cadence.at, days)  # type: ignore[arg-type]  # every is a key of _EVERY
        after = change_profile(tx, back, replace(back.profile, cadence=cadence), now=now)
        tell_change(tx, self._desk.app.office, back, after, now=now)
        return "rhythm"

    async def asking(self, _: Request) -> Response:
        """Where a fresh link is asked for."""
        return self._desk.page("link.html", email="", wrong={})

    async def ask(self, request: Request) -> Response:
        """The same answer for strangers and readers."""
        desk, form, now = self._desk, await self._desk.form(request), self._desk.clock()
        wrong: dict[str, str] = {}
        email = read_address(form.line("email"), wrong)
        if wrong or form.raw("website"):
            return desk.page("link.html", status=422, email=form.line("email"), wrong=wrong)
        network = network_of(request.scope)
        asked = await desk.write(lambda tx: send_link(tx, desk.app.office, email, network, now=now))
        if asked is Asked.BUSY:
            wrong["form"] = "There were too many requests lately. Nothing was sent; try again in an hour."
            return desk.page("link.html", status=429, email=email, wrong=wrong)
        desk.wake()
        return RedirectResponse("/sent", 303)
