"""Coming in: a request, one mail, one press on a page, and the proof of it."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Literal

from sqlalchemy import Connection

from digest.cadence import next_issue
from digest.errors import DigestError
from digest.model import Digest, Profile
from digest.store.front import (
    NewRequest,
    StoredRequest,
    add_consent,
    drop_consents,
    latest_request,
    put_request,
    recall_notices,
    settle_request,
)
from digest.store.people import Subscriber, find_subscriber, suppress
from digest.store.readers import change_subscriber, put_pending
from digest.subscriptions.limits import Ask, Verdict, weigh
from digest.subscriptions.office import CONFIRM_VALID, SETTINGS_VALID, TOO_QUICK, Office, Wish

# A request of somebody known is kept just as that of a stranger, so that both cost the same; it opens nothing.
_OPENS_NOTHING = timedelta(0)


class Asked(StrEnum):
    """What became of an ask. The first two must look the same to whoever asked."""

    MAILED = "mailed"
    ENOUGH = "enough"
    BUSY = "busy"  # nothing was done; try later


@dataclass(frozen=True, slots=True)
class Standing:
    """How a request stands."""

    state: Literal["open", "confirmed", "declined"]
    request: StoredRequest
    person: Subscriber


def request(tx: Connection, office: Office, wish: Wish, *, now: datetime) -> Asked:
    """Somebody wants a digest: ask the address. Somebody known gets a mail saying so, a stranger the question.

    Both cost the same work, and the answer is the same. Raises `DigestError` when there are no web pages to confirm on.
    """
    if office.url is None:
        raise DigestError("nobody can confirm without web pages: set [web] url")
    verdict = weigh(tx, office, Ask("confirm", wish.profile.email, wish.network), now=now)
    if verdict is not Verdict.MAIL:
        return Asked(verdict.value)
    person = find_subscriber(tx, wish.profile.email)
    due_at = next_issue(wish.profile.cadence, wish.profile.timezone, now).due_at
    if person is not None and person.status in ("active", "paused"):
        change_subscriber(tx, person.id, now)
        _put(tx, person.id, wish, now, _OPENS_NOTHING)
        url = office.settings_link(person, now=now)
        office.send(
            tx, "known", office.letters.known(person, url=url, valid=SETTINGS_VALID, now=now), now=now
        )
        return Asked.MAILED
    if person is None:
        hashed = office.address_hash(wish.profile.email)
        subscriber_id = put_pending(tx, wish.profile, hashed, due_at=due_at, now=now)
    else:
        subscriber_id = person.id
    request_id = _put(tx, subscriber_id, wish, now, CONFIRM_VALID)
    _ask(tx, office, request_id, wish.profile.email, asked_at=now, now=now)
    return Asked.MAILED


def _put(tx: Connection, subscriber_id: int, wish: Wish, now: datetime, valid: timedelta) -> int:
    email, profile = wish.profile.email, wish.profile
    asked = NewRequest("subscribe", subscriber_id, email, profile, wish.wording, wish.source)
    return put_request(tx, asked, valid=valid, now=now)


def _ask(
    tx: Connection, office: Office, request_id: int, email: str, *, asked_at: datetime, now: datetime
) -> None:
    url = office.request_link("c", "confirm", request_id, asked_at)
    office.send(tx, "confirm", office.letters.confirm(email, url=url, valid=CONFIRM_VALID, now=now), now=now)


def send_link(tx: Connection, office: Office, email: str, network: str | None, *, now: datetime) -> Asked:
    """Mail the owner of an address a fresh link to their settings, or the question again that they did not answer.

    A stranger gets nothing, and it takes as long: the mail is written and queued all the same, and taken back.
    """
    verdict = weigh(tx, office, Ask("link", email, network), now=now)
    if verdict is not Verdict.MAIL or office.url is None:
        return Asked(verdict.value if verdict is not Verdict.MAIL else "mailed")
    person = find_subscriber(tx, email)
    with tx.begin_nested() as point:
        _send_link(tx, office, person or _stranger(office, email, now), now)
        if person is None:
            point.rollback()
    return Asked.MAILED


def _send_link(tx: Connection, office: Office, person: Subscriber, now: datetime) -> None:
    if person.status == "pending":
        _ask_again(tx, office, person, now)
        return
    url = office.settings_link(person, now=now)
    office.send(tx, "link", office.letters.link(person, url=url, valid=SETTINGS_VALID, now=now), now=now)


def _ask_again(tx: Connection, office: Office, person: Subscriber, now: datetime) -> None:
    """The question that was not answered; one that came too late or was lost is asked anew, with the same wish."""
    waiting = latest_request(tx, person.id, "subscribe")
    if waiting is None or waiting.outcome is not None:
        return
    asked = waiting.asked
    if waiting.ends_at > now:
        _ask(tx, office, waiting.id, person.email, asked_at=waiting.asked_at, now=now)
    elif asked.profile is not None:
        wish = Wish(asked.profile, asked.wording, asked.source)
        number = _put(tx, person.id, wish, now, CONFIRM_VALID)
        _ask(tx, office, number, person.email, asked_at=now, now=now)


def _stranger(office: Office, email: str, now: datetime) -> Subscriber:
    """Somebody who is not there."""
    return Subscriber(
        id=0,
        email=email,
        status="active",
        status_reason=None,
        owner="web",
        file=None,
        profile=Profile(email),
        profile_error=None,
        next_due_at=now,
        created_at=now,
        address_hash=office.address_hash(email),
    )


def look_at(db: Connection, office: Office, token: str, *, now: datetime) -> Standing:
    """How the request behind a confirmation link stands. Raises `TokenError` when there is none, or none any more."""
    found, person = office.read_request(db, "confirm", token, now=now)
    return Standing(found.outcome or "open", found, person)


def confirm(tx: Connection, office: Office, token: str, *, sample: Digest | None, now: datetime) -> Standing:
    """The address said yes: from now on there are digests, and a welcome with `sample` goes out. Harmless to repeat.

    Whoever said no a moment ago is a machine that presses every button: then neither counts. Raises `TokenError`.
    """
    standing = look_at(tx, office, token, now=now)
    asked = standing.request
    if standing.state == "declined" and _was_just_now(asked, now):
        settle_request(tx, asked, None, now)
        return look_at(tx, office, token, now=now)
    if standing.state != "open":
        return standing
    if not settle_request(tx, asked, "confirmed", now):
        return look_at(tx, office, token, now=now)
    add_consent(tx, asked, now=now)
    _activate(tx, standing, now)
    confirmed = look_at(tx, office, token, now=now)
    if sample is not None:
        mail = office.letters.welcome(sample, confirmed.person, now=now)
        office.send(tx, "welcome", mail, now=now, after=TOO_QUICK)
    return confirmed


def _activate(tx: Connection, standing: Standing, now: datetime) -> None:
    person, wanted = standing.person, standing.request.asked.profile
    # A file is the operator's own word: its owner comes back with what the file says.
    profile = person.profile if person.owner == "file" or wanted is None else wanted
    due_at = next_issue(profile.cadence, profile.timezone, now).due_at
    values = {"status": "active", "status_reason": None, "profile": profile, "next_due_at": due_at}
    ended = {"paused_at": None, "paused_until": None, "profile_before": None, "catch_up_since": None}
    version = {"profile_version": person.profile_version + 1}
    change_subscriber(tx, person.id, now, **values, **ended, **version)


def decline(tx: Connection, office: Office, token: str, *, now: datetime) -> Standing:
    """ "It wasn't me": nothing more is sent. Pressed right after the other button, neither counts. Raises `TokenError`."""
    standing = look_at(tx, office, token, now=now)
    asked, person = standing.request, standing.person
    if standing.state == "confirmed" and _was_just_now(asked, now):
        if not settle_request(tx, asked, None, now):
            return look_at(tx, office, token, now=now)
        drop_consents(tx, person.id, asked.settled_at or now)
        recall_notices(tx, person.address_hash, "welcome", now)
        change_subscriber(tx, person.id, now, status="pending", status_reason=None)
        return look_at(tx, office, token, now=now)
    if standing.state != "open":
        return standing
    settle_request(tx, asked, "declined", now)
    return look_at(tx, office, token, now=now)


def bar(tx: Connection, office: Office, token: str, *, now: datetime) -> Standing:
    """Whoever said "it wasn't me" wants no such question ever again. Raises `TokenError`."""
    standing = look_at(tx, office, token, now=now)
    if standing.state == "declined":
        hashed = office.address_hash(standing.request.asked.email)
        suppress(tx, hashed, "manual", "asked for it on the page of a confirmation", now)
    return standing


def _was_just_now(asked: StoredRequest, now: datetime) -> bool:
    return asked.settled_at is not None and now - asked.settled_at <= TOO_QUICK
