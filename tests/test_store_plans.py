"""The questions that are asked all the time read an index, on both databases, when most rows are history."""

import json
from datetime import timedelta

import pytest
from sqlalchemy import event

from digest.store import outbox, rescue
from digest.store.bulk import fill
from digest.store.due import due_subscribers
from digest.store.outbox import Claim
from digest.store.schema import deliveries, messages, subscribers
from tests.builders import NOW, a_profile

MANY = 4000


@pytest.fixture
def filled(store):
    """Four thousand people, a few of them due, and as many deliveries, nearly all of them sent."""
    profile = a_profile().to_json()
    with store.writing() as tx:
        fill(tx, subscribers, (a_row(number, profile) for number in range(1, MANY + 1)))
        fill(tx, deliveries, (a_delivery(number) for number in range(1, MANY + 1)))
        fill(tx, messages, ({"delivery_id": number, "raw": b"..."} for number in range(1, MANY + 1)))
    with store.writing() as tx:
        tx.exec_driver_sql("ANALYZE")
    return store


def a_row(number, profile):
    address = f"reader{number}@example.org"
    due = NOW if number % 400 == 0 else NOW + timedelta(days=1)
    return {
        "id": number, "email": address, "address_key": address, "address_hash": address, "status": "active",
        "owner": "web", "profile": profile, "next_due_at": due, "created_at": NOW, "updated_at": NOW,
    }  # fmt: skip


def a_delivery(number):
    return {
        "id": number, "kind": "digest", "message_id": f"<{number}@x>", "mail_from": "a@x", "rcpt_to": "b@x",
        "address_hash": "h", "subject": "s", "state": "queued" if number % 400 == 0 else "sent", "queued_at": NOW,
        "due_at": NOW - timedelta(days=number % 30), "attempts": 0, "takeovers": 0, "issue_on": NOW.date(),
    }  # fmt: skip


def plan_of(tx, ask):
    """How the database goes about the first statement `ask` makes."""
    said = []

    def listen(_connection, _cursor, statement, parameters, _context, _many):
        said.append((statement, parameters))

    event.listen(tx.engine, "before_cursor_execute", listen)
    try:
        ask(tx)
    finally:
        event.remove(tx.engine, "before_cursor_execute", listen)
    word = "EXPLAIN" if tx.dialect.name == "postgresql" else "EXPLAIN QUERY PLAN"
    statement, parameters = said[0]
    return "\n".join(
        json.dumps(list(row), default=str) for row in tx.exec_driver_sql(f"{word} {statement}", parameters)
    )


@pytest.mark.parametrize(
    ("index", "ask"),
    [
        ("ix_deliveries_open", lambda tx: outbox.claim(tx, Claim("me", NOW + timedelta(minutes=5)), now=NOW, limit=5)),
        ("ix_deliveries_open", lambda tx: outbox.has_due(tx, NOW)),
        ("ix_deliveries_open", lambda tx: outbox.count_due(tx, NOW)),
        ("ix_deliveries_open", lambda tx: outbox.renew(tx, Claim("me", NOW))),
        ("ix_deliveries_open", rescue.held_leases),
        ("ix_deliveries_open", lambda tx: rescue.release_dead(tx, "me", now=NOW)),
        ("ix_deliveries_open", lambda tx: rescue.bury_poison(tx, now=NOW)),
        ("ix_deliveries_open", lambda tx: rescue.expire(tx, queued_before=NOW - timedelta(days=1), now=NOW)),
        ("ix_deliveries_open", lambda tx: rescue.park_doubtful(tx, now=NOW)),
        ("ix_subscribers_due", lambda tx: due_subscribers(tx, NOW, limit=5)),
    ],
    ids=["claim", "whether any is due", "how many are due", "renew", "who holds rows", "release", "bury", "expire", "park", "who is due"],
)  # fmt: skip
def test_what_is_asked_all_the_time_reads_its_index(filled, index, ask):
    with filled.writing() as tx:
        plan = plan_of(tx, ask)
    assert index in plan
    assert "Seq Scan on deliveries" not in plan
    assert "Seq Scan on subscribers" not in plan
    assert "SCAN subscribers" not in plan.replace("SCAN subscribers USING", "")
    assert "TEMP B-TREE FOR ORDER" not in plan
