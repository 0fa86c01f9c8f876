"""The first page: today's papers, your topics, your digest beside them as you type; then your address.

/          the page; a POST shows the digest, proposes topics, or asks for the confirmation mail
/preview   the digest alone, for the script
/sent      the same answer for everybody
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from digest.errors import TokenError
from digest.mail.wording import counted
from digest.model import Profile
from digest.subscriptions import CONSENT, Asked, Wish, request
from digest.tokens import sign_until, verify_until
from digest.web.desk import Desk
from digest.web.forms import Form
from digest.web.guard import network_of
from digest.web.library import papers_in
from digest.web.profile_form import (
    CADENCES,
    DAY_NAMES,
    MOST_TRIED,
    ZONES,
    Fields,
    count_words,
    read_address,
    read_rhythm,
    read_topics,
    split_words,
)
from digest.web.shelf import Sample, Shelf
from digest.web.showroom import Showroom
from digest.web.typos import meant_instead
from digest.web.view import Shown, shown

_OPEN_FOR = timedelta(days=1)  # a form that was fetched longer ago is asked for again
_FASTEST = timedelta(seconds=2)  # nobody fills it in faster
_FRONT = "the page as it comes first"
_STAMP = "__stamp__"
_NOBODY = Profile(email="")
_PROPOSED = 12
_LONGEST_PASTE = 400_000
_LONGEST_TOPICS = 4_000


def routes(desk: Desk) -> list[Route]:
    """Where these pages are."""
    front = _Front(desk)
    return [
        Route("/", front.show),
        Route("/", front.take, methods=["POST"]),
        Route("/preview", front.preview, methods=["POST"]),
        Route("/sent", front.sent),
    ]


@dataclass(frozen=True, slots=True)
class _Said:
    """A form of this page, read."""

    profile: Profile
    fields: Fields


def _asked(said: _Said) -> Profile:
    """What a preview depends on: topics, not hours, so that one answer serves many."""
    return replace(said.profile, email="", timezone="UTC", cadence=_NOBODY.cadence)


class _Front:
    """The functions behind the pages."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._showroom: Showroom = desk.showroom

    async def show(self, _: Request) -> Response:
        """The page as everybody gets it first; only the stamp of its form is of the moment."""
        now = self._desk.clock()
        page = self._showroom.at_hand(_FRONT, now)
        if page is None:
            fields = Fields({"every": "weekday", "at": "07:30", "zone": "UTC", "day": "mon"})
            page = bytes((await self._render(_Said(_NOBODY, fields), now)).body).decode()
            self._showroom.keep(_FRONT, page)
        return HTMLResponse(str(page).replace(_STAMP, self._stamp(now)))

    async def take(self, request: Request) -> Response:
        """Whatever button was pressed. What was typed is kept in every answer."""
        form, now = await self._desk.form(request), self._desk.clock()
        act = form.line("act")
        if act == "propose":
            return await self._propose(form, now)
        said = self._read(form)
        if act == "subscribe" or not (act or "add" in form):
            return await self._subscribe(request, form, said, now)
        return self._stamped(await self._render(said, now), now)

    async def preview(self, request: Request) -> Response:
        """The digest alone, as a piece of the page."""
        form, now = await self._desk.form(request), self._desk.clock()
        typed = f"typed|{form.raw('topics')[:_LONGEST_TOPICS]}|{form.lines('add')}|{form.lines('take')}"
        piece = self._showroom.at_hand(typed, now)
        if piece is None:
            piece = await self._piece(self._read(form), now)
            self._showroom.keep(typed, piece)
        return HTMLResponse(str(piece))

    async def sent(self, _: Request) -> Response:
        """Look into your mailbox: the same for strangers, for friends, and for addresses that are barred."""
        return self._desk.page("sent.html", sender=self._desk.app.settings.file.sender.address)

    def _read(self, form: Form) -> _Said:
        wrong: dict[str, str] = {}
        names = ("email", "every", "day", "at", "zone", "meant")
        fields = Fields({name: form.line(name) for name in names}, wrong)
        typed = [form.raw("topics")[:_LONGEST_TOPICS], *form.lines("add"), *form.lines("take")]
        fields.values["topics"] = ", ".join(dict.fromkeys(split_words(", ".join(typed))))
        interests, mute = read_topics(fields["topics"], wrong)
        if count_words(interests, mute) > MOST_TRIED:
            wrong["topics"] = f"Up to {MOST_TRIED} topics here; more are possible once you are subscribed."
            interests, mute = interests[:MOST_TRIED], ()
        cadence, zone = read_rhythm(form, wrong)
        return _Said(Profile("", timezone=zone, cadence=cadence, interests=interests, mute=mute), fields)

    async def _subscribe(self, request: Request, form: Form, said: _Said, now: datetime) -> Response:
        wrong = said.fields.wrong
        if form.raw("website"):  # a field that people do not see
            return RedirectResponse("/sent", 303)
        email = read_address(said.fields["email"], wrong)
        meant = meant_instead(email) if email else None
        if meant and said.fields["meant"] != email:
            wrong["email"] = f"Did you mean {meant}? If not, press the button once more."
            said.fields.values["meant"] = email
        if not self._is_stamped(form.raw("stamp"), now):
            wrong.setdefault(
                "form", "This page was open for very long, or hardly at all: press the button again."
            )
        if wrong:
            return self._stamped(await self._render(said, now, status=422), now)
        asked = await self._ask(replace(said.profile, email=email), network_of(request.scope), now)
        if asked is Asked.BUSY:
            wrong["form"] = "There were too many requests lately. Nothing was sent; try again in an hour."
            page = self._stamped(await self._render(said, now, status=429), now)
            page.headers["Retry-After"] = "3600"
            return page
        self._desk.wake()
        return RedirectResponse("/sent", 303)

    async def _ask(self, profile: Profile, network: str, now: datetime) -> Asked:
        wish, office = Wish(profile, CONSENT, "web", network), self._desk.app.office
        return await self._desk.write(lambda tx: request(tx, office, wish, now=now))

    async def _propose(self, form: Form, now: datetime) -> Response:
        pasted = form.raw("library")[:_LONGEST_PASTE]

        def propose(shelf: Shelf) -> tuple[int, list[str]]:
            papers = papers_in(pasted, shelf, now)
            return len(papers), shelf.help.propose(papers, limit=_PROPOSED) if papers else []

        papers, words = await self._showroom.aside(propose, now)
        said = self._read(form)
        if not papers:
            said.fields.wrong["library"] = (
                "No paper was found in that. Paste titles, one on each line, or BibTeX."
            )
        elif not words:
            said.fields.wrong["library"] = f"{counted(papers, 'paper')} read, but with no words in common."
        page = await self._render(said, now, proposed=words, pasted=pasted)
        return self._stamped(page, now)

    async def _shown(self, said: _Said, now: datetime) -> Shown:
        asked = _asked(said)
        return await self._showroom.answer(f"shown|{asked.to_json()}", asked, shown, now)

    async def _piece(self, said: _Said, now: datetime) -> str:
        asked, wrong = _asked(said), said.fields.wrong.get("topics", "")
        template = self._desk.templates.get_template("_preview.html")

        def make(sample: Sample) -> str:
            return template.render(shown=shown(sample), has_topics=bool(asked.interests), wrong_topics=wrong)

        return await self._showroom.answer(f"piece|{wrong}|{asked.to_json()}", asked, make, now)

    async def _render(
        self,
        said: _Said,
        now: datetime,
        *,
        status: int = 200,
        proposed: list[str] | None = None,
        pasted: str = "",
    ) -> HTMLResponse:
        return self._desk.page(
            "subscribe.html",
            status=status,
            fields=said.fields,
            wrong=said.fields.wrong,
            shown=await self._shown(said, now),
            has_topics=bool(said.profile.interests),
            wrong_topics="",
            proposed=proposed or [],
            pasted=pasted,
            stamp=_STAMP,
            cadences=CADENCES,
            days=DAY_NAMES,
            zones=ZONES,
            consent=CONSENT,
        )

    def _stamp(self, now: datetime) -> str:
        return sign_until(self._desk.app.office.secrets, "form", 0, now + _OPEN_FOR)

    def _stamped(self, page: HTMLResponse, now: datetime) -> HTMLResponse:
        # Whoever has sent the form once has had the time to fill it in.
        stamp = self._stamp(now - _FASTEST)
        body = bytes(page.body).replace(_STAMP.encode(), stamp.encode())
        return HTMLResponse(body, page.status_code)

    def _is_stamped(self, stamp: str, now: datetime) -> bool:
        try:
            _, ends_at = verify_until(self._desk.app.office.secrets, "form", stamp, now=now)
        except TokenError:
            return False
        return now - (ends_at - _OPEN_FOR) >= _FASTEST
