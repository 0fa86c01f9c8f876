"""The operator's brake: nothing more is claimed, by anybody, until it is let go."""

from datetime import timedelta

from sqlalchemy import select

from digest.deliver import Policy, deliver
from digest.mail.transport import MemoryTransport
from digest.store.halt import halt_sending, resume_sending
from digest.store.outages import current_outage
from digest.store.schema import deliveries
from tests.builders import NOW, owe


def go(store, transport, **policy):
    return deliver(store, [transport], policy=Policy(**policy), clock=lambda: NOW)


def halt(store, reason="a wrong template"):
    with store.writing() as tx:
        halt_sending(tx, reason, now=NOW - timedelta(hours=1))


def states(store):
    with store.reading() as db:
        return sorted(db.execute(select(deliveries.c.state)).scalars())


def test_nothing_leaves_while_sending_is_halted_and_the_report_says_why(store):
    owe(store)
    halt(store)
    transport = MemoryTransport()
    report = go(store, transport)
    assert (report.sent, report.waiting, transport.sent) == (0, 1, [])
    assert report.stopped is not None
    assert "halted sending at 2026-03-02 07:00 UTC (a wrong template)" in report.stopped
    assert states(store) == ["queued"]


def test_a_halt_is_no_trouble_of_the_mail_server(store):
    owe(store)
    halt(store)
    go(store, MemoryTransport())
    with store.reading() as db:
        assert current_outage(db) is None


def test_what_waited_leaves_once_when_it_is_let_go(store):
    for number in range(3):
        owe(store, number)
    halt(store)
    transport = MemoryTransport()
    go(store, transport)
    with store.writing() as tx:
        resume_sending(tx)
    assert go(store, transport).sent == 3
    assert len(transport.sent) == 3


def test_a_round_that_is_under_way_ends_with_what_it_has_claimed(store):
    for number in range(9):
        owe(store, number)
    transport = MemoryTransport(lambda _: halt(store))
    report = go(store, transport, batch=3)
    assert report.sent == len(transport.sent) <= 6
    assert states(store).count("queued") == 9 - report.sent >= 3


def test_with_nothing_owed_a_halt_is_not_worth_a_word(store):
    halt(store)
    assert go(store, MemoryTransport()).stopped is None
