"""Subscribers, what they want, whom we must not mail, and why somebody got nothing."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import date, datetime
from itertools import chain
from typing import Any, Literal

from sqlalchemy import Connection, Row, Select, func, select, update

from digest.model import Profile, Skip, SkipReason
from digest.store.dialect import any_of, insert_or_ignore
from digest.store.schema import deliveries, papers, shown, skips, subscribers, suppressions

Status = Literal["pending", "active", "paused", "unsubscribed"]
FILE_REMOVED = "its file was removed"
_READ_AT_ONCE = 1000  # rows: with each by itself, SQLAlchemy takes half as long again


@dataclass(frozen=True, slots=True)
class Subscriber:
    """A person who gets digests, as the ledger knows them."""

    id: int
    email: str
    status: Status
    status_reason: str | None
    owner: Literal["file", "web"]
    file: str | None
    profile: Profile
    profile_error: str | None  # why the file is not read at the moment; the profile is the last good one
    next_due_at: datetime
    created_at: datetime
    address_hash: str
    links_version: int = 0  # part of every link; one more ends all that were sent
    profile_version: int = 0
    profile_before: Profile | None = None  # what the last change can be undone to
    paused_at: datetime | None = None
    paused_until: datetime | None = None  # None: until they come back themselves
    catch_up_since: datetime | None = None  # the next digest is to hold what was missed since


@dataclass(frozen=True, slots=True)
class FileProfile:
    """What a profile file says, and when to look at its owner."""

    profile: Profile
    file: str
    address_hash: str
    due_at: datetime  # a slot that is still worth sending, else the next one
    next_slot_at: datetime  # the first slot after now


def put_file_profile(tx: Connection, said: FileProfile, *, now: datetime) -> None:
    """Make or change the subscriber a profile file describes.

    Who unsubscribed stays unsubscribed, whatever the file says; who was missing because the file was gone is back, and
    who had yet to confirm need not.
    A web-owned subscriber of the same address becomes file-owned: the file is the operator's own word.
    """
    profile = said.profile
    known = find_subscriber(tx, profile.email)
    if known is None:
        row = {"address_key": profile.email.lower(), "status": "active", "owner": "file", "created_at": now}
        row |= {
            "email": profile.email,
            "file": said.file,
            "profile": profile.to_json(),
            "address_hash": said.address_hash,
        }
        # Nothing when another process was faster by a moment: the next look at the file finds them.
        new = insert_or_ignore(tx, subscribers)
        tx.execute(new.values(row | {"next_due_at": said.due_at, "updated_at": now}))
        return
    changes: dict[str, Any] = {}
    is_missed = known.status == "unsubscribed" and known.status_reason == FILE_REMOVED
    if is_missed or known.status == "pending":
        changes |= {"status": "active", "status_reason": None, "next_due_at": said.due_at}
    if known.profile != profile:
        changes |= {"profile": profile.to_json(), "email": profile.email}
    rhythm = (profile.cadence, profile.timezone)
    # Further ahead than the next slot: the clock was wrong, and went back. The ledger keeps that from sending twice.
    if (known.profile.cadence, known.profile.timezone) != rhythm or known.next_due_at > said.next_slot_at:
        changes["next_due_at"] = said.due_at
    if (known.owner, known.file, known.profile_error) != ("file", said.file, None):
        changes |= {"owner": "file", "file": said.file, "profile_error": None}
    if changes:
        tx.execute(
            update(subscribers).where(subscribers.c.id == known.id).values(changes | {"updated_at": now})
        )


def mark_file_broken(tx: Connection, *, file: str, error: str, now: datetime) -> str | None:
    """Note that a profile file cannot be read; its owner keeps the last good profile. Returns their address if known."""
    owned = (subscribers.c.owner == "file") & (subscribers.c.file == file)
    tx.execute(update(subscribers).where(owned).values(profile_error=error, updated_at=now))
    return tx.execute(select(subscribers.c.email).where(owned)).scalar()


def retire_missing_files(tx: Connection, present: Mapping[str, str | None], now: datetime) -> list[str]:
    """Unsubscribe everyone whose profile file is gone, or is somebody else's now. Returns their addresses.

    `present` are the files with the address in each; None where it cannot be read.
    """
    owners = {file: address and address.lower() for file, address in present.items()}
    owned = (subscribers.c.owner == "file") & (subscribers.c.status != "unsubscribed")
    names = (subscribers.c.id, subscribers.c.email, subscribers.c.address_key, subscribers.c.file)
    rows = tx.execute(select(*names).where(owned)).all()
    missing = [row for row in rows if owners.get(row.file, "") not in (None, row.address_key)]
    gone = {"status": "unsubscribed", "status_reason": FILE_REMOVED, "profile_error": None, "updated_at": now}
    for row in missing:
        tx.execute(update(subscribers).where(subscribers.c.id == row.id).values(gone))
    return [row.email for row in missing]


def has_file_owners(db: Connection) -> bool:
    """Whether somebody's profile is a file, and they did not leave."""
    owned = (subscribers.c.owner == "file", subscribers.c.status != "unsubscribed")
    return db.execute(select(subscribers.c.id).where(*owned).limit(1)).first() is not None


def find_subscriber(db: Connection, email: str) -> Subscriber | None:
    """The subscriber with this address, however it is capitalised."""
    row = db.execute(select(*_COLUMNS).where(subscribers.c.address_key == email.lower())).first()
    return None if row is None else _from_row(row)


