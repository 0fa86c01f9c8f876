"""Delivery: everything owed is sent once, and what the server says decides what happens next."""

import os
import socket
import threading
import time
from contextlib import contextmanager
from datetime import timedelta

import pytest
from sqlalchemy import select

from digest import sending
from digest.deliver import Policy, deliver, retry_delay
from digest.errors import PermanentTransportError, StoreError, TemporaryTransportError
from digest.mail.pace import Pace
from digest.mail.smtp import SmtpTransport
from digest.mail.transport import InDoubt, MemoryTransport, Unreachable
from digest.store import outbox
from digest.store.bodies import bodies_of
from digest.store.outbox import Claim
from digest.store.people import suppressed
from digest.store.schema import deliveries
from digest.store.workers import is_dead
from digest.tables import SmtpSettings
from tests.builders import NOW, kept_mails, owe
from tests.smtp_script import Script, smtp_script


def go(store, transport, *, now=NOW, policy=None, **more):
    ways = transport if isinstance(transport, list) else [transport]
    return deliver(store, ways, policy=policy or Policy(), clock=lambda: now, **more)


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


def test_not_now_is_no_trouble_the_first_time_and_worth_a_look_when_it_is_said_again_or_late(store):
    not_now = TemporaryTransportError("451 4.7.1 greylisted", code=451, status="4.7.1")
    owe(store, 1)
    first = go(store, MemoryTransport(lambda _: not_now))
    assert (first.deferred, first.has_trouble) == (1, False)
    again = go(store, MemoryTransport(lambda _: not_now), now=NOW + timedelta(minutes=10))
    assert (again.deferred, again.has_trouble) == (1, True)
    assert not go(store, MemoryTransport(), now=NOW + timedelta(hours=1)).has_trouble
    owe(store, 2)
    late = go(store, MemoryTransport(lambda _: not_now), now=NOW + timedelta(hours=1))
    assert (late.deferred, late.has_trouble) == (1, True)


@pytest.mark.parametrize(
    "error",
    [
        TemporaryTransportError("the connection broke", whole_server=True),
        PermanentTransportError("554 no", code=554),
        InDoubt("took it all and gave no answer"),
    ],
)
def test_what_is_more_than_not_now_is_worth_a_look_at_once(store, error):
    owe(store, 1)
    report = go(store, MemoryTransport(lambda envelope: error if envelope.rcpt_to else None))
    assert (report.deferred, report.has_trouble) == (1, True)


def test_a_server_that_cannot_be_reached_costs_nobody_an_attempt(store):
    for number in range(5):
        owe(store, number)
    report = go(store, MemoryTransport(lambda _: Unreachable("wrong password")))
    assert (report.sent, report.deferred, report.failed) == (0, 0, 0)
    assert report.stopped is not None
    assert report.stopped.startswith("wrong password; nothing is tried until 08:05 UTC")
    assert {(row.state, row.attempts, row.last_reply) for row in rows(store)} == {("queued", 0, None)}


def test_a_server_in_trouble_is_left_alone_and_then_asked_with_one_message(store):
    for number in range(5):
        owe(store, number)
    go(store, MemoryTransport(lambda _: Unreachable("down")))
    works = MemoryTransport()
    early = go(store, works, now=NOW + timedelta(minutes=4))
    assert (early.sent, works.sent) == (0, [])
    assert "down" in (early.stopped or "")
    assert go(store, works, now=NOW + timedelta(minutes=5)).sent == 5
    assert go(store, works, now=NOW + timedelta(minutes=6)).stopped is None


def test_a_server_that_keeps_losing_messages_is_found_out_before_everybody_paid(store):
    for number in range(40):
        owe(store, number)
    lost = TemporaryTransportError("421 going down", whole_server=True, code=421)
    report = go(store, MemoryTransport(lambda envelope: lost if envelope.rcpt_to else None))
    assert (report.deferred, report.sent) == (10, 0)
    assert sum(row.attempts for row in rows(store)) == 10


