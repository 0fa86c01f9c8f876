"""Owing many digests at once: the outbox, the papers they show and the reasons they replace, in a few statements."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

from sqlalchemy import Connection, select

from digest.model import DeliveryState, Digest, Issue, Message, Pick
from digest.store.bodies import keep_bodies, keep_pieces
from digest.store.bulk import add_new_rows, add_rows
from digest.store.dialect import any_of, insert_or_ignore
from digest.store.due import drop_skips
from digest.store.people import Subscriber
from digest.store.schema import deliveries, issues, papers, shown
from digest.store.updates import tell_updates

_DELIVERY = ("subscriber_id", "message_id", "mail_from", "rcpt_to", "address_hash", "subject")
_SHOWN = ("subscriber_id", "paper_pk", "delivery_id", "score")


@dataclass(frozen=True, slots=True)
class Owed:
    """A finished digest, ready for the ledger."""

    digest: Digest
    message: Message
    subscriber: Subscriber
    paper_pks: tuple[int, ...]  # rows of the digest's picks, in their order
    update_pks: tuple[int, ...] = ()  # rows of the papers it tells news of


def owe_digests(tx: Connection, owed: Sequence[Owed], *, now: datetime) -> dict[int, int]:
    """Owe these digests to their subscribers and remember their papers as shown.

    Returns their deliveries by subscriber; the others' digest of that day is owed already, and nothing of theirs changes.
    """
    if not owed:
        return {}
    keep_pieces(tx, [one.message for one in owed], now=now)
    of_issue: dict[str, list[Owed]] = {}
    for one in owed:
        of_issue.setdefault(one.digest.issue.key, []).append(one)
    delivery_of: dict[int, int] = {}
    for some in of_issue.values():
        delivery_of |= _add_deliveries(tx, some, _issue_number(tx, some[0].digest.issue, now), now)
    new = [one for one in owed if one.subscriber.id in delivery_of]
    if not new:
        return {}
    keep_bodies(tx, [(delivery_of[one.subscriber.id], one.message) for one in new], now=now)
    there = _lock_papers(tx, {pk for one in new for pk in (*one.paper_pks, *one.update_pks)})
    papers_of = [row for one in new for row in _shown(one, delivery_of[one.subscriber.id], there)]
    add_rows(tx, shown, _SHOWN, papers_of)
    told = [
        (one.subscriber.id, pk, one.digest.issue.on) for one in new for pk in one.update_pks if pk in there
    ]
    tell_updates(tx, told)
    drop_skips(tx, [(one.subscriber.id, one.digest.issue.on) for one in new])
    return delivery_of


def _issue_number(tx: Connection, issue: Issue, now: datetime) -> int:
    known = select(issues.c.id).where(issues.c.key == issue.key)
    number = tx.execute(known).scalar()
    if number is None:
        tx.execute(insert_or_ignore(tx, issues).values(key=issue.key, on_date=issue.on, created_at=now))
        number = tx.execute(known).scalar_one()
    return int(number)


def _lock_papers(tx: Connection, pks: set[int]) -> set[int]:
    """Which of these are still there: two that turn out to be one work become one row."""
    query = select(papers.c.pk).where(any_of(tx, papers.c.pk, pks)).order_by(papers.c.pk)
    return set(tx.scalars(query.with_for_update(read=True, key_share=True)).all())


def _add_deliveries(tx: Connection, owed: Sequence[Owed], issue_id: int, now: datetime) -> dict[int, int]:
    """Deliveries of one Issue by subscriber, those that are new."""
    same = {
        "kind": "digest",
        "issue_id": issue_id,
        "issue_on": owed[0].digest.issue.on,
        "state": DeliveryState.QUEUED,
        "queued_at": now,
        "due_at": now,
        "attempts": 0,
        "takeovers": 0,
    }
    rows = [_row(one.message, one.subscriber) for one in owed]
    return dict(add_new_rows(tx, deliveries, _DELIVERY, rows, same=same, returning=("subscriber_id", "id")))


def _row(message: Message, person: Subscriber) -> tuple[int | str, ...]:
    sender, recipient = message.envelope.mail_from, message.envelope.rcpt_to
    return person.id, message.message_id, sender, recipient, person.address_hash, message.subject


def _shown(one: Owed, delivery_id: int, there: set[int]) -> list[tuple[int, int, int, str]]:
    person = one.subscriber.id
    return [
        (person, pk, delivery_id, _score(pick))
        for pk, pick in zip(one.paper_pks, one.digest.picks, strict=True)
        if pk in there
    ]


def _score(pick: Pick) -> str:
    """Value, section and reasons as JSON, put together by hand: it is done ten times a digest.

    A millionth is as fine as anybody looks; all digits of a number take seven times as long to write.
    """
    _, value, reasons = pick.score
    why = ", ".join([f"{_named(kind, term)}{part:.6f}]" for kind, term, part in reasons])
    return f'{{"value": {value:.6f}, "section": "{pick.section.value}", "why": [{why}]}}'


@lru_cache(maxsize=10_000)
def _named(kind: str, term: str) -> str:
    """How a reason begins."""
    return f'["{kind}", {json.dumps(term)}, '
