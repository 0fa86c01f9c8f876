"""What the database keeps for whoever runs it: acts, sessions, the brake, how the verbs fare, feeds, figures."""

from datetime import date, timedelta

import pytest
from sqlalchemy import select

from digest.model import DeliveryState, Pick, Reason, ReasonKind, Score, Section
from digest.model import Digest as DigestValue
from digest.store import figures
from digest.store.audit import REFUSED, Act, count_refused, forget_acts, last_acts, note_act
from digest.store.feeds import digest_bytes, digests_of, feed_serial, renew_feed, revoke_feed, shown_to
from digest.store.halt import Halt, current_halt, halt_sending, resume_sending
from digest.store.owing import Owed, owe_digests
from digest.store.papers import find_paper
from digest.store.rounds import Run, every_round, note_round, noted
from digest.store.schema_operator import sessions
from digest.store.sessions import begin_session, end_every_session, end_session, has_session
from digest.tables import RetentionSettings
from digest.tidy import tidy
from tests.builders import NOW, a_message, a_paper, a_profile, an_issue, owe, record, subscribe

HOUR = timedelta(hours=1)


def an_act(act="resend", at=NOW, network="192.0.2.1"):
    return Act(at, act, "delivery 1", "", network)


def test_acts_are_told_the_newest_first_and_forgotten_in_time(store):
    with store.writing() as tx:
        note_act(tx, an_act("hold", NOW - 100 * HOUR))
        note_act(tx, an_act("resend"))
        assert [act.act for act in last_acts(tx)] == ["resend", "hold"]
        assert forget_acts(tx, NOW - HOUR) == 1
        assert [act.act for act in last_acts(tx)] == ["resend"]


def test_an_act_that_is_undone_leaves_no_line(store):
    def act_and_fail(tx):
        note_act(tx, an_act())
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError), store.writing() as tx:
        act_and_fail(tx)
    with store.reading() as db:
        assert last_acts(db) == []


def test_refused_logins_are_counted_by_network_and_altogether(store):
    with store.writing() as tx:
        for network in ("a", "a", "b"):
            note_act(tx, an_act(REFUSED, network=network))
        note_act(tx, an_act(REFUSED, NOW - 2 * HOUR, network="a"))
        note_act(tx, an_act("login", network="a"))
        assert count_refused(tx, since=NOW - HOUR, network="a") == 2
        assert count_refused(tx, since=NOW - HOUR) == 3


def test_a_session_opens_until_it_is_over_or_ended(store):
    with store.writing() as tx:
        key, other = begin_session(tx, now=NOW), begin_session(tx, now=NOW)
        assert has_session(tx, key, now=NOW + 12 * HOUR - timedelta(seconds=1))
        assert not has_session(tx, key, now=NOW + 12 * HOUR)
        assert not has_session(tx, key.swapcase(), now=NOW)
        assert end_session(tx, key)
        assert not has_session(tx, key, now=NOW)
        assert has_session(tx, other, now=NOW)
        assert end_every_session(tx) == 1


def test_the_database_does_not_hold_the_key_of_a_session(store):
    with store.writing() as tx:
        key = begin_session(tx, now=NOW)
    with store.reading() as db:
        [row] = db.execute(select(sessions)).all()
    assert key not in str(row)


def test_a_halt_is_set_once_and_keeps_its_first_reason(store):
    with store.writing() as tx:
        assert current_halt(tx) is None
        assert halt_sending(tx, "wrong template", now=NOW)
        assert not halt_sending(tx, "again", now=NOW + HOUR)
        halt = current_halt(tx)
        assert halt == Halt("wrong template", NOW)
        assert resume_sending(tx)
        assert not resume_sending(tx)


def test_rounds_add_up_over_processes_and_tell_the_last_one(store):
    with store.writing() as tx:
        note_round(tx, "deliver", NOW, NOW + timedelta(seconds=2), Run(tallies={"sent": 3, "failed": 0}))
    with store.writing() as tx:
        run = Run("no mail server", {"sent": 2, "deferred": 4})
        note_round(tx, "deliver", NOW + HOUR, NOW + HOUR + timedelta(seconds=3), run)
        [(verb, found)] = every_round(tx).items()
    assert verb == "deliver"
    assert (found.count, found.failures, found.seconds) == (2, 1, 5.0)
    assert found.tallies == {"sent": 5, "deferred": 4}
    assert (found.last_seconds, found.last_error, found.last_began_at) == (3.0, "no mail server", NOW + HOUR)


def test_a_clock_that_went_back_makes_no_negative_time(store):
    with store.writing() as tx:
        note_round(tx, "publish", NOW, NOW - HOUR, Run())
        assert every_round(tx)["publish"].seconds == 0


def test_a_feed_that_is_renewed_or_revoked_never_has_an_old_serial_again(store):
    person = subscribe(store, a_profile())
    with store.writing() as tx:
        assert feed_serial(tx, person.id) is None
        serials = [renew_feed(tx, person.id, now=NOW)]
        serials.append(renew_feed(tx, person.id, now=NOW))
        assert revoke_feed(tx, person.id, now=NOW)
        assert not revoke_feed(tx, person.id, now=NOW)
        assert feed_serial(tx, person.id) is None
        serials.append(renew_feed(tx, person.id, now=NOW))
        assert feed_serial(tx, person.id) == serials[-1]
    assert len(set(serials)) == 3