def test_a_refusal_of_everything_is_ours_and_stops_after_three(store):
    for number in range(9):
        owe(store, number)
    spam = PermanentTransportError("554 5.7.1 spam", code=554, status="5.7.1")
    report = go(store, MemoryTransport(lambda envelope: spam if envelope.rcpt_to else None))
    assert report.deferred == 3
    assert sorted(row.state for row in rows(store)) == ["deferred"] * 3 + ["queued"] * 6


def test_a_refusal_for_good_that_is_not_about_the_address_gets_a_second_try(store):
    owe(store, 1)
    no = MemoryTransport(lambda _: PermanentTransportError("554 no", code=554))
    assert go(store, no).deferred == 1
    assert go(store, no, now=NOW + timedelta(minutes=10)).failed == 1


@contextmanager
def serving(script):
    """A way out to a server that does what the script says."""
    with smtp_script(script) as port:
        yield SmtpTransport(
            SmtpSettings(host="127.0.0.1", port=port, security="none", timeout=20, end_timeout=20)
        )


@pytest.mark.parametrize("stage", ["RCPT", "DOT"])
def test_a_broken_signature_is_ours_and_holds_the_mail_until_it_is_mended(store, stage):
    for number in range(9):
        owe(store, number)
    script = Script(at=stage, act="550 5.7.26 DKIM did not pass")
    with serving(script) as way:
        report = go(store, way)
    assert (report.deferred, report.failed) == (3, 0)
    assert report.stopped is not None
    assert "digest doctor mail" in report.stopped
    for hours in (1, 2, 3):  # a few ask whether it is mended, and none of them pays for it
        with serving(script) as way:
            assert go(store, way, now=NOW + timedelta(hours=hours)).failed == 0
    assert {row.state for row in rows(store)} <= {"queued", "deferred"}
    with store.reading() as db:
        everybody = [store.address_hash(f"reader{number}@example.org") for number in range(9)]
        assert suppressed(db, everybody) == {}
    with serving(Script()) as way:
        assert go(store, way, now=NOW + timedelta(hours=6)).sent == 9


def test_a_broken_signature_that_nobody_mends_is_given_up_in_the_end_and_costs_no_reader(store):
    owe(store, 1)
    with serving(Script(at="DOT", act="550 5.7.20 no passing signature")) as way:
        go(store, way)
    assert go(store, MemoryTransport(), now=NOW + timedelta(hours=20)).failed == 1
    with store.reading() as db:
        assert suppressed(db, [store.address_hash("reader1@example.org")]) == {}


@pytest.mark.parametrize("reply", ["450 4.2.0 Greylisted", "451 4.7.1 try again later", "450 later"])
def test_any_number_of_greylisted_readers_stops_nobody_else(store, reply):
    for number in range(30):
        owe(store, number)
    script = Script(at="RCPT", act=reply, times=25)
    with serving(script) as way:
        report = go(store, way)
    assert (report.sent, report.deferred, report.stopped, report.has_trouble) == (5, 25, None, False)
    with serving(Script()) as way:
        assert go(store, way, now=NOW + timedelta(minutes=6)).sent == 25


@pytest.mark.parametrize("reply", ["421 4.7.0 too many", "450 4.7.0 too fast", "451 4.3.0 no room"])
def test_not_now_that_is_about_us_stops_after_ten(store, reply):
    for number in range(30):
        owe(store, number)
    with serving(Script(at="RCPT", act=reply)) as way:
        report = go(store, way)
    assert report.sent == 0
    assert report.deferred == 10
    assert report.stopped is not None


def in_doubt(_envelope):
    return InDoubt("took it all and gave no answer")


def test_in_doubt_the_same_bytes_are_sent_again(store):
    owe(store, 1)
    assert go(store, Talking(in_doubt)).deferred == 1
    again = MemoryTransport()
    assert go(store, again, now=NOW + timedelta(minutes=10)).sent == 1
    assert again.sent[0][1] == owed_bytes(store)


def test_a_server_that_never_answers_does_not_get_the_same_mail_for_ever(store):
    owe(store, 1)
    reports = [go(store, Talking(in_doubt), now=NOW + timedelta(hours=hours)) for hours in (0, 1, 2)]
    assert [report.unknown for report in reports] == [0, 0, 1]
    assert go(store, MemoryTransport(), now=NOW + timedelta(days=1)).sent == 0


