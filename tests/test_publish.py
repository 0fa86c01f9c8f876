"""Publishing: who is due gets one message a day, everybody else a reason, and nobody's trouble is another's."""

import gc
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from random import Random

import pytest
from sqlalchemy import select

from digest import publish as publishing
from digest.material import FittedOnce
from digest.model import Cadence, Envelope, Interest, Message, SkipReason
from digest.pages import parse
from digest.preview import make_preview
from digest.profiles import read_profiles
from digest.publish import Limits, publish
from digest.shipped import shipped
from digest.store.papers import record_page
from digest.store.people import find_subscriber, last_skips, suppress
from digest.store.readers import change_subscriber
from digest.store.schema import deliveries, subscribers
from digest.subscriptions import change_profile, change_status, sync_profiles
from digest.writing import Writing
from tests.builders import NOW, a_page, a_paper, a_profile, record, subscribe, subscribe_many


class PlainWriter:
    """Writes the titles of a digest, and fails for whom it is told to."""

    def __init__(self, fails_for=""):
        self.digests = []
        self.fails_for = fails_for

    def write(self, digest, subscriber, *, now):
        if subscriber.email == self.fails_for:
            raise RuntimeError("a bug in a template")
        self.digests.append(digest)
        message_id = f"<{digest.issue.key}.{subscriber.id}@example.org>"
        return Message(
            message_id,
            Envelope("digest@example.org", subscriber.email),
            "s",
            Writing.whole(message_id.encode()),
        )

    def catch_up(self, digest, subscriber, *, since, now):
        return self.write(digest, subscriber, now=now)


def go(store, writer=None, now=NOW):
    writer = writer or PlainWriter()
    report = publish(store, writer, limits=Limits(), now=now)
    return report, {
        digest.subscriber: [pick.paper.id[-1] for pick in digest.picks] for digest in writer.digests
    }


def decoding(number, **fields):
    return a_paper(number, title=f"Speculative Decoding, Part {number}", **fields)


def weather(number, **fields):
    abstract = "Storm tracks from satellite data."
    return a_paper(number, title=f"Weather Forecasting, Part {number}", abstract=abstract, **fields)


def test_each_reader_gets_their_own_papers(store):
    record(store, decoding(1), weather(2))
    subscribe(store, a_profile(email="a@example.org", wildcard=False, trending=0))
    interests = (Interest(("weather forecasting",)),)
    subscribe(store, a_profile(email="b@example.org", interests=interests, wildcard=False, trending=0))
    report, digests = go(store)
    assert report.queued == 2
    assert digests == {"a@example.org": ["1"], "b@example.org": ["2"]}


def test_a_second_round_queues_nothing_and_says_when_the_next_one_is_due(store):
    record(store, decoding(1))
    subscribe(store, a_profile())
    go(store)
    report, digests = go(store, now=NOW + timedelta(minutes=1))
    assert (report.queued, digests) == (0, {})
    assert [skip.reason for skip in report.skipped] == ["not due: next digest Tue 3 Mar 07:30 UTC"]


def test_the_next_day_brings_only_what_was_not_shown(store):
    record(store, decoding(1), name="monday")
    subscribe(store, a_profile())
    go(store)
    record(store, decoding(1), decoding(2), name="tuesday", at=NOW + timedelta(hours=20))
    _, digests = go(store, now=NOW + timedelta(days=1))
    assert digests == {"reader@example.org": ["2"]}


def test_a_hundred_and_fifty_readers_are_read_once_each(store):
    record(store, decoding(1))
    for number in range(150):
        subscribe(store, a_profile(email=f"reader{number}@example.org"))
    report, digests = go(store)
    assert report.queued == len(digests) == 150


def test_one_readers_broken_template_costs_nobody_else(store):
    record(store, decoding(1))
    subscribe(store, a_profile(email="a@example.org"))
    subscribe(store, a_profile(email="b@example.org"))
    report, digests = go(store, PlainWriter(fails_for="a@example.org"))
    assert list(digests) == ["b@example.org"]
    assert [(skip.subscriber, skip.why) for skip in report.skipped] == [("a@example.org", SkipReason.FAILED)]
    assert report.has_trouble


def test_nothing_new_is_looked_at_again_until_the_slot_is_stale(store):
    subscribe(store, a_profile())
    report, _ = go(store)
    assert [skip.why for skip in report.skipped] == [SkipReason.NOTHING_NEW]
    record(store, decoding(1), at=NOW + timedelta(minutes=5))
    report, _ = go(store, now=NOW + timedelta(minutes=15))
    assert report.queued == 1
    with store.reading() as db:
        assert last_skips(db) == []


