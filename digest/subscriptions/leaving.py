"""Going: one press, at once and for good; and everything that is kept, to take along or to have erased."""

import json
from dataclasses import asdict, replace
from datetime import date, datetime, time
from typing import Any, Literal

from sqlalchemy import Connection

from digest.cadence import next_issue
from digest.profiles import profile_to_toml
from digest.store.feeds import feed_of
from digest.store.front import consents_of
from digest.store.people import Subscriber, read_subscriber, shown_since, suppressed
from digest.store.readers import change_subscriber, deliveries_of, erase_subscriber, wipe_free_space
from digest.store.votes import votes_of
from digest.subscriptions.office import Office

_SAID = {
    "one-click": "pressed unsubscribe in a mail program",
    "page": "asked to leave",
    "mail": "asked to leave by mail",
}


def leave(
    tx: Connection,
    office: Office,
    person: Subscriber,
    *,
    how: Literal["one-click", "page", "mail"],
    now: datetime,
) -> Subscriber:
    """No more digests, not even one that waits to be sent. Harmless to repeat.

    A mail with the way back follows, but not after the one click of a mail program, which says what it did itself.
    """
    if person.status == "unsubscribed":
        return person
    unpaused: dict[str, Any] = {"paused_at": None, "paused_until": None, "catch_up_since": None}
    gone: dict[str, Any] = {"status": "unsubscribed", "status_reason": _SAID[how], **unpaused}
    change_subscriber(tx, person.id, now, **gone)
    if how != "one-click" and person.status != "pending":
        office.send(tx, "goodbye", office.letters.goodbye(person, now=now), now=now)
    return replace(person, **gone)


def undo_leaving(tx: Connection, person: Subscriber, *, now: datetime) -> Subscriber:
    """Back again, for whoever left by their own word. The next digest comes at the next hour."""
    if person.status != "unsubscribed" or person.status_reason not in _SAID.values():
        return person
    due_at = next_issue(person.profile.cadence, person.profile.timezone, now).due_at
    change_subscriber(tx, person.id, now, status="active", status_reason=None, next_due_at=due_at)
    return _now(tx, person)


def export(db: Connection, person: Subscriber) -> dict[str, Any]:
    """Everything that is kept of somebody, as values for JSON, and their profile as the file that can be put in its place."""
    barred = suppressed(db, [person.address_hash])
    kept = {
        "schema": 1,
        "subscriber": {
            key: value
            for key, value in asdict(person).items()
            if key not in ("profile", "profile_before", "links_version")
        },
        "profile": asdict(person.profile),
        "profile_before": asdict(person.profile_before) if person.profile_before else None,
        "consents": consents_of(db, person.id),
        "feed": feed_of(db, person.id),
        "mails": deliveries_of(db, person.id, person.address_hash),
        "papers_shown": shown_since(db, person.id),
        "votes": [
            {"paper": vote.paper.id, "title": vote.paper.title, "said": vote.direction, "at": vote.voted_at}
            for vote in votes_of(db, [person.id])[person.id]
        ],
        "suppressed_because": barred.get(person.address_hash),
        "profile_file": profile_to_toml(person.profile),
    }
    plain: dict[str, Any] = json.loads(json.dumps(kept, default=_spelled, ensure_ascii=False))
    return plain


def _spelled(value: object) -> str:
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    raise TypeError(f"{value!r} has no spelling in JSON")


def erase(tx: Connection, person: Subscriber) -> None:
    """Delete everything about somebody. Nothing stays but a suppression, where there was one: a hash without the address."""
    wipe_free_space(tx)
    erase_subscriber(tx, person.id, person.address_hash)


def _now(tx: Connection, person: Subscriber) -> Subscriber:
    changed = read_subscriber(tx, person.id)
    assert changed is not None
    return changed