def test_in_doubt_the_operator_decides_when_asked_to(store):
    owe(store, 1)
    policy = Policy(on_unknown="hold")
    report = go(store, Talking(in_doubt), policy=policy)
    assert (report.unknown, report.has_trouble) == (1, True)
    assert go(store, MemoryTransport(), policy=policy, now=NOW + timedelta(days=3)).sent == 0
    assert rows(store)[0].state == "unknown"


def test_what_a_crash_left_in_doubt_is_held_when_asked_to(store):
    owe(store, 1)
    owe(store, 2)
    dead = f"{socket.gethostname()}|{'0' * 36}|1-1"
    with store.writing() as tx:
        first, _ = outbox.claim(tx, Claim(dead, NOW + timedelta(hours=1)), now=NOW, limit=2)
        outbox.mark_handed(tx, [first], now=NOW)
    report = go(store, MemoryTransport(), policy=Policy(on_unknown="hold"))
    assert (report.sent, report.unknown) == (1, 1)


def test_nothing_waits_for_ever_and_its_papers_are_free_again(store):
    owe(store, 1)
    go(store, MemoryTransport(lambda _: Unreachable("down")))
    report = go(store, MemoryTransport(lambda _: Unreachable("down")), now=NOW + timedelta(hours=21))
    assert report.failed == 1
    assert rows(store)[0].last_reply.startswith("too late, its papers may come with the next digest")


def test_several_connections_send_everything_once(store):
    for number in range(60):
        owe(store, number)
    ways = [MemoryTransport() for _ in range(4)]
    assert go(store, ways, policy=Policy(batch=20)).sent == 60
    sent = [envelope.rcpt_to for way in ways for envelope, _ in way.sent]
    assert len(sent) == len(set(sent)) == 60


@pytest.mark.parametrize(("soon", "claimed"), [(600.0, [8, 16, 32, 32]), (0.0, [8, 8, 8, 8])])
def test_more_are_claimed_at_once_only_while_they_leave_quickly(store, monkeypatch, soon, claimed):
    asked = []

    def claim(tx, lease, *, now, limit):
        asked.append(limit)
        return outbox.claim(tx, lease, now=now, limit=limit)

    monkeypatch.setattr(sending, "claim", claim)
    monkeypatch.setattr(sending, "_SOON", soon)
    for number in range(70):
        owe(store, number)
    assert go(store, MemoryTransport(), policy=Policy(batch=8)).sent == 70
    assert asked[:4] == claimed


def test_one_connection_that_is_refused_leaves_its_messages_to_the_others(store):
    for number in range(60):
        owe(store, number)
    full = MemoryTransport(lambda _: Unreachable("421 too many connections"))
    works = MemoryTransport()
    report = go(store, [works, full, full])
    assert (report.sent, report.stopped) == (60, None)
    assert {row.attempts for row in rows(store)} == {1}


def test_the_lease_is_renewed_while_a_batch_lasts(store):
    for number in range(3):
        owe(store, number)
    times = [NOW]

    class Slow(MemoryTransport):
        def send(self, envelope, raw, about_to_end, following=None):
            times.append(times[-1] + timedelta(seconds=200))
            reply = super().send(envelope, raw, about_to_end)
            with store.writing() as tx:  # another worker, meanwhile
                stolen = outbox.claim(tx, Claim("another-host|boot|1", times[-1]), now=times[-1], limit=9)
            assert stolen == []
            return reply

    report = deliver(store, [Slow()], policy=Policy(), clock=lambda: times[-1])
    assert (report.sent, report.deferred) == (3, 0)


def test_no_more_leave_a_second_than_was_said(store):
    for number in range(4):
        owe(store, number)
    began = time.monotonic()
    assert go(store, MemoryTransport(), policy=Policy(pace=Pace(per_second=20.0))).sent == 4
    assert time.monotonic() - began >= 3 / 20


