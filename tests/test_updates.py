"""News of papers shown before: told once, beside new papers, when many have come to like them."""

from dataclasses import replace
from datetime import timedelta

import pytest

from digest.ranking.risen import FEWEST_UPVOTES, has_risen, much_liked
from digest.ranking.trending import TrendScale
from digest.store import desk
from digest.store.outbox import Claim, claim, settle_failed, settle_sent, settle_unknown
from digest.store.rescue import expire
from digest.store.votes import put_vote
from tests.builders import NOW, a_profile, record, subscribe
from tests.test_publish import PlainWriter, decoding, go

DAY = timedelta(days=1)


def seen(store, *papers, at):
    record(store, *papers, name=f"{at:%Y-%m-%d-%H}.json", at=at)


def told(writer):
    return [[(one.paper.id[-1], one.upvotes_then) for one in digest.updates] for digest in writer.digests]


def two_days(store, then=2, now=60, **profile):
    """A paper is shown on one day with some upvotes, and has others when a new paper comes on the next."""
    subscribe(store, a_profile(wildcard=False, trending=0, **profile))
    seen(store, decoding(1, upvotes=then), at=NOW - timedelta(hours=1))
    go(store)
    seen(store, decoding(1, upvotes=now), decoding(2, upvotes=0), at=NOW + DAY - timedelta(hours=1))
    writer = PlainWriter()
    go(store, writer, now=NOW + DAY)
    return writer


def test_a_paper_that_many_like_by_now_comes_as_news_and_not_as_a_pick(store):
    writer = two_days(store)
    assert told(writer) == [[("1", 2)]]
    [digest] = writer.digests
    assert [pick.paper.id[-1] for pick in digest.picks] == ["2"]
    assert digest.updates[0].shown_on == NOW.date()
    assert digest.updates[0].paper.upvotes == 60


def test_news_is_told_once(store):
    two_days(store)
    seen(store, decoding(1, upvotes=600), decoding(3), at=NOW + 2 * DAY - timedelta(hours=1))
    writer = PlainWriter()
    go(store, writer, now=NOW + 2 * DAY)
    assert told(writer) == [[]]


def refused(tx):
    lease = Claim("worker", NOW + DAY + timedelta(minutes=5))
    *_, newest = claim(tx, lease, now=NOW + DAY, limit=10)
    assert settle_failed(tx, newest, "550 no such user", now=NOW + DAY)


def too_late(tx):
    assert expire(tx, queued_before=NOW + DAY, now=NOW + DAY + timedelta(hours=20)) == 1


def dropped(tx):
    lease = Claim("worker", NOW + DAY + timedelta(minutes=5))
    *_, newest = claim(tx, lease, now=NOW + DAY, limit=10)
    settle_unknown(tx, newest, "no answer", now=NOW + DAY)
    desk.resolve(tx, newest.id, "drop", now=NOW + DAY)


@pytest.mark.parametrize("lost", [refused, too_late, dropped])
def test_news_that_never_arrived_may_be_told_again(store, lost):
    two_days(store)
    with store.writing() as tx:
        if lost is too_late:  # the paper's own digest arrived
            settle_sent(tx, [(claim(tx, Claim("one", NOW + DAY), now=NOW, limit=1)[0], "250")], now=NOW)
        lost(tx)
    seen(store, decoding(3), at=NOW + 2 * DAY - timedelta(hours=1))
    writer = PlainWriter()
    go(store, writer, now=NOW + 2 * DAY)
    assert told(writer) == [[("1", 2)]]


def test_news_of_a_digest_that_is_tried_after_all_is_told_once(store):
    two_days(store)
    with store.writing() as tx:
        refused(tx)
        desk.retry(tx, 2, now=NOW + DAY)
    seen(store, decoding(3), at=NOW + 2 * DAY - timedelta(hours=1))
    writer = PlainWriter()
    go(store, writer, now=NOW + 2 * DAY)
    assert told(writer) == [[]]


@pytest.mark.parametrize(("then", "now"), [(30, 60), (2, 9), (60, 60)])
def test_a_little_more_is_no_news(store, then, now):
    assert told(two_days(store, then, now)) == [[]]


def test_what_a_reader_mutes_by_now_is_no_news(store):
    subscribe(store, a_profile(wildcard=False, trending=0))
    seen(store, decoding(1, upvotes=1), at=NOW - timedelta(hours=1))
    go(store)
    subscribe(store, a_profile(wildcard=False, trending=0, mute=("part 1",)))
    seen(store, decoding(1, upvotes=90), decoding(2), at=NOW + DAY - timedelta(hours=1))
    writer = PlainWriter()
    go(store, writer, now=NOW + DAY)
    assert told(writer) == [[]]


def test_a_paper_a_reader_has_voted_on_is_known_to_them(store):
    reader = subscribe(store, a_profile(wildcard=False, trending=0))
    seen(store, decoding(1, upvotes=1), at=NOW - timedelta(hours=1))
    go(store)
    with store.writing() as tx:
        put_vote(tx, reader.id, 1, "more", NOW)
    seen(store, decoding(1, upvotes=90), decoding(2), at=NOW + DAY - timedelta(hours=1))
    writer = PlainWriter()
    go(store, writer, now=NOW + DAY)
    assert told(writer) == [[]]


def test_without_a_new_paper_there_is_no_mail_for_news(store):
    subscribe(store, a_profile(wildcard=False, trending=0))
    seen(store, decoding(1, upvotes=1), at=NOW - timedelta(hours=1))
    go(store)
    seen(store, decoding(1, upvotes=90), at=NOW + DAY - timedelta(hours=1))
    report, digests = go(store, now=NOW + DAY)
    assert (report.queued, digests) == (0, {})


def test_what_is_much_liked_is_measured_on_the_corpus():
    quiet, loud = TrendScale(1.0), TrendScale(200.0)
    assert much_liked(quiet) == FEWEST_UPVOTES
    assert has_risen(3, 10, quiet)
    assert not has_risen(3, 10, loud)
    assert has_risen(0, 200, loud)
    assert not has_risen(70, 200, replace(loud))
