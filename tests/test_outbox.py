"""The ledger: one digest a person an Issue, claims that are fenced, and a state for everything that happened."""

from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from sqlalchemy import select

from digest.model import Digest, Pick, Reason, ReasonKind, Score, Section
from digest.store import Store, desk, outbox, rescue
from digest.store.bodies import read_body
from digest.store.history import shown_score
from digest.store.outbox import Claim
from digest.store.owing import Owed, owe_digests
from digest.store.papers import find_paper
from digest.store.people import shown_among, suppress
from digest.store.readers import change_subscriber
from digest.store.schema import deliveries
from tests.builders import NOW, a_message, a_paper, a_profile, an_issue, owe, record, subscribe

LEASE = Claim("this worker", NOW + timedelta(minutes=5))


def states(store):
    with store.reading() as db:
        return {row.id: row.state for row in db.execute(select(deliveries.c.id, deliveries.c.state))}


def claim(store, lease=LEASE, now=NOW, limit=10):
    with store.writing() as tx:
        return outbox.claim(tx, lease, now=now, limit=limit)


def write(store, verb, *args, **more):
    with store.writing() as tx:
        return verb(tx, *args, **more)


def test_a_second_digest_of_the_same_day_is_not_owed(store):
    owe(store, 1)
    person = subscribe(store, a_profile(email="reader1@example.org"))
    again = Digest(an_issue(), person.email, (), 0, person.profile)
    with store.writing() as tx:
        assert owe_digests(tx, [Owed(again, a_message(99), person, ())], now=NOW) == {}
    assert len(states(store)) == 1


def test_a_change_of_cadence_does_not_make_two_digests_of_one_day(store):
    owe(store, 1)
    person = subscribe(store, a_profile(email="reader1@example.org"))
    weekly = Digest(
        an_issue().__class__("2026-03-02/week", date(2026, 3, 2), NOW), person.email, (), 0, person.profile
    )
    with store.writing() as tx:
        assert owe_digests(tx, [Owed(weekly, a_message(99), person, ())], now=NOW) == {}


def test_a_claim_takes_the_longest_waiting_first_and_nobody_else_gets_them(store):
    ids = [owe(store, number, now=NOW - timedelta(minutes=10 - number)) for number in (3, 1, 2)]
    first = claim(store, limit=2)
    assert sorted(d.id for d in first) == sorted([ids[1], ids[2]])
    assert [d.attempt for d in first] == [1, 1]
    assert [d.id for d in claim(store)] == [ids[0]]
    assert claim(store) == []


def test_the_bytes_that_come_out_are_the_bytes_that_went_in(store):
    owe(store, 1)
    claimed = claim(store)
    with store.reading() as db:
        [delivery] = claimed
        assert read_body(db, delivery.id) == a_message(1, "reader1@example.org").raw
    assert (delivery.message_id, delivery.envelope.rcpt_to) == ("<1@example.org>", "reader1@example.org")


def test_a_claim_runs_out_and_the_first_worker_is_fenced_off(store):
    owe(store, 1)
    [slow] = claim(store)
    later = NOW + timedelta(minutes=6)
    [fast] = claim(store, Claim("another worker", later + timedelta(minutes=5)), now=later)
    assert fast.attempt == slow.attempt + 1
    assert not write(store, outbox.mark_handed, [slow], now=later)
    assert not write(store, outbox.settle_sent, [(slow, "250 ok")], now=later)
    assert write(store, outbox.mark_handed, [fast], now=later)
    assert write(store, outbox.settle_sent, [(fast, "250 ok")], now=later)
    assert list(states(store).values()) == ["sent"]


def test_what_a_dead_worker_held_is_claimable_at_once(store):
    owe(store, 1)
    claim(store)
    assert claim(store) == []
    assert write(store, rescue.release_dead, LEASE.owner, now=NOW) == 1
    assert len(claim(store)) == 1


def test_what_was_not_tried_is_given_back_as_if_it_had_not_been_claimed(store):
    owe(store, 1)
    owe(store, 2)
    begun, other = claim(store)
    write(store, outbox.mark_handed, [begun], now=NOW)
    assert write(store, outbox.give_back, other, now=NOW)
    assert sorted(states(store).values()) == ["queued", "sending"]
    [again] = claim(store)
    assert (again.id, again.attempt) == (other.id, 1)
    assert not write(store, outbox.give_back, delivery_of_another_claim(again), now=NOW)