def test_a_quiet_day_is_a_skip_with_its_reason_in_the_ledger(store):
    record(store, weather(1))
    subscribe(store, a_profile(trending=0))
    report, _ = go(store)
    assert [skip.why for skip in report.skipped] == [SkipReason.NOTHING_MATCHED]
    with store.reading() as db:
        assert [(row["subscriber"], row["on"]) for row in last_skips(db)] == [
            ("reader@example.org", date(2026, 3, 2))
        ]


def test_suppressed_paused_and_departed_people_get_nothing_and_it_says_why(store):
    record(store, decoding(1))
    people = {
        name: subscribe(store, a_profile(email=f"{name}@example.org")) for name in ("gone", "away", "bounced")
    }
    with store.writing() as tx:
        change_subscriber(tx, people["gone"].id, NOW, status="unsubscribed", status_reason="asked to leave")
        change_subscriber(tx, people["away"].id, NOW, status="paused", status_reason="asked for a pause")
        suppress(tx, people["bounced"].address_hash, "hard_bounce", "550", NOW)
    report, digests = go(store)
    assert digests == {}
    assert {skip.subscriber: skip.reason for skip in report.skipped} == {
        "gone@example.org": "unsubscribed: asked to leave",
        "away@example.org": "paused: asked for a pause",
        "bounced@example.org": "address suppressed: hard_bounce",
    }


def test_a_change_of_zone_and_hour_never_makes_two_digests_of_one_day(store):
    record(store, decoding(1), *(decoding(n) for n in range(2, 40)))
    profile = a_profile(max_papers=1, wildcard=False)
    subscribe(store, profile)
    dates = []
    moment = datetime(2026, 3, 2, 0, 0, tzinfo=UTC)
    zones = ["UTC", "Pacific/Kiritimati", "Pacific/Honolulu", "Europe/Berlin", "Asia/Tokyo", "UTC"]
    for step in range(60):
        changed = replace(profile, timezone=zones[step % 6], cadence=Cadence("day", time(step * 5 % 24, 0)))
        subscribe(store, changed, now=moment)
        go(store, now=moment)
        moment += timedelta(hours=2)
    with store.reading() as db:
        dates = [row.issue_on for row in db.execute(select(deliveries.c.issue_on))]
    assert len(dates) == len(set(dates))
    assert len(dates) >= 4


def test_three_days_asleep_make_one_digest(store):
    record(store, decoding(1), name="a")
    subscribe(store, a_profile())
    record(store, decoding(2), name="b", at=NOW + timedelta(days=2))
    report, digests = go(store, now=NOW + timedelta(days=3))
    assert report.queued == 1
    assert digests == {"reader@example.org": ["1", "2"]}


def sync(store, folder, now=NOW):
    return sync_profiles(store, read_profiles(folder), now=now)


def write(folder, name, text):
    (folder / f"{name}.toml").write_text(text)


def status_of(store, email):
    with store.reading() as db:
        person = find_subscriber(db, email)
    return person and (person.status, person.profile_error is not None, person.profile.max_papers)


def test_profile_files_become_subscribers_and_follow_their_changes(store, tmp_path):
    write(tmp_path, "a", 'email = "a@example.org"')
    sync(store, tmp_path)
    assert status_of(store, "a@example.org") == ("active", False, 10)
    write(tmp_path, "a", 'email = "a@example.org"\nmax_papers = 3')
    sync(store, tmp_path)
    assert status_of(store, "a@example.org") == ("active", False, 3)


def test_a_file_that_breaks_leaves_its_owner_with_the_last_good_profile(store, tmp_path):
    write(tmp_path, "a", 'email = "a@example.org"\nmax_papers = 3')
    sync(store, tmp_path)
    write(tmp_path, "a", 'email = "a@example.org"\nmax_papers = "many"')
    report = sync(store, tmp_path)
    assert status_of(store, "a@example.org") == ("active", True, 3)
    assert [(skip.subscriber, skip.why) for skip in report.broken] == [
        ("a@example.org", SkipReason.BROKEN_PROFILE)
    ]
    assert "the last good version" in report.broken[0].reason
    write(tmp_path, "a", 'email = "a@example.org"\nmax_papers = 4')
    assert sync(store, tmp_path).broken == ()
    assert status_of(store, "a@example.org") == ("active", False, 4)


def test_a_file_that_is_gone_ends_the_subscription_and_coming_back_resumes_it(store, tmp_path):
    write(tmp_path, "a", 'email = "a@example.org"')
    sync(store, tmp_path)
    (tmp_path / "a.toml").unlink()
    sync(store, tmp_path)
    assert status_of(store, "a@example.org") == ("unsubscribed", False, 10)
    write(tmp_path, "a", 'email = "a@example.org"')
    sync(store, tmp_path)
    assert status_of(store, "a@example.org") == ("active", False, 10)


def test_who_left_stays_away_whatever_the_file_says(store, tmp_path):
    write(tmp_path, "a", 'email = "a@example.org"')
    sync(store, tmp_path)
    change_status(store, "a@example.org", "unsubscribed", now=NOW)
    write(tmp_path, "a", 'email = "a@example.org"\nmax_papers = 3')
    sync(store, tmp_path)
    assert status_of(store, "a@example.org") == ("unsubscribed", False, 3)


