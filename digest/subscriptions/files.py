"""Who gets digests: profile files become subscribers, and people pause, come back and leave."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from digest.cadence import due_issue, next_issue
from digest.errors import DigestError, Mistake
from digest.model import Profile, Skip, SkipReason
from digest.profiles import ProfileRead
from digest.store import Store
from digest.store.people import (
    FILE_REMOVED,
    FileProfile,
    Status,
    Subscriber,
    find_subscriber,
    mark_file_broken,
    put_file_profile,
    retire_missing_files,
    set_status,
)

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class SyncReport:
    """What reading the profile files changed. A broken file is a mistake list and a Skip for its owner."""

    mistakes: tuple[Mistake, ...] = ()
    broken: tuple[Skip, ...] = ()


def sync_profiles(store: Store, reads: Sequence[ProfileRead], *, now: datetime) -> SyncReport:
    """Bring the subscribers in line with the profile files, in one transaction.

    A new file makes an active subscriber: the operator's own word needs no confirmation. A broken file leaves its owner
    with the last good profile, if there was one. A file that is gone ends the subscription.
    """
    broken = []
    with store.writing() as tx:
        for read in reads:
            if read.profile is not None:
                put_file_profile(tx, _said_by_file(store, read.profile, read.path.name, now), now=now)
            else:
                broken.append(
                    _broken(read, mark_file_broken(tx, file=read.path.name, error=_said(read), now=now))
                )
        for email in retire_missing_files(tx, [read.path.name for read in reads], now):
            log.info("subscriber retired: %s (%s)", FILE_REMOVED, store.address_hash(email)[:12])
    return SyncReport(tuple(mistake for read in reads for mistake in read.mistakes), tuple(broken))


def _said_by_file(store: Store, profile: Profile, file: str, now: datetime) -> FileProfile:
    following = next_issue(profile.cadence, profile.timezone, now)
    due = due_issue(profile.cadence, profile.timezone, now) or following
    return FileProfile(profile, file, store.address_hash(profile.email), due.due_at, following.due_at)


def _said(read: ProfileRead) -> str:
    return "; ".join(str(mistake) for mistake in read.mistakes)


def _broken(read: ProfileRead, owner: str | None) -> Skip:
    kept = "the last good version is used meanwhile; " if owner else ""
    return Skip(owner or read.path.name, SkipReason.BROKEN_PROFILE, f"{kept}{_said(read)}")


_SAID = {
    "paused": "asked for a pause",
    "active": "came back",
    "unsubscribed": "asked to leave",
    "pending": "subscribed",
}


def change_status(store: Store, email: str, status: Status, *, now: datetime) -> Subscriber:
    """Pause somebody, let them come back, or let them leave. Harmless to repeat; what a leaver is owed is not sent.

    Raises `DigestError` when nobody has this address.
    """
    with store.writing() as tx:
        person = find_subscriber(tx, email)
        if person is None:
            raise DigestError(f"nobody is subscribed as {email}; `digest subscribers list` shows who is")
        set_status(tx, person.id, status, _SAID[status], now)
        changed = find_subscriber(tx, email)
    assert changed is not None
    return changed