def delivery_of_another_claim(delivery):
    return replace(delivery, attempt=delivery.attempt + 1)


def test_saying_sent_twice_changes_nothing(store):
    owe(store, 1)
    [delivery] = claim(store)
    assert write(store, outbox.settle_sent, [(delivery, "250 ok")], now=NOW)
    assert write(store, outbox.settle_sent, [(delivery, "250 ok")], now=NOW)


def test_a_lease_that_is_renewed_keeps_its_rows(store):
    owe(store, 1)
    claim(store)
    later = NOW + timedelta(minutes=6)
    assert write(store, outbox.renew, Claim(LEASE.owner, later + timedelta(minutes=5))) == 1
    assert claim(store, now=later) == []


def test_a_message_that_kills_its_workers_is_buried(store):
    owe(store, 1)
    for _ in range(rescue.MAX_TAKEOVERS + 1):
        assert len(claim(store)) == 1
        write(store, rescue.release_dead, LEASE.owner, now=NOW)
    assert write(store, rescue.bury_poison, now=NOW) == 1
    assert list(states(store).values()) == ["failed"]


def test_what_is_owed_to_somebody_who_left_is_suppressed(store):
    owe(store, 1)
    owe(store, 2)
    person = subscribe(store, a_profile(email="reader1@example.org"))
    write(store, change_subscriber, person.id, NOW, status="unsubscribed", status_reason="asked to leave")
    assert write(store, rescue.drop_unwanted, claim(store), now=NOW) == {1}
    assert states(store) == {1: "suppressed", 2: "sending"}


def test_an_address_that_was_left_after_the_mail_was_queued_is_not_mailed(store):
    _, person, stored = owed_with_a_paper(store)
    hashed = store.address_hash("new@example.org")
    write(store, change_subscriber, person.id, NOW, email="new@example.org", address_hash=hashed)
    assert write(store, rescue.drop_unwanted, claim(store), now=NOW) == {1}
    assert states(store) == {1: "suppressed"}
    assert shown_of(store, person, stored) == set()  # they may come to the new one


def test_an_address_suppressed_after_the_claim_is_not_handed_over(store):
    owe(store, 1)
    [delivery] = claim(store)
    write(store, suppress, store.address_hash("reader1@example.org"), "complaint", "", NOW)
    assert not write(store, outbox.mark_handed, [delivery], now=NOW)


def owed_with_a_paper(store):
    """A digest that shows one paper; its delivery, its reader and the paper."""
    record(store, a_paper(1))
    person = subscribe(store, a_profile())
    score = Score("arxiv:2602.00001", 1.0, (Reason(ReasonKind.KEYWORD, "study", 1.0),))
    digest = Digest(an_issue(), person.email, (Pick(a_paper(1), score, Section.TOP),), 1, person.profile)
    with store.writing() as tx:
        stored = find_paper(tx, "2602.00001")
        assert stored is not None
        [number] = owe_digests(tx, [Owed(digest, a_message(1), person, (stored.pk,))], now=NOW).values()
    return number, person, stored


def shown_of(store, person, stored):
    with store.reading() as db:
        return shown_among(db, [person.id], {stored.pk: stored.paper.id})[person.id]


def test_a_failed_digest_gives_its_papers_back(store):
    _, person, stored = owed_with_a_paper(store)
    assert shown_of(store, person, stored) == {"arxiv:2602.00001"}
    with store.reading() as db:
        told = shown_score(db, person.id, stored.pk)
    assert told == {
        "value": 1.0, "section": "top", "why": [["keyword", "study", 1.0]], "on": date(2026, 3, 2), "state": "queued",
    }  # fmt: skip
    [delivery] = claim(store)
    write(store, outbox.settle_failed, delivery, "550 no", now=NOW)
    assert shown_of(store, person, stored) == set()


def given_up(store, number):
    [delivery] = claim(store)
    write(store, outbox.settle_failed, delivery, "550 no", now=NOW)


