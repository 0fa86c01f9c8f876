"""Saying yes or no: /c/TOKEN to a subscription, /a/TOKEN to a move from its new address, /x/TOKEN from its old one.

Opening any of them changes nothing, whoever opens it and however often: programs that look at links press no buttons.
"""

from datetime import datetime
from functools import partial

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from digest.mail.wording import rhythm_of
from digest.model import Profile
from digest.subscriptions import (
    Standing,
    bar,
    confirm,
    confirm_move,
    decline,
    look_at,
    look_at_move,
    stop_move,
)
from digest.text import shorten
from digest.web.desk import Desk
from digest.web.profile_form import topics_of
from digest.web.view import hidden_address, local_time

_LONGEST_TOPICS = 160  # characters: what a stranger entered is shown to whoever opens the link


def routes(desk: Desk) -> list[Route]:
    """Where these pages are."""
    answers = _Answers(desk)
    both = ["GET", "POST"]
    return [
        Route("/c/{token}", answers.subscription, methods=both),
        Route("/a/{token}", answers.move, methods=both),
        Route("/x/{token}", answers.stop, methods=both),
    ]


class _Answers:
    """The functions behind the pages."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def subscription(self, request: Request) -> Response:
        """The question, and the press that answers it."""
        desk, token, now = self._desk, request.path_params["token"], self._desk.clock()
        office = desk.app.office
        if request.method != "POST":
            standing = await desk.read(lambda db: look_at(db, office, token, now=now))
            return self._page(standing, now)
        act = (await desk.form(request)).line("act")
        if act == "confirm":
            standing = await self._confirm(token, now)
        elif act == "decline":
            standing = await desk.write(lambda tx: decline(tx, office, token, now=now))
        elif act == "bar":
            standing = await desk.write(lambda tx: bar(tx, office, token, now=now))
            return self._page(standing, now, pressed=True, is_barred=standing.state == "declined")
        else:
            raise HTTPException(400)
        return self._page(standing, now, pressed=True)

    async def _confirm(self, token: str, now: datetime) -> Standing:
        desk, office = self._desk, self._desk.app.office
        standing = await desk.read(lambda db: look_at(db, office, token, now=now))
        profile = standing.request.asked.profile
        sample = None
        if standing.state == "open" and isinstance(profile, Profile):
            sample = (await desk.showroom.sample(profile, now)).for_reader(standing.person.email, profile)
        done = await desk.write(lambda tx: confirm(tx, office, token, sample=sample, now=now))
        desk.wake()
        return done

    def _page(
        self, standing: Standing, now: datetime, *, pressed: bool = False, is_barred: bool = False
    ) -> Response:
        person = standing.person
        profile = standing.request.asked.profile or person.profile
        is_mine = pressed and standing.state == "confirmed"
        return self._desk.page(
            "confirm.html",
            state=standing.state,
            pressed=pressed,
            is_barred=is_barred,
            address=hidden_address(standing.request.asked.email),
            topics=shorten(topics_of(profile), _LONGEST_TOPICS),
            rhythm=rhythm_of(profile),
            first=local_time(person.next_due_at, person.profile.timezone),
            # Whoever has just shown that the mailbox is theirs needs no second mail to look at their settings.
            settings=self._desk.app.office.settings_link(person, now=now) if is_mine else "",
        )

    async def move(self, request: Request) -> Response:
        """The new address says yes."""
        act = partial(confirm_move, office=self._desk.app.office, now=self._desk.clock())
        return await self._moving(request, act, old=False)

    async def stop(self, request: Request) -> Response:
        """The old address says no."""
        act = partial(stop_move, office=self._desk.app.office, now=self._desk.clock())
        return await self._moving(request, act, old=True)

    async def _moving(self, request: Request, act: "partial[Standing]", *, old: bool) -> Response:
        desk, token, now = self._desk, request.path_params["token"], self._desk.clock()
        office = desk.app.office
        if request.method == "POST":
            await desk.form(request)
            standing = await desk.write(lambda tx: act(tx, token=token))
        else:
            standing = await desk.read(lambda db: look_at_move(db, office, token, now=now, old=old))
        before = standing.request.asked.profile
        return desk.page(
            "move.html",
            state=standing.state,
            old=old,
            new_address=hidden_address(standing.request.asked.email),
            old_address=hidden_address(before.email) if before else "",
        )
