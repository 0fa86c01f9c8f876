"""Delivery: everything owed is sent once, and what the server says decides what happens next."""

import os
import socket
from datetime import timedelta

import pytest
from sqlalchemy import select

from digest.deliver import Policy, deliver, is_dead, retry_delay
from digest.errors import PermanentTransportError, TemporaryTransportError
from digest.mail.transport import MemoryTransport
from digest.store import outbox
from digest.store.outbox import Claim
from digest.store.people import suppressed
from digest.store.schema import deliveries
from tests.builders import NOW, owe


def go(store, transport, *, now=NOW, policy=None, **more):
    return deliver(store, transport, policy=policy or Policy(), clock=lambda: now, **more)


def rows(store):
    with store.reading() as db:
        return db.execute(select(deliveries).order_by(deliveries.c.id)).all()


def test_everything_owed_is_sent_once(store):
    for number in range(7):
        owe(store, number)
    transport = MemoryTransport()
    report = go(store, transport, policy=Policy(batch=3))
    assert (report.sent, report.deferred, report.failed) == (7, 0, 0)
    assert sorted(envelope.rcpt_to for envelope, _ in transport.sent) == [
        f"reader{n}@example.org" for n in range(7)
    ]
    assert {row.state for row in rows(store)} == {"sent"}
    assert go(store, transport).sent == 0


def test_a_refused_reader_costs_only_themselves_and_is_suppressed(store):
    for number in range(3):
        owe(store, number)
    gone = PermanentTransportError("550 5.1.1 no such user", code=550, status="5.1.1", about_reader=True)
    transport = MemoryTransport(lambda envelope: gone if envelope.rcpt_to.startswith("reader1") else None)
    report = go(store, transport)
    assert (report.sent, report.failed) == (2, 1)
    with store.reading() as db:
        assert suppressed(db, [store.address_hash("reader1@example.org")]) == {
            store.address_hash("reader1@example.org"): "hard_bounce"
        }


def test_a_refusal_of_ours_suppresses_nobody(store):
    owe(store, 1)
    go(
        store,
        MemoryTransport(lambda _: PermanentTransportError("550 5.7.1 blocked", code=550, status="5.7.1")),
    )
    with store.reading() as db:
        assert suppressed(db, [store.address_hash("reader1@example.org")]) == {}


def test_greylisting_is_tried_again_later_and_then_sent(store):
    owe(store, 1)
    report = go(store, MemoryTransport(lambda _: TemporaryTransportError("451 later")))
    assert report.deferred == 1
    assert rows(store)[0].due_at == NOW + timedelta(seconds=300)
    transport = MemoryTransport()
    assert go(store, transport, now=NOW + timedelta(seconds=299)).sent == 0
    assert go(store, transport, now=NOW + timedelta(seconds=300)).sent == 1


def test_a_server_in_trouble_stops_the_round_and_costs_one_attempt(store):
    for number in range(5):
        owe(store, number)
    down = TemporaryTransportError("cannot connect", whole_server=True)
    report = go(store, MemoryTransport(lambda _: down))
    assert (report.deferred, report.stopped) == (1, "cannot connect")
    assert sorted(row.state for row in rows(store)) == ["deferred"] + ["queued"] * 4


def test_what_is_too_old_is_given_up(store):
    owe(store, 1)
    refuse = MemoryTransport(lambda _: TemporaryTransportError("451 later"))
    report = go(store, refuse, now=NOW + timedelta(hours=20))
    assert report.failed == 1


def test_told_to_stop_it_finishes_the_item_at_hand_and_gives_the_rest_back(store):
    for number in range(5):
        owe(store, number)
    transport = MemoryTransport()
    report = go(store, transport, is_stopping=lambda: len(transport.sent) >= 2)
    assert report.sent == 2
    assert sorted(row.state for row in rows(store)) == ["queued"] * 3 + ["sent"] * 2


def test_what_a_dead_worker_claimed_is_sent_without_waiting_for_its_lease(store):
    owe(store, 1)
    dead = f"{socket.gethostname()}|{'0' * 36}|1"
    with store.writing() as tx:
        outbox.claim(tx, Claim(dead, NOW + timedelta(hours=1)), now=NOW, limit=1)
    assert go(store, MemoryTransport()).sent == 1


def test_what_a_living_worker_claimed_is_left_alone(store):
    owe(store, 1)
    with store.writing() as tx:
        outbox.claim(tx, Claim("another-host|boot|1", NOW + timedelta(hours=1)), now=NOW, limit=1)
    assert go(store, MemoryTransport()).sent == 0


def test_who_is_dead_is_known_only_for_this_machine():
    host = socket.gethostname()
    assert is_dead(f"{host}|another boot|{os.getppid()}")
    assert not is_dead(f"another-host|boot|{os.getppid()}")


@pytest.mark.parametrize(("minutes", "seconds"), [(0, 300), (4, 300), (10, 600), (60, 3600), (600, 4000)])
def test_the_wait_grows_with_the_age_of_the_message(minutes, seconds):
    assert retry_delay(timedelta(minutes=minutes)) == timedelta(seconds=seconds)


def test_a_transport_that_breaks_unexpectedly_loses_nothing(store):
    owe(store, 1)
    owe(store, 2)

    def explode(_envelope):
        raise RuntimeError("a bug")

    with pytest.raises(RuntimeError):
        go(store, MemoryTransport(explode))
    assert {row.state for row in rows(store)} == {"queued"}
    assert go(store, MemoryTransport()).sent == 2