def too_late(store, number):
    assert write(store, rescue.expire, queued_before=NOW, now=NOW) == 1


@pytest.mark.parametrize("lose", [given_up, too_late])
def test_a_digest_that_is_tried_after_all_keeps_its_papers_from_coming_twice(store, lose):
    number, person, stored = owed_with_a_paper(store)
    lose(store, number)
    assert shown_of(store, person, stored) == set()
    write(store, desk.retry, number, now=NOW)
    assert shown_of(store, person, stored) == {"arxiv:2602.00001"}
    with store.reading() as db:
        told = shown_score(db, person.id, stored.pk)
    assert told is not None
    assert told["why"] == [["keyword", "study", 1.0]]
    lose(store, number)  # and once more
    assert shown_of(store, person, stored) == set()


def test_a_dropped_digest_gives_its_papers_back(store):
    number, person, stored = owed_with_a_paper(store)
    [delivery] = claim(store)
    write(store, outbox.settle_unknown, delivery, "no answer", now=NOW)
    assert shown_of(store, person, stored) == {"arxiv:2602.00001"}
    write(store, desk.resolve, number, "drop", now=NOW)
    assert shown_of(store, person, stored) == set()


@settings(max_examples=40, stateful_step_count=40, deadline=None)
class Ledger(RuleBasedStateMachine):
    """Workers come, crash, refuse and succeed; the model knows what may have left."""

    @initialize()
    def open(self):
        self.store = Store("sqlite://", secret=b"a test")
        self.now = NOW
        self.owed = 0
        self.claimed = []  # (delivery, whether the end may be sent)
        self.left = {}  # delivery id -> times the bytes left
        self.workers_died = 0

    @rule()
    def enqueue(self):
        self.owed += 1
        owe(self.store, self.owed, now=self.now)

    @rule(limit=st.integers(1, 3))
    def claim(self, limit):
        lease = Claim(f"worker {self.workers_died}", self.now + timedelta(minutes=5))
        taken = claim(self.store, lease, self.now, limit)
        assert all(self.left.get(delivery.id, 0) == 0 or self.workers_died for delivery in taken)
        self.claimed += taken

    @precondition(lambda self: self.claimed)
    @rule(
        place=st.integers(0, 5),
        outcome=st.sampled_from(["sent", "deferred", "failed", "crash before", "crash after"]),
    )
    def send(self, place, outcome):
        delivery = self.claimed.pop(place % len(self.claimed))
        may_end = write(self.store, outbox.mark_handed, [delivery], now=self.now)
        if not may_end or outcome == "crash before":
            return
        if outcome in ("sent", "crash after"):
            self.left[delivery.id] = self.left.get(delivery.id, 0) + 1
        if outcome == "sent":
            assert write(self.store, outbox.settle_sent, [(delivery, "250")], now=self.now)
        elif outcome == "deferred":
            next_at = self.now + timedelta(minutes=5)
            assert write(self.store, outbox.settle_deferred, delivery, "451", next_at=next_at)
        elif outcome == "failed":
            assert write(self.store, outbox.settle_failed, delivery, "550", now=self.now)
        else:
            self.workers_died += 1

    @rule(minutes=st.integers(1, 10))
    def time_passes(self, minutes):
        self.now += timedelta(minutes=minutes)

    @invariant()
    def nothing_vanishes_and_nothing_sent_is_open(self):
        if not hasattr(self, "store"):
            return
        found = states(self.store)
        assert len(found) == self.owed
        for delivery_id, count in self.left.items():
            assert count == 1 or self.workers_died >= count - 1
            assert found[delivery_id] in ("sent", "sending", "deferred", "failed")

    def teardown(self):
        if hasattr(self, "store"):
            self.store.close()


TestLedger = Ledger.TestCase


@pytest.mark.parametrize("state", ["sent", "failed", "suppressed"])
def test_a_final_state_is_never_claimed(store, state):
    owe(store, 1)
    with store.writing() as tx:
        tx.exec_driver_sql(f"UPDATE deliveries SET state = '{state}'")
    assert claim(store, now=NOW + timedelta(days=99)) == []