def read_subscriber(db: Connection, subscriber_id: int) -> Subscriber | None:
    """The subscriber with this number."""
    row = db.execute(select(*_COLUMNS).where(subscribers.c.id == subscriber_id)).first()
    return None if row is None else _from_row(row)


def not_due(db: Connection, now: datetime, limit: int) -> list[Subscriber]:
    """People who get nothing at `now`: not yet due, paused, unsubscribed or not confirmed."""
    waits = (subscribers.c.status != "active") | (subscribers.c.next_due_at > now)
    return list_subscribers(db, select(subscribers).where(waits).order_by(subscribers.c.id).limit(limit))


def every_subscriber(db: Connection) -> list[Subscriber]:
    """Everybody, in order of address."""
    return list_subscribers(db, select(subscribers).order_by(subscribers.c.address_key))


def count_subscribers(db: Connection) -> dict[str, int]:
    """How many people there are of each status."""
    counted = select(subscribers.c.status, func.count()).group_by(subscribers.c.status)
    return {row[0]: row[1] for row in db.execute(counted)}


def shown_among(
    db: Connection, subscriber_ids: Sequence[int], papers_by_pk: Mapping[int, str]
) -> dict[int, set[str]]:
    """For each of these people, which of these papers (id by row) they were shown before, by id."""
    found: dict[int, set[str]] = {subscriber_id: set() for subscriber_id in subscriber_ids}
    if not papers_by_pk:
        return found
    lately = shown.c.paper_pk >= min(papers_by_pk)  # what years of digests showed is not read again every day
    chosen = any_of(db, shown.c.subscriber_id, subscriber_ids)
    rows = db.execute(select(shown.c.subscriber_id, shown.c.paper_pk).where(chosen, lately))
    for subscriber_id, pk in chain.from_iterable(rows.partitions(_READ_AT_ONCE)):
        if pk in papers_by_pk:
            found[subscriber_id].add(papers_by_pk[pk])
    return found


def shown_since(db: Connection, subscriber_id: int, since: datetime | None = None) -> list[dict[str, Any]]:
    """The papers somebody was shown, in the mails queued since then, the oldest first: id, title and day."""
    query = select(papers.c.id, papers.c.title, deliveries.c.issue_on).select_from(shown)
    query = query.join(papers, papers.c.pk == shown.c.paper_pk).join(
        deliveries, deliveries.c.id == shown.c.delivery_id
    )
    query = query.where(shown.c.subscriber_id == subscriber_id)
    query = query if since is None else query.where(deliveries.c.queued_at >= since)
    found = db.execute(query.order_by(deliveries.c.id, papers.c.id))
    return [{"paper": row.id, "title": row.title, "on": row.issue_on} for row in found]


def queued_on(db: Connection, subscriber_ids: Sequence[int], days: Collection[date]) -> set[tuple[int, date]]:
    """(subscriber, local date) of every digest of these days that is in the ledger already."""
    of_days = deliveries.c.issue_on.in_(days), any_of(db, deliveries.c.subscriber_id, subscriber_ids)
    query = select(deliveries.c.subscriber_id, deliveries.c.issue_on).where(*of_days)
    return {(row[0], row[1]) for row in db.execute(query)}


def suppress(tx: Connection, address_hash: str, reason: str, detail: str, now: datetime) -> None:
    """Never mail this address again, until somebody lifts it by hand. The first reason stays."""
    row = {"address_hash": address_hash, "reason": reason, "detail": detail, "created_at": now}
    tx.execute(insert_or_ignore(tx, suppressions).values(row))


def suppressed(db: Connection, address_hashes: Sequence[str]) -> dict[str, str]:
    """Which of these addresses must not be mailed, and why."""
    query = select(suppressions.c.address_hash, suppressions.c.reason)
    barred = db.execute(query.where(any_of(db, suppressions.c.address_hash, address_hashes)))
    return {row[0]: row[1] for row in barred}


def last_skips(db: Connection, limit: int = 50) -> list[dict[str, Any]]:
    """The newest skips, with the address and the reason."""
    query = select(subscribers.c.email, skips.c.issue_on, skips.c.why, skips.c.detail, skips.c.skipped_at)
    query = query.join(subscribers, subscribers.c.id == skips.c.subscriber_id)
    found = db.execute(query.order_by(skips.c.skipped_at.desc(), subscribers.c.id).limit(limit))
    return [
        {
            "subscriber": row.email,
            "on": row.issue_on,
            "reason": Skip(row.email, SkipReason(row.why), row.detail).reason,
        }
        for row in found
    ]


def list_subscribers(db: Connection, query: Select[Any]) -> list[Subscriber]:
    """The people a question is about."""
    return [_from_row(row) for row in db.execute(query.with_only_columns(*_COLUMNS)).all()]


# In the order of a Subscriber's fields, which bear their names: many thousands are read every morning.
_COLUMNS = [subscribers.c[one.name] for one in fields(Subscriber)]
_PROFILE, _PROFILE_BEFORE = (_COLUMNS.index(subscribers.c[name]) for name in ("profile", "profile_before"))


def _from_row(row: Row[Any]) -> Subscriber:
    values = list(row)
    values[_PROFILE] = Profile.from_json(values[_PROFILE])
    if values[_PROFILE_BEFORE]:
        values[_PROFILE_BEFORE] = Profile.from_json(values[_PROFILE_BEFORE])
    return Subscriber(*values)