@pytest.mark.parametrize("broken", ["before", "after"])
def test_a_commit_that_failed_ends_no_message_and_one_that_happened_all_the_same_is_not_repeated(
    store, monkeypatch, broken
):
    """The third write of the round fails: `before` it was committed, or `after`, when only the answer was lost."""
    for number in range(5):
        owe(store, number)
    writes = []
    real = store.writing

    @contextmanager
    def writing():
        writes.append(1)
        if len(writes) == 4 and broken == "before":
            raise StoreError("disk full")
        with real() as tx:
            yield tx
        if len(writes) == 4:
            raise StoreError("disk I/O error")

    monkeypatch.setattr(type(store), "writing", lambda _self: writing())
    transport = MemoryTransport()
    with pytest.raises(StoreError):
        go(store, transport)
    monkeypatch.undo()
    taken = len(transport.sent)
    assert taken < 5
    assert sorted(row.state for row in rows(store)) == ["queued"] * (5 - taken) + ["sent"] * taken
    assert go(store, transport).sent == 5 - taken
    assert len({envelope.rcpt_to for envelope, _ in transport.sent}) == len(transport.sent) == 5


def test_what_was_claimed_and_cannot_be_read_is_given_back(store, monkeypatch):
    for number in range(3):
        owe(store, number)

    def breaks(*_):
        raise StoreError("the disk reports an error")

    monkeypatch.setattr("digest.backlog.bodies_of", breaks)
    with pytest.raises(StoreError):
        go(store, MemoryTransport())
    assert {(row.state, row.attempts) for row in rows(store)} == {("queued", 0)}
    monkeypatch.undo()
    assert go(store, MemoryTransport()).sent == 3


def test_what_is_erased_between_claim_and_sending_costs_only_itself(store, monkeypatch):
    for number in range(3):
        owe(store, number)
    monkeypatch.setattr("digest.backlog.bodies_of", lambda db, taken: bodies_of(db, taken[:1] + taken[2:]))
    assert go(store, MemoryTransport()).sent == 2


def test_what_is_too_old_is_given_up(store):
    owe(store, 1)
    refuse = MemoryTransport(lambda _: TemporaryTransportError("451 later"))
    report = go(store, refuse, now=NOW + timedelta(hours=20))
    assert report.failed == 1


def test_told_to_stop_it_finishes_the_messages_at_hand_and_gives_the_rest_back(store):
    for number in range(9):
        owe(store, number)
    transport = MemoryTransport()
    report = go(store, transport, is_stopping=lambda: len(transport.sent) >= 2)
    assert 2 <= report.sent <= 4
    assert report.stopped is None
    states = sorted(row.state for row in rows(store))
    assert states == ["queued"] * (9 - report.sent) + ["sent"] * report.sent
    assert {row.attempts for row in rows(store) if row.state == "queued"} == {0}


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


def test_a_mistake_of_ours_costs_one_message_and_not_the_others(store):
    for number in range(3):
        owe(store, number)

    def explode(envelope):
        if envelope.rcpt_to.startswith("reader1"):
            raise RuntimeError("a bug")

    report = go(store, MemoryTransport(explode))
    assert (report.sent, report.deferred) == (2, 1)
    assert (
        "RuntimeError" in [row.last_reply for row in rows(store)][1] or "a bug" in rows(store)[1].last_reply
    )
    assert go(store, MemoryTransport(), now=NOW + timedelta(minutes=6)).sent == 1


def test_four_workers_at_once_send_everything_once(store):
    for number in range(80):
        owe(store, number)
    ways = [MemoryTransport() for _ in range(8)]
    policy = Policy(batch=6)
    threads = [
        threading.Thread(target=go, args=(store, ways[n : n + 2]), kwargs={"policy": policy})
        for n in (0, 2, 4, 6)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    sent = [envelope.rcpt_to for way in ways for envelope, _ in way.sent]
    assert len(sent) == len(set(sent)) == 80
    assert {row.state for row in rows(store)} == {"sent"}


class Talking(MemoryTransport):
    """Fails only after the end was announced, as a lost connection does."""

    def send(self, envelope, raw, about_to_end, following=None):
        assert about_to_end()
        error = self._refuse(envelope)
        assert error is not None
        raise error


def owed_bytes(store):
    return kept_mails(store)[0][1]
