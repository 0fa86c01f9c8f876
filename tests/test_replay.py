"""The time machine: past days under a profile, as the ledger would have had them."""

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from digest.errors import DigestError
from digest.model import Cadence, Digest, Interest
from digest.replay import Known, TimeMachine, compare
from tests.builders import a_paper, a_profile

MONDAY = date(2026, 3, 2)


def known(number, on, **fields):
    return Known(a_paper(number, **fields), datetime(on.year, on.month, on.day, tzinfo=UTC))


def about(*keywords, **fields):
    return a_profile(interests=(Interest(keywords),), timezone="UTC", wildcard=False, trending=0.0, **fields)


def a_week(keyword="speculative decoding"):
    """Three papers a day, one of them about the keyword."""
    return [
        known(
            10 * day + number,
            MONDAY + timedelta(days=day),
            title=f"{keyword} with tree {day}" if number == 0 else f"Protein folding {day} {number}",
            abstract=f"We study {keyword}." if number == 0 else "We fold proteins and look at them.",
        )
        for day in range(7)
        for number in range(3)
    ]


def titles(day):
    return [pick.paper.title for pick in day.picks]


def test_every_slot_between_the_days_is_replayed_with_what_was_known_by_then():
    days = TimeMachine(a_week()).replay(
        about("speculative decoding"), since=MONDAY, until=MONDAY + timedelta(days=6)
    )
    assert [day.issue.on for day in days] == [MONDAY + timedelta(days=n) for n in range(7)]
    assert titles(days[0]) == ["speculative decoding with tree 0"]
    assert titles(days[3]) == ["speculative decoding with tree 3"]


def test_no_paper_comes_twice():
    days = TimeMachine(a_week()).replay(about("folding"), since=MONDAY, until=MONDAY + timedelta(days=6))
    seen = [title for day in days for title in titles(day)]
    assert seen
    assert len(seen) == len(set(seen))


def test_a_day_with_nothing_says_why():
    days = TimeMachine(a_week()).replay(
        about("quantum gravity"), since=MONDAY, until=MONDAY + timedelta(days=1)
    )
    assert all(not isinstance(day.outcome, Digest) and day.outcome.reason for day in days)


def test_another_profile_adds_and_drops():
    machine = TimeMachine(a_week())
    mine = machine.replay(about("speculative decoding"), since=MONDAY, until=MONDAY)
    other = machine.replay(about("folding"), since=MONDAY, until=MONDAY)
    (change,) = compare(mine, other)
    assert [pick.paper.title for pick in change.dropped] == ["speculative decoding with tree 0"]
    assert all("folding" in pick.paper.title for pick in change.added)
    assert change.added


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 6), st.integers(0, 6))
def test_a_profile_against_itself_changes_nothing(start, length):
    machine = TimeMachine(a_week())
    since = MONDAY + timedelta(days=start)
    days = machine.replay(about("folding"), since=since, until=since + timedelta(days=length))
    assert all(not change.added and not change.dropped for change in compare(days, days))


def test_no_papers_and_no_slots_are_told():
    with pytest.raises(DigestError, match="pick up pages first"):
        TimeMachine([])
    with pytest.raises(DigestError, match="no slot"):
        TimeMachine(a_week()).replay(
            replace(about("folding"), cadence=Cadence("month", time(7, 30))), since=MONDAY, until=MONDAY
        )


@pytest.mark.parametrize(
    ("since", "until", "told"),
    [
        (MONDAY, MONDAY - timedelta(days=1), "is after"),
        (date.min, MONDAY, "at most ten years"),
        (MONDAY, date.max, "at most ten years"),
        (date.max, date.max, "at most ten years"),
    ],
)
def test_days_the_wrong_way_round_or_without_end_are_refused(since, until, told):
    with pytest.raises(DigestError, match=told):
        TimeMachine(a_week()).replay(about("folding"), since=since, until=until)
