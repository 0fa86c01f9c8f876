"""What an operator does for a person: pause, bring back, let go. What needs the person's own word is refused."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from digest.cadence import next_issue
from digest.errors import DigestError
from digest.store import Store
from digest.store.people import Status, Subscriber, find_subscriber, read_subscriber
from digest.store.readers import change_subscriber
from digest.store.remedies import lift_suppression, suppression_of

_BY_HAND = "by the operator"
_NO_PAUSE: dict[str, Any] = {"paused_at": None, "paused_until": None}


def change_status(store: Store, email: str, status: Status, *, now: datetime) -> Subscriber:
    """Pause somebody, let them come back, or let them leave. Harmless to repeat; what a leaver is owed is not sent.

    Who comes back is mailed again although a server once refused the address for good.

    Raises `DigestError` when nobody has this address, and for what only they can do.
    """
    with store.writing() as tx:
        person = find_subscriber(tx, email)
        if person is None:
            raise DigestError(f"nobody is subscribed as {email}; `digest subscribers list` shows who is")
        if status == "active":
            _mail_again(tx, person)
        return put_status(tx, person, status, now=now)


def _mail_again(tx: Connection, person: Subscriber) -> None:
    barred = suppression_of(tx, person.address_hash)
    if barred is not None and barred[0] == "complaint":
        raise DigestError(f"{person.email} called our mail spam; nothing more is sent there")
    lift_suppression(tx, person.address_hash)


def put_status(tx: Connection, person: Subscriber, status: Status, *, now: datetime) -> Subscriber:
    """The same for somebody at hand, in an open transaction. Raises `DigestError` for what only they can do."""
    if person.status == status:
        return person
    change_subscriber(tx, person.id, now, status=status, **_CHANGES[status](person, now))
    changed = read_subscriber(tx, person.id)
    assert changed is not None
    return changed


def _paused(person: Subscriber, now: datetime) -> dict[str, Any]:
    if person.status != "active":
        raise DigestError(f"{person.email} {_STANDS[person.status]}; there is nothing to pause")
    return {"status_reason": _BY_HAND, "paused_at": now, "paused_until": None}


def _active(person: Subscriber, now: datetime) -> dict[str, Any]:
    """From the next slot on. A file is the operator's own word, and so is an end that was the operator's."""
    if person.status == "pending":
        raise DigestError(f"{person.email} {_STANDS['pending']}; only the press in that mail can do it")
    if person.status == "unsubscribed" and person.owner == "web" and person.status_reason != _BY_HAND:
        raise DigestError(f"{person.email} {_STANDS['unsubscribed']}, and comes back by their own word alone")
    due_at = next_issue(person.profile.cadence, person.profile.timezone, now).due_at
    return {"status_reason": None, "next_due_at": due_at, **_NO_PAUSE}


def _unsubscribed(_person: Subscriber, _now: datetime) -> dict[str, Any]:
    return {"status_reason": _BY_HAND, "catch_up_since": None, **_NO_PAUSE}


_STANDS = {"pending": "has not confirmed yet", "paused": "is paused already", "unsubscribed": "has left"}
_CHANGES: dict[Status, Callable[[Subscriber, datetime], dict[str, Any]]] = {
    "active": _active,
    "paused": _paused,
    "unsubscribed": _unsubscribed,
}
