"""Profile files become subscribers, and follow what is written in them."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from digest.cadence import due_issue, next_issue
from digest.errors import Mistake
from digest.model import Profile, Skip, SkipReason
from digest.profiles import ProfileRead
from digest.store import Store
from digest.store.people import (
    FILE_REMOVED,
    FileProfile,
    mark_file_broken,
    put_file_profile,
    retire_missing_files,
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
    with the last good profile, if there was one. A file that is gone ends the subscription, and so does another address
    in it for the one that was there before.
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
        written = {read.path.name: read.profile.email if read.profile else None for read in reads}
        for email in retire_missing_files(tx, written, now):
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