def test_a_corpus_is_learnt_once_while_it_stays_the_same(store):
    record(store, decoding(1), decoding(2))
    fitted = FittedOnce()
    rankers = []
    for day in range(3):
        subscribe(store, a_profile(email=f"reader{day}@example.org"), now=NOW)
        publish(store, PlainWriter(), limits=Limits(), now=NOW, fitted=fitted)
        rankers.append(fitted([decoding(1), decoding(2)]))
    assert rankers[0] is rankers[1] is rankers[2]
    assert fitted([decoding(1)]) is not rankers[0]


def many_kinds_of_readers(papers):
    """Readers of words from the titles of these papers."""
    random = Random(7)
    words = sorted({word for paper in papers for word in paper.title.split() if len(word) > 5})
    for number in range(12):
        wanted = tuple(Interest((word,), random.choice([1.0, 2.0, -1.0])) for word in random.sample(words, 4))
        phrase = Interest((" ".join(random.choice(papers).title.split()[:2]),))
        yield a_profile(
            email=f"reader{number}@example.org",
            interests=(*wanted, phrase),
            max_papers=random.choice([1, 3, 10]),
            trending=random.choice([0.0, 0.3, 1.0]),
            quiet_day="note",
        )


def a_days_page():
    """A page of yesterday, read when its votes had grown."""
    path = min((shipped("config") / "demo/pages").iterdir())
    page = a_page(path.read_bytes(), name=path.name)
    parsed = parse(page)
    on = (NOW - timedelta(days=1)).date()
    assert len(parsed.papers) > 5
    return page, replace(parsed, listed_on=on)


@pytest.mark.parametrize("batch", [1, 7, 500])
def test_many_readers_together_get_what_each_would_be_shown_alone(store, monkeypatch, batch):
    monkeypatch.setattr(publishing, "BATCH", batch)
    page, parsed = a_days_page()
    profiles = {profile.email: profile for profile in many_kinds_of_readers(parsed.papers)}
    with store.writing() as tx:
        record_page(tx, page, parsed)
    subscribe_many(store, profiles.values())
    writer = PlainWriter()
    assert publish(store, writer, limits=Limits(), now=NOW).queued == len(profiles)
    assert sum(len(digest.picks) for digest in writer.digests) > len(profiles)
    for digest in writer.digests:
        assert digest == make_preview(profiles[digest.subscriber], [page], now=NOW).digest


class Interrupted(PlainWriter):
    """Something happens to the reader while their digest is written."""

    def __init__(self, meanwhile):
        super().__init__()
        self.meanwhile = meanwhile

    def write(self, digest, subscriber, *, now):
        self.meanwhile(subscriber)
        return super().write(digest, subscriber, now=now)


def test_nobody_looks_for_garbage_while_digests_are_made(store):
    record(store, decoding(1), decoding(2))
    subscribe(store, a_profile())
    collects = []
    assert go(store, Interrupted(lambda _reader: collects.append(gc.isenabled())))[0].queued == 1
    assert collects == [False]
    assert gc.isenabled()


def test_another_rhythm_that_is_chosen_while_a_digest_is_written_is_kept(store):
    record(store, decoding(1), decoding(2))
    monthly = a_profile(cadence=Cadence("month", time(7, 30)), timezone="UTC")
    subscribe(store, monthly)
    with store.writing() as tx:
        change_subscriber(tx, 1, NOW, owner="web", file=None)

    def now_daily(person):
        with store.writing() as tx:
            change_profile(tx, person, replace(monthly, cadence=Cadence("day", time(7, 30))), now=NOW)

    report, _ = go(store, Interrupted(now_daily))
    assert "chose another time" in report.skipped[0].reason
    with store.reading() as db:
        next_look = db.execute(select(subscribers.c.next_due_at)).scalar_one()
    assert next_look == NOW.replace(hour=7, minute=30) + timedelta(days=1)


def test_nothing_is_queued_for_who_left_while_their_digest_was_written(store):
    record(store, decoding(1), decoding(2))
    subscribe(store, a_profile(), now=NOW)
    leave = Interrupted(lambda person: change_status(store, person.email, "unsubscribed", now=NOW))
    report, _ = go(store, leave)
    with store.reading() as db:
        states = db.execute(select(deliveries.c.state)).scalars().all()
    assert (report.queued, states) == (0, [])


def test_nothing_is_queued_for_who_paused_while_their_digest_was_written(store):
    record(store, decoding(1), decoding(2))
    subscribe(store, a_profile(), now=NOW)
    report, _ = go(store, Interrupted(lambda one: change_status(store, one.email, "paused", now=NOW)))
    assert report.queued == 0
