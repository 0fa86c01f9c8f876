"""Who looks after a profile: the operator's file, or its reader on the web. Export and import turn one into the other."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Connection

from digest.cadence import next_issue
from digest.errors import Mistake
from digest.profiles import ProfileRead, profile_to_toml
from digest.store import Store
from digest.store.bulk import fill
from digest.store.people import every_subscriber, find_subscriber
from digest.store.readers import change_subscriber
from digest.store.schema import subscribers

_NEVER_IN_NAMES = str.maketrans(dict.fromkeys('/\\:*?"<>|', "_"))


@dataclass(slots=True)
class Handed:
    """Whose profile has another owner now, and whose has not."""

    done: list[str] = field(default_factory=list)
    left: dict[str, str] = field(default_factory=dict)  # address -> why
    mistakes: list[Mistake] = field(default_factory=list)


def export_profiles(store: Store, folder: Path, *, everybody: bool = False) -> Handed:
    """Write the profiles of those who look after themselves as files, one a person; of `everybody` when told so.

    In `config/subscribers/` of the home the files own them from then on. A file that is there is left as it is. Raises
    `OSError`.
    """
    handed = Handed()
    folder.mkdir(parents=True, exist_ok=True)
    with store.reading() as db:
        people = [one for one in every_subscriber(db) if everybody or one.owner == "web"]
    for person in people:
        if person.status in ("unsubscribed", "pending"):
            handed.left[person.email] = f"is {person.status}"
            continue
        file = folder / f"{person.email.translate(_NEVER_IN_NAMES)}.toml"
        try:
            with file.open("x", encoding="utf-8") as out:
                out.write(profile_to_toml(person.profile))
        except FileExistsError:
            handed.left[person.email] = f"{file} is there already"
        else:
            handed.done.append(person.email)
    return handed


def import_profiles(store: Store, reads: Sequence[ProfileRead], *, now: datetime) -> Handed:
    """Give these profiles to their readers: known people own theirs from now on, the others are made, from their next slot on.

    They are taken to have asked for it. Who left stays away, whoever asks.
    """
    handed = Handed()
    with store.writing() as tx:
        new = [row for read in reads if (row := _hand_over(tx, store, read, handed, now)) is not None]
        fill(tx, subscribers, new)
    return handed


def _hand_over(
    tx: Connection, store: Store, read: ProfileRead, handed: Handed, now: datetime
) -> dict[str, Any] | None:
    """The row of somebody new; None when there is nothing to make."""
    profile = read.profile
    if profile is None:
        handed.mistakes += read.mistakes
        return None
    known = find_subscriber(tx, profile.email)
    if known is not None and known.status == "unsubscribed":
        handed.left[profile.email] = f"unsubscribed: {known.status_reason or 'asked to leave'}"
        return None
    handed.done.append(profile.email)
    if known is not None:
        change_subscriber(tx, known.id, now, profile=profile, owner="web", file=None, profile_error=None)
        return None
    return {
        "email": profile.email,
        "address_key": profile.email.lower(),
        "address_hash": store.address_hash(profile.email),
        "status": "active",
        "owner": "web",
        "profile": profile.to_json(),
        "next_due_at": next_issue(profile.cadence, profile.timezone, now).due_at,
        "links_version": int(now.timestamp()),
        "created_at": now,
        "updated_at": now,
    }