def owe_papers(store, person, on, *numbers):
    record(store, *(a_paper(number) for number in numbers), name=f"{on}.json")
    with store.writing() as tx:
        stored = [one for number in numbers if (one := find_paper(tx, a_paper(number).id))]
        why = (Reason(ReasonKind.KEYWORD, "draft model", 0.5),)
        picks = tuple(
            Pick(one.paper, Score(one.paper.id, 1 / (n + 1), why), Section.TOP)
            for n, one in enumerate(stored)
        )
        digest = DigestValue(an_issue(on), person.email, picks, 9, person.profile)
        owed = Owed(digest, a_message(on.toordinal(), person.email), person, tuple(one.pk for one in stored))
        return owe_digests(tx, [owed], now=NOW)[person.id]


def test_what_a_reader_was_shown_comes_by_digest_and_by_score(store):
    person = subscribe(store, a_profile())
    owe_papers(store, person, date(2026, 3, 2), 1, 2)
    owe_papers(store, person, date(2026, 3, 3), 3)
    with store.reading() as db:
        found = shown_to(db, person.id, limit=10)
        assert [one.paper.id for one in found] == [a_paper(n).id for n in (3, 1, 2)]
        assert found[0].why == (("keyword", "draft model", 0.5),)
        assert found[0].seen_at == NOW
        assert len(shown_to(db, person.id, limit=1)) == 1
        assert shown_to(db, person.id + 1, limit=10) == []


def test_past_digests_can_be_read_again_by_their_day(store):
    person = subscribe(store, a_profile())
    owe_papers(store, person, date(2026, 3, 2), 1)
    owe_papers(store, person, date(2026, 3, 3), 2)
    with store.reading() as db:
        assert [past.on.day for past in digests_of(db, person.id, limit=9)] == [3, 2]
        assert digests_of(db, person.id + 1, limit=9) == []
        assert b"Hello" in (digest_bytes(db, person.id, date(2026, 3, 2)) or b"")
        assert digest_bytes(db, person.id, date(2026, 3, 4)) is None


def test_deliveries_are_counted_by_day_and_state_in_utc(store):
    owe(store, 1, now=NOW)
    owe(store, 2, now=NOW - 30 * HOUR)
    with store.reading() as db:
        days = figures.deliveries_by_day(db, days=3, now=NOW)
        assert list(days) == [date(2026, 2, 28), date(2026, 3, 1), date(2026, 3, 2)]
        assert days[date(2026, 3, 2)] == {DeliveryState.QUEUED: 1}
        assert days[date(2026, 3, 1)] == {"queued": 1}
        assert days[date(2026, 2, 28)] == {}
        assert figures.waiting(db) == figures.Waiting(2, NOW - 30 * HOUR)


def test_papers_are_counted_by_day_and_source(store):
    record(store, a_paper(1), a_paper(2), name="a.json")
    with store.reading() as db:
        assert figures.pages_by_day(db, days=1, now=NOW) == {NOW.date(): {"by hand": 2}}
        assert figures.count_pages(db) == {("by hand", "ok"): (1, 2)}


def test_people_are_found_by_a_part_of_their_address_and_signs_are_no_wildcards(store):
    for name in ("ada", "grace", "100%"):
        subscribe(store, a_profile(email=f"{name}@example.org"))
    with store.reading() as db:
        names = [p["email"] for p in figures.people_page(db, like="A@EX", after_id=0, limit=9)]
        assert names == ["ada@example.org"]
        assert len(figures.people_page(db, like="%", after_id=0, limit=9)) == 1
        first = figures.people_page(db, like="", after_id=0, limit=2)
        assert [p["email"] for p in first] == ["ada@example.org", "grace@example.org"]
        assert len(figures.people_page(db, like="", after_id=first[-1]["id"], limit=2)) == 1


def test_a_verb_notes_how_it_went_and_its_failure_passes_on(store):
    def fail():
        with noted(store, "publish", NOW):
            raise LookupError("no theme")

    with noted(store, "publish", NOW) as running:
        running.error = "stopped early"
    with store.reading() as db:
        assert every_round(db)["publish"].last_error == "stopped early"
    with pytest.raises(LookupError):
        fail()
    with noted(store, "publish", NOW):
        pass
    with store.reading() as db:
        found = every_round(db)["publish"]
    assert (found.count, found.failures, found.last_error) == (3, 2, None)
    assert 0 <= found.last_seconds <= found.seconds


def test_acts_are_forgotten_with_the_ledger(store):
    with store.writing() as tx:
        note_act(tx, an_act())
    keep = RetentionSettings()
    assert tidy(store, keep, now=NOW + timedelta(days=keep.ledger_days - 1)).acts == 0
    assert tidy(store, keep, now=NOW + timedelta(days=keep.ledger_days + 1)).acts == 1
    with store.reading() as db:
        assert last_acts(db) == []
