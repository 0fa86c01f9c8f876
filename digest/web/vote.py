"""More like this, less like this, never this word: /f/TOKEN/more/PAPER, /f/TOKEN/less/PAPER, /f/TOKEN/mute/TERM.

Opening one shows what would change; the press does it, and says what that does to the next digest.
"""

from dataclasses import dataclass, replace
from datetime import datetime

from pydantic import TypeAdapter, ValidationError
from sqlalchemy import Connection
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from digest.desk import taste_of
from digest.mail.view import short_title
from digest.mail.wording import counted
from digest.material import Reader
from digest.model import Profile
from digest.pages.identity import title_id
from digest.profiles import Keyword
from digest.ranking import Taste
from digest.store.papers import StoredPaper, find_paper
from digest.store.people import Subscriber, shown_since
from digest.store.votes import forget_votes, put_vote, votes_of
from digest.subscriptions import change_profile
from digest.web.desk import Desk
from digest.web.shelf import Shelf, digest_of

_KEYWORD: TypeAdapter[str] = TypeAdapter(Keyword)
_LONGEST = 400  # characters of an id or a term


def routes(desk: Desk) -> list[Route]:
    """Where these pages are."""
    votes = _Votes(desk)
    return [
        Route("/f/{token}/{direction}/{about:path}", votes.show),
        Route("/f/{token}/{direction}/{about:path}", votes.act, methods=["POST"]),
    ]


@dataclass(frozen=True, slots=True)
class Teaching:
    """Where the scorer stands with one person: enough to say what a change does."""

    profile: Profile
    taste: Taste | None
    shown: frozenset[str]


@dataclass(frozen=True, slots=True)
class Effect:
    """What a change does to the next digest: papers that come in, papers that go."""

    comes: int
    goes: int

    @property
    def said(self) -> str:
        """2 papers come in, 1 paper goes."""
        said = [counted(self.comes, "paper comes in", "papers come in")] if self.comes else []
        said += [counted(self.goes, "paper goes", "papers go")] if self.goes else []
        return ", ".join(said) or "stays as it is for now"


def teaching_of(db: Connection, person: Subscriber, desk: Desk) -> Teaching:
    """What is known of somebody at the moment."""
    since = desk.clock() - desk.app.limits().lookback
    shown = frozenset(row["paper"] for row in shown_since(db, person.id, since))
    return Teaching(person.profile, taste_of(votes_of(db, [person.id])[person.id]), shown)


async def effect_of(desk: Desk, before: Teaching, after: Teaching) -> Effect:
    """How the next digest differs, as far as its papers are known already."""
    now = desk.clock()

    def compare(shelf: Shelf) -> Effect:
        old, new = (_picked(shelf, one, now) for one in (before, after))
        return Effect(len(new - old), len(old - new))

    return await desk.showroom.aside(compare, now)


def _picked(shelf: Shelf, one: Teaching, now: datetime) -> set[str]:
    reader = Reader(one.profile, one.shown, one.taste)
    return {pick.paper.id for pick in digest_of(shelf, one.profile, now, reader).picks}


class _Votes:
    """The functions behind the pages."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def show(self, request: Request) -> Response:
        """What pressing the button would do."""
        token, direction, about = _asked(request)
        desk = self._desk

        def look(db: Connection) -> tuple[Subscriber, StoredPaper | None, str]:
            person = desk.reader(db, "feedback", token)
            paper = None if direction == "mute" else _meant(db, person, about)
            said = next(
                (v.direction for v in votes_of(db, [person.id])[person.id] if _is(v.paper.id, paper)), ""
            )
            return person, paper, said

        person, paper, said = await desk.read(look)
        return self._page(direction, about, person, paper, said=said)

    async def act(self, request: Request) -> Response:
        """The press: remember, or take back, and say what that does."""
        token, direction, about = _asked(request)
        desk, now = self._desk, self._desk.clock()
        undo = (await desk.form(request)).line("act") == "undo"

        def change(tx: Connection) -> tuple[Subscriber, StoredPaper | None, Teaching, Teaching]:
            person = desk.reader(tx, "feedback", token)
            before = teaching_of(tx, person, desk)
            if direction == "mute":
                paper, person = None, _mute(tx, person, about, undo=undo, now=now)
            else:
                paper = _meant(tx, person, about)
                if paper is None:
                    raise HTTPException(404)
                if undo:
                    forget_votes(tx, person.id, paper.pk)
                else:
                    put_vote(tx, person.id, paper.pk, direction, now)  # type: ignore[arg-type]  # more or less
            return person, paper, before, teaching_of(tx, person, desk)

        person, paper, before, after = await desk.write(change)
        effect = await effect_of(desk, before, after)
        said = "" if undo else direction
        return self._page(direction, about, person, paper, said=said, effect=effect)

    def _page(
        self,
        direction: str,
        about: str,
        person: Subscriber,
        paper: StoredPaper | None,
        *,
        said: str,
        effect: Effect | None = None,
    ) -> Response:
        if direction != "mute" and paper is None:
            raise HTTPException(404)
        is_muted = direction == "mute" and _word(about) in person.profile.mute
        return self._desk.page(
            "vote.html",
            direction=direction,
            title=short_title(paper.paper.title) if paper else "",
            term=_word(about) if direction == "mute" else "",
            is_done=is_muted if direction == "mute" else said == direction,
            said=said,
            owner=person.owner,
            file=person.file or "",
            effect=effect,
        )


def _asked(request: Request) -> tuple[str, str, str]:
    asked = request.path_params
    direction, about = asked["direction"], asked["about"]
    if direction not in ("more", "less", "mute") or not about or len(about) > _LONGEST:
        raise HTTPException(404)
    return asked["token"], direction, about


def _meant(db: Connection, person: Subscriber, about: str) -> StoredPaper | None:
    """The paper that a digest named so; one that had only its title may have got a number since."""
    found = find_paper(db, about)
    if found is not None or not about.startswith("title:"):
        return found
    had = (row["paper"] for row in shown_since(db, person.id) if title_id(row["title"]) == about)
    return next((find_paper(db, paper_id) for paper_id in had), None)


def _is(paper_id: str, paper: StoredPaper | None) -> bool:
    return paper is not None and paper.paper.id == paper_id


def _word(about: str) -> str:
    """The term as a keyword. Raises 404 for what cannot be one."""
    try:
        return _KEYWORD.validate_python(about)
    except ValidationError as error:
        raise HTTPException(404) from error


def _mute(tx: Connection, person: Subscriber, about: str, *, undo: bool, now: datetime) -> Subscriber:
    word, muted = _word(about), person.profile.mute
    if person.owner == "file" or (word in muted) is not undo:
        return person
    wanted = tuple(one for one in muted if one != word) if undo else (*muted, word)
    return change_profile(tx, person, replace(person.profile, mute=wanted), now=now)
