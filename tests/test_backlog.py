"""What waits to be sent: each mail comes with its bytes when its turn comes, in order and not too fast."""

from datetime import timedelta

import pytest
from sqlalchemy import delete

from digest.backlog import Backlog
from digest.mail.pace import Pace
from digest.store import bodies, outbox
from digest.store.outbox import Claim
from digest.store.schema import messages, pieces
from tests.builders import NOW, a_message, owe


def claimed(store, count=3):
    for number in range(count):
        owe(store, number, now=NOW - timedelta(minutes=10 - number))
    with store.writing() as tx:
        return outbox.claim(tx, Claim("me", NOW + timedelta(minutes=5)), now=NOW, limit=count)


def next_of(backlog, at=0.0):
    delivery = backlog.next(at)
    assert delivery is not None
    return delivery


@pytest.fixture(autouse=True)
def _nothing_is_remembered(monkeypatch):
    monkeypatch.setattr(bodies, "_remembered", bodies._Remembered())


def test_each_comes_with_its_bytes_and_in_order(store):
    backlog = Backlog(store, Pace())
    assert backlog.add(claimed(store)) == []
    given = [next_of(backlog) for _ in range(3)]
    assert [one.raw for one in given] == [a_message(n, f"reader{n}@example.org").raw for n in range(3)]
    assert backlog.next(0.0) is None


def test_the_first_of_many_reads_the_shared_words_of_all(store, monkeypatch):
    backlog = Backlog(store, Pace())
    backlog.add(claimed(store))
    assert next_of(backlog).raw
    monkeypatch.setattr(store, "reading", lambda: pytest.fail("read once more"))
    assert next_of(backlog).raw
    assert next_of(backlog).raw


def test_one_that_was_put_back_comes_again_with_the_same_bytes(store):
    backlog = Backlog(store, Pace())
    backlog.add(claimed(store, 1))
    given = next_of(backlog)
    backlog.put_back(given)
    assert backlog.next(0.0) == given


def test_what_was_erased_after_the_claim_is_told_and_left_out(store):
    gone, kept = claimed(store, 2)
    with store.writing() as tx:
        tx.execute(delete(messages).where(messages.c.delivery_id == gone.id))
    backlog = Backlog(store, Pace())
    assert backlog.add([gone, kept]) == [gone]
    assert next_of(backlog).id == kept.id
    assert backlog.next(0.0) is None


def test_a_mail_whose_words_are_lost_comes_without_bytes_and_is_told(store, caplog):
    [lost] = claimed(store, 1)
    backlog = Backlog(store, Pace())
    backlog.add([lost])
    with store.writing() as tx:
        tx.execute(delete(pieces))
    assert next_of(backlog).raw == b""
    assert f"delivery id={lost.id} cannot be put together" in caplog.text


def test_words_that_another_forgot_meanwhile_are_still_at_hand(store, monkeypatch):
    monkeypatch.setattr(bodies, "_MOST", 1)  # whoever reads next begins anew
    backlog = Backlog(store, Pace())
    backlog.add(claimed(store))
    assert next_of(backlog).raw
    with store.reading() as db:
        bodies.words_of(db, [])
        assert bodies._remembered.words == {}
    assert next_of(backlog).raw


def test_a_pace_holds_back_one_domain_and_not_the_others(store):
    backlog = Backlog(store, Pace(per_domain_per_second=10))
    backlog.add(claimed(store, 2))
    assert backlog.next(5.0) is not None
    assert backlog.next(5.0) is None
    assert 0.09 < backlog.wait(5.0) <= 0.1
    assert backlog.next(5.11) is not None
