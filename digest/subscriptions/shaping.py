"""Staying: another profile, a pause with an end, and the way back from either."""

from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from digest.cadence import due_issue, next_issue
from digest.errors import DigestError
from digest.model import Profile
from digest.store import Store
from digest.store.front import end_requests
from digest.store.people import Subscriber, read_subscriber
from digest.store.readers import change_subscriber, ended_pauses
from digest.subscriptions.office import Office


class ConflictError(DigestError):
    """The profile was changed elsewhere meanwhile; nothing was changed now."""


def change_profile(
    tx: Connection, person: Subscriber, profile: Profile, *, version: int | None = None, now: datetime
) -> Subscriber:
    """Give somebody this profile; their address stays. It can be undone once.

    Raises `ConflictError` when it is no longer the profile of `version`, and `DigestError` when a file owns it.
    """
    _own_word(person)
    if version is not None and version != person.profile_version:
        raise ConflictError("these settings were changed elsewhere meanwhile; look at them and save again")
    wanted = replace(profile, email=person.email)
    if wanted == person.profile:
        return person
    values: dict[str, Any] = {"profile": wanted, "profile_before": person.profile}
    return _change(tx, person, now, **values, **_rhythm(person, wanted, now))


def undo_change(tx: Connection, person: Subscriber, *, now: datetime) -> Subscriber:
    """Go back to the profile before the last change, if there was one. Undoing twice does it again."""
    if person.profile_before is None:
        return person
    return change_profile(tx, person, person.profile_before, now=now)


def _rhythm(person: Subscriber, wanted: Profile, now: datetime) -> dict[str, Any]:
    """When to look again, where the rhythm changes: never today's issue once more, the ledger sees to that."""
    if (wanted.cadence, wanted.timezone) == (person.profile.cadence, person.profile.timezone):
        return {}
    return {"next_due_at": next_issue(wanted.cadence, wanted.timezone, now).due_at}


def pause(
    tx: Connection, person: Subscriber, *, until: datetime | None, catch_up: bool = True, now: datetime
) -> Subscriber:
    """No digests until then, or until they come back; then one with what was missed, if `catch_up`. Files' owners, too."""
    if person.status not in ("active", "paused"):
        return person
    since = person.paused_at if person.status == "paused" and person.paused_at else now
    values: dict[str, Any] = {"paused_at": since, "paused_until": until}
    values |= {"catch_up_since": since if catch_up else None}
    return _change(tx, person, now, status="paused", status_reason="asked for a pause", **values)


def resume(tx: Connection, person: Subscriber, *, now: datetime) -> Subscriber:
    """Back from a pause: the next digest comes at the next hour, or at once where today's is still worth sending."""
    if person.status != "paused":
        return person
    cadence, zone = person.profile.cadence, person.profile.timezone
    due = due_issue(cadence, zone, now) or next_issue(cadence, zone, now)
    ended = {"paused_at": None, "paused_until": None}
    return _change(tx, person, now, status="active", status_reason=None, next_due_at=due.due_at, **ended)


def come_back(store: Store, *, now: datetime) -> int:
    """Bring back everybody whose pause is over. Returns how many."""
    with store.reading() as db:
        if not ended_pauses(db, now):
            return 0
    with store.writing() as tx:
        back = [read_subscriber(tx, subscriber_id) for subscriber_id in ended_pauses(tx, now)]
        return len([resume(tx, person, now=now) for person in back if person is not None])


def revoke_links(tx: Connection, person: Subscriber, *, now: datetime) -> Subscriber:
    """End every link in every mail so far, and begin anew; nobody can confirm any more what was asked before.

    Only a move that has happened may still be undone by the address it left: whoever asked for it must not be able to
    take that away.
    """
    end_requests(tx, person.id, now)
    return _change(tx, person, now, links_version=max(person.links_version + 1, int(now.timestamp())))


def tell_change(
    tx: Connection, office: Office, before: Subscriber, after: Subscriber, *, now: datetime
) -> None:
    """Mail somebody what was changed with a link of a mail, which a friend may hold to whom it was forwarded."""
    if before.profile != after.profile:
        mail = office.letters.changed(after, before=before.profile, now=now)
        office.send(tx, "changed", mail, now=now)


def _own_word(person: Subscriber) -> None:
    if person.owner == "file":
        raise DigestError(f"the file {person.file} owns this profile; change it there")


def _change(tx: Connection, person: Subscriber, now: datetime, **values: Any) -> Subscriber:
    change_subscriber(tx, person.id, now, profile_version=person.profile_version + 1, **values)
    changed = read_subscriber(tx, person.id)
    assert changed is not None
    return changed
