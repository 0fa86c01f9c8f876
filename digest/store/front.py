"""Requests that wait for a word of their reader, proofs of consent, how often was asked, and mails that are no digest."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from sqlalchemy import Connection, Row, delete, func, insert, select, update

from digest.model import DeliveryState, Message, Profile
from digest.store.dialect import insert_or_ignore
from digest.store.schema import deliveries, messages, subscribers
from digest.store.schema_front import asks, consents, requests
from digest.store.withdrawn import withdraw

Purpose = Literal["subscribe", "address"]
Outcome = Literal["confirmed", "declined"]


@dataclass(frozen=True, slots=True)
class NewRequest:
    """Something to be confirmed from an address, before it counts."""

    purpose: Purpose
    subscriber_id: int
    email: str
    profile: Profile | None  # None for a move to another address
    wording: str  # what the person agreed to, word for word
    source: str


@dataclass(frozen=True, slots=True)
class StoredRequest:
    """A request, and what became of it."""

    id: int
    asked: NewRequest
    asked_at: datetime
    ends_at: datetime
    outcome: Outcome | None
    settled_at: datetime | None


def put_request(tx: Connection, asked: NewRequest, *, valid: timedelta, now: datetime) -> int:
    """Remember what waits for a word. Returns its number."""
    row = {
        "purpose": asked.purpose,
        "subscriber_id": asked.subscriber_id,
        "email": asked.email,
        "profile": asked.profile.to_json() if asked.profile else None,
        "wording": asked.wording,
        "source": asked.source,
        "asked_at": now,
        "ends_at": now + valid,
    }
    return int(tx.execute(insert(requests).values(row).returning(requests.c.id)).scalar_one())


def find_request(db: Connection, request_id: int) -> StoredRequest | None:
    """The request with this number."""
    row = db.execute(select(requests).where(requests.c.id == request_id)).first()
    return None if row is None else _request(row)


def latest_request(db: Connection, subscriber_id: int, purpose: Purpose) -> StoredRequest | None:
    """The newest request of somebody."""
    mine = (requests.c.subscriber_id == subscriber_id, requests.c.purpose == purpose)
    row = db.execute(select(requests).where(*mine).order_by(requests.c.id.desc()).limit(1)).first()
    return None if row is None else _request(row)


def settle_request(tx: Connection, request: StoredRequest, outcome: Outcome | None, now: datetime) -> bool:
    """Say what became of a request; None opens it again. False, and nothing changes, when somebody was faster by a moment.

    One who is at it at the same time is waited for: of two presses on one button, one counts.
    """
    as_read = requests.c.outcome.is_not_distinct_from(request.outcome)
    change = update(requests).where(requests.c.id == request.id, as_read)
    return tx.execute(change.values(outcome=outcome, settled_at=now if outcome else None)).rowcount > 0


def end_requests(tx: Connection, subscriber_id: int, now: datetime) -> None:
    """Nobody can answer what was asked of somebody until now and is open."""
    open_ones = (
        requests.c.subscriber_id == subscriber_id,
        requests.c.outcome.is_(None),
        requests.c.ends_at > now,
    )
    tx.execute(update(requests).where(*open_ones).values(ends_at=now))


def add_consent(tx: Connection, request: StoredRequest, *, now: datetime) -> None:
    """Keep the proof that somebody agreed: to which words, where, when, and when the address said so."""
    row = {
        "subscriber_id": request.asked.subscriber_id,
        "purpose": request.asked.purpose,
        "wording": request.asked.wording,
        "source": request.asked.source,
        "asked_at": request.asked_at,
        "confirmed_at": now,
    }
    tx.execute(insert(consents).values(row))


def drop_consents(tx: Connection, subscriber_id: int, since: datetime) -> None:
    """What was agreed to since then was not."""
    mine = consents.c.subscriber_id == subscriber_id
    tx.execute(delete(consents).where(mine, consents.c.confirmed_at >= since))


def consents_of(db: Connection, subscriber_id: int) -> list[dict[str, Any]]:
    """The proofs of one person, the oldest first."""
    query = select(consents).where(consents.c.subscriber_id == subscriber_id).order_by(consents.c.id)
    return [dict(row) for row in db.execute(query).mappings()]


def add_ask(
    tx: Connection, kind: str, hashes: Mapping[str, str | None], *, mailed: bool, now: datetime
) -> None:
    """Count that somebody asked for a mail of this kind."""
    tx.execute(insert(asks).values({"kind": kind, **hashes, "is_mailed": int(mailed), "asked_at": now}))


def count_asks(db: Connection, since: datetime, *, kind: str | None = None, **hashes: str | None) -> int:
    """How many mails were sent since then because somebody asked, of this kind and with these hashes where given."""
    query = select(func.count()).select_from(asks).where(asks.c.asked_at > since, asks.c.is_mailed == 1)
    query = query if kind is None else query.where(asks.c.kind == kind)
    for column, value in hashes.items():
        query = query.where(asks.c[column] == value)
    return int(db.execute(query).scalar_one())


def forget_asks(tx: Connection, before: datetime) -> int:
    """Forget who asked before then. Returns how many."""
    return tx.execute(delete(asks).where(asks.c.asked_at < before)).rowcount


def forget_requests(tx: Connection, now: datetime) -> int:
    """Forget requests that have ended, and people who never confirmed. Returns how many requests."""
    gone = tx.execute(delete(requests).where(requests.c.ends_at < now)).rowcount
    waits = select(requests.c.subscriber_id)
    tx.execute(delete(subscribers).where(subscribers.c.status == "pending", subscribers.c.id.not_in(waits)))
    return gone


def enqueue_notice(
    tx: Connection, message: Message, *, kind: str, address_hash: str, due_at: datetime, now: datetime
) -> None:
    """Owe a mail that is no digest. It belongs to an address, not to a subscriber: those who left get theirs, too."""
    row = {
        "kind": kind,
        "message_id": message.message_id,
        "mail_from": message.envelope.mail_from,
        "rcpt_to": message.envelope.rcpt_to,
        "address_hash": address_hash,
        "subject": message.subject,
        "state": DeliveryState.QUEUED,
        "queued_at": now,
        "due_at": due_at,
        "attempts": 0,
    }
    added = tx.execute(insert_or_ignore(tx, deliveries).values(row).returning(deliveries.c.id)).scalar()
    if added is not None:
        tx.execute(insert(messages).values(delivery_id=added, raw=message.raw))


def recall_notices(tx: Connection, address_hash: str, kind: str, now: datetime) -> None:
    """Do not send mails of this kind that still wait."""
    waiting = (deliveries.c.address_hash == address_hash, deliveries.c.kind == kind)
    change = update(deliveries).where(*waiting, deliveries.c.state == DeliveryState.QUEUED)
    tx.execute(
        change.values(state=DeliveryState.SUPPRESSED, settled_at=now, last_reply="taken back before it left")
    )


def recall_digests(tx: Connection, subscriber_id: int, now: datetime) -> bool:
    """Do not send digests of somebody that still wait, and free their days: they may be made anew. Whether there were any.

    One that may have left already is not among them.
    """
    waiting = (deliveries.c.subscriber_id == subscriber_id, deliveries.c.handed_at.is_(None))
    states = deliveries.c.state.in_([DeliveryState.QUEUED, DeliveryState.DEFERRED, DeliveryState.HELD])
    reply = "taken back before it left: its reader moved to another address"
    change = update(deliveries).where(*waiting, states, deliveries.c.kind == "digest")
    settled = change.values(state=DeliveryState.SUPPRESSED, settled_at=now, last_reply=reply)
    taken = list(tx.scalars(settled.returning(deliveries.c.id)))
    withdraw(tx, taken)
    tx.execute(update(deliveries).where(deliveries.c.id.in_(taken)).values(issue_id=None, issue_on=None))
    return bool(taken)


def _request(row: Row[Any]) -> StoredRequest:
    profile = Profile.from_json(row.profile) if row.profile else None
    asked = NewRequest(row.purpose, row.subscriber_id, row.email, profile, row.wording, row.source)
    return StoredRequest(row.id, asked, row.asked_at, row.ends_at, row.outcome, row.settled_at)
