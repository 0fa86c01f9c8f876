"""Everything about one reader, by a fresh link from their mailbox: /s/TOKEN. It works for half an hour, then no more.

There is no login and no cookie: whoever can read the mailbox is its owner. The address of the page is told to nobody,
since no page of ours sends a referrer, and no page about one reader is kept by a browser.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy import Connection
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from digest.desk import taste_of
from digest.mail.view import short_title
from digest.mail.wording import rhythm_of
from digest.material import Reader
from digest.model import Profile
from digest.profiles import profile_to_toml
from digest.store.feeds import feed_serial, renew_feed, revoke_feed
from digest.store.papers import find_paper
from digest.store.people import Subscriber
from digest.store.readers import deliveries_of
from digest.store.votes import StoredVote, forget_votes, votes_of
from digest.subscriptions import (
    ConflictError,
    change_profile,
    export,
    leave,
    resume,
    revoke_links,
    undo_change,
    undo_leaving,
)
from digest.tokens import sign_until, verify_until
from digest.web.desk import Desk
from digest.web.forms import Form
from digest.web.leave import pause_as_asked
from digest.web.profile_form import CADENCES, DAY_NAMES, ZONES
from digest.web.reading import feed_urls
from digest.web.settings_form import QUIET_DAYS, fields_of, read_profile_form, weights_with
from digest.web.shelf import sample_of
from digest.web.view import Shown, local_time, shown

_VOTES_SHOWN = 200
_SAID = {
    "save": "Saved.",
    "undo": "Undone: your settings are as they were before.",
    "pause": "Paused.",
    "no-day": "Nothing was changed: choose the day on which your digest comes back.",
    "resume": "You are back.",
    "revoke": "Links in all mails sent so far have stopped working. This page stays open.",
    "forget": "Forgotten: what you pressed in mails no longer counts.",
    "leave": "You will get nothing more.",
    "back": "You are back.",
    "move": "If everything is well with the new address, a mail is on its way to it, and one to your old address.",
    "feed": "Your feed has a new address. An older one has stopped working.",
    "no-feed": "Your feed is closed.",
    "busy": "There were too many requests lately. Try again in an hour.",
}


def routes(desk: Desk) -> list[Route]:
    """Where these pages are."""
    settings = _Settings(desk)
    return [
        Route("/s/{token}", settings.show),
        Route("/s/{token}", settings.change, methods=["POST"]),
        Route("/s/{token}/preview", settings.preview, methods=["POST"]),
        Route("/s/{token}/export.json", settings.export_json),
        Route("/s/{token}/profile.toml", settings.export_toml),
    ]


@dataclass(frozen=True, slots=True)
class _Known:
    """What the page says besides the profile."""

    person: Subscriber
    votes: list[StoredVote]
    last_mail: str
    feed: dict[str, str]  # where the own feed is read, by form; empty when there is none


class _Settings:
    """The functions behind the pages."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def show(self, request: Request) -> Response:
        """The page."""
        token = request.path_params["token"]
        known = await self._desk.read(lambda db: self._know(db, token))
        said = _SAID.get(request.query_params.get("done", ""), "")
        return await self._page(token, known, known.person.profile, {}, said=said)

    def _know(self, db: Connection, token: str) -> _Known:
        person = self._desk.fresh_reader(db, token)
        mails = [
            mail for mail in deliveries_of(db, person.id, person.address_hash) if mail["kind"] == "digest"
        ]
        sent = [mail["settled_at"] for mail in mails if mail["state"] == "sent"]
        last = local_time(sent[-1], person.profile.timezone) if sent else ""
        serial, secrets = feed_serial(db, person.id), self._desk.app.office.secrets
        feed = feed_urls(self._desk.url, secrets, person.id, serial) if serial else {}
        return _Known(person, votes_of(db, [person.id])[person.id], last, feed)

    async def change(self, request: Request) -> Response:
        """Whatever button was pressed."""
        desk, token = self._desk, request.path_params["token"]
        form = await desk.form(request)
        act = form.line("act")
        if act in ("", "preview", "save"):
            return await self._profile(token, form, is_save=act == "save")
        done, token = await desk.write(lambda tx: self._act(tx, token, act, form, desk.clock()))
        desk.wake()
        return RedirectResponse(f"/s/{token}?done={done}", 303)

    async def _profile(self, token: str, form: Form, *, is_save: bool) -> Response:
        desk = self._desk
        known = await desk.read(lambda db: self._know(db, token))
        wanted, wrong = read_profile_form(form, known.person.profile)
        if not is_save or wrong or known.person.owner == "file":
            return await self._page(
                token, known, wanted, wrong, status=422 if wrong else 200, is_changed=True
            )
        version = form.line("version", 20)

        def save(tx: Connection) -> None:
            person = desk.fresh_reader(tx, token)
            change_profile(
                tx, person, wanted, version=int(version) if version.isdigit() else -1, now=desk.clock()
            )

        try:
            await desk.write(save)
        except ConflictError:
            wrong["form"] = (
                "Your settings were changed elsewhere meanwhile. Look at them once more, then save."
            )
            known = await desk.read(lambda db: self._know(db, token))
            return await self._page(token, known, wanted, wrong, status=409, is_changed=True)
        return RedirectResponse(f"/s/{token}?done=save", 303)

    def _act(self, tx: Connection, token: str, act: str, form: Form, now: datetime) -> tuple[str, str]:
        """Do what a button says, and return that with the token under which the page goes on."""
        person, office = self._desk.fresh_reader(tx, token), self._desk.app.office
        if act == "revoke":
            return act, self._renewed(tx, person, token, now)
        if act == "pause":
            return pause_as_asked(tx, person, form, now), token
        acts: dict[str, Callable[[], object]] = {
            "undo": lambda: undo_change(tx, person, now=now) if person.owner == "web" else None,
            "resume": lambda: resume(tx, person, now=now),
            "leave": lambda: leave(tx, office, person, how="page", now=now),
            "back": lambda: undo_leaving(tx, person, now=now),
            "forget": lambda: _forget(tx, person, form),
            "feed": lambda: renew_feed(tx, person.id, now=now),
            "no-feed": lambda: revoke_feed(tx, person.id, now=now),
        }
        acts.get(act, lambda: None)()
        return act, token

    def _renewed(self, tx: Connection, person: Subscriber, token: str, now: datetime) -> str:
        """This page's own link ends with the others, so it goes on under another one, which ends when this would have."""
        secrets = self._desk.app.office.secrets
        _, ends_at = verify_until(
            secrets, "settings", token, now=now, version_of=lambda _: person.links_version
        )
        after = revoke_links(tx, person, now=now)
        return sign_until(secrets, "settings", person.id, ends_at, version=after.links_version)

    async def preview(self, request: Request) -> Response:
        """The digest alone, for the script."""
        token = request.path_params["token"]
        form = await self._desk.form(request)
        known = await self._desk.read(lambda db: self._know(db, token))
        wanted, wrong = read_profile_form(form, known.person.profile)
        template = self._desk.templates.get_template("_preview.html")
        words = next((said for name, said in wrong.items() if name.startswith(("keywords", "mute"))), "")
        piece = template.render(
            shown=await self._shown(wanted, known.votes),
            has_topics=bool(wanted.interests),
            wrong_topics=words,
        )
        return HTMLResponse(piece)

    async def _shown(self, profile: Profile, votes: list[StoredVote]) -> Shown:
        now, taste = self._desk.clock(), taste_of(votes)
        asked = replace(profile, email="", name=None)
        voted = [(vote.paper.id, vote.direction) for vote in votes]

        def make(shelf: object) -> Shown:
            return shown(sample_of(shelf, asked, now, Reader(asked, taste=taste)))  # type: ignore[arg-type]

        return await self._desk.showroom.kept(f"mine|{asked.to_json()}|{voted}", make, now)

    async def export_json(self, request: Request) -> Response:
        """Everything that is kept."""
        token = request.path_params["token"]
        kept = await self._desk.read(lambda db: export(db, self._desk.fresh_reader(db, token)))
        return _file(json.dumps(kept, ensure_ascii=False, indent=2) + "\n", "application/json", "digest.json")

    async def export_toml(self, request: Request) -> Response:
        """The profile as the file an operator can put into config/subscribers/."""
        token = request.path_params["token"]
        person = await self._desk.read(lambda db: self._desk.fresh_reader(db, token))
        return _file(profile_to_toml(person.profile), "application/toml", "profile.toml")

    async def _page(  # noqa: PLR0913
        self,
        token: str,
        known: _Known,
        profile: Profile,
        wrong: dict[str, str],
        *,
        said: str = "",
        status: int = 200,
        is_changed: bool = False,
    ) -> HTMLResponse:
        person, zone, fields = known.person, known.person.profile.timezone, fields_of(profile)
        now = self._desk.clock()
        return self._desk.page(
            "settings.html",
            status=status,
            token=token,
            person=person,
            rhythm=rhythm_of(person.profile),
            fields=fields,
            wrong=wrong,
            said=said,
            is_changed=is_changed,
            version=person.profile_version,
            next_digest=local_time(person.next_due_at, zone),
            last_mail=known.last_mail,
            feed=known.feed,
            paused_until=local_time(person.paused_until, zone) if person.paused_until else "",
            tomorrow=(now + timedelta(days=1)).date().isoformat(),
            last=(now + timedelta(days=366)).date().isoformat(),
            shown=await self._shown(profile, known.votes),
            has_topics=bool(profile.interests),
            wrong_topics="",
            votes=[
                (vote.paper.id, short_title(vote.paper.title), vote.direction)
                for vote in known.votes[::-1][:_VOTES_SHOWN]
            ],
            weights=weights_with(fields["rows"]),
            cadences=CADENCES,
            days=DAY_NAMES,
            zones=ZONES,
            quiet_days=QUIET_DAYS,
        )


def _forget(tx: Connection, person: Subscriber, form: Form) -> None:
    """Forget one vote, or all of them where no paper is named."""
    if "paper" not in form:
        forget_votes(tx, person.id)
        return
    stored = find_paper(tx, form.line("paper"))
    if stored is not None:
        forget_votes(tx, person.id, stored.pk)


def _file(content: str, kind: str, name: str) -> Response:
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(content, media_type=kind, headers=headers)
