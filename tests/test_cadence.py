"""Which Issue is due: one a matching local date, whatever clocks and zones do."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from digest.cadence import due_issue, in_words, lookback, next_issue
from digest.model import Cadence

ZONES = [
    "UTC", "Europe/London", "Europe/Berlin", "America/New_York", "America/Sao_Paulo", "Asia/Kolkata", "Asia/Kathmandu",
    "Australia/Lord_Howe", "Pacific/Apia", "Pacific/Kiritimati", "America/St_Johns", "Africa/Casablanca", "Asia/Tehran",
    "Antarctica/Troll", "America/Santiago",
]  # fmt: skip
DAILY = Cadence("day", time(7, 30))


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def test_a_laptop_asleep_at_the_hour_sends_when_it_wakes_up():
    issue = due_issue(DAILY, "UTC", at("2026-03-02T09:10"))
    assert issue is not None
    assert (issue.key, issue.due_at) == ("2026-03-02/day", at("2026-03-02T07:30"))


def test_before_the_first_hour_nothing_is_due_once_yesterdays_slot_is_stale():
    assert due_issue(DAILY, "UTC", at("2026-03-02T07:29")) is None


def test_a_laptop_asleep_for_half_a_day_waits_for_the_next_slot():
    assert due_issue(DAILY, "UTC", at("2026-03-02T19:31")) is None


def test_the_hour_is_the_readers_own():
    issue = due_issue(DAILY, "Asia/Tokyo", at("2026-03-01T22:30"))
    assert issue is not None
    assert issue.on == date(2026, 3, 2)


@pytest.mark.parametrize(
    ("cadence", "now", "key"),
    [
        (Cadence("weekday", time(7, 30)), "2026-03-02T08:00", "2026-03-02/weekday"),
        (Cadence("weekday", time(7, 30)), "2026-03-01T08:00", None),
        (Cadence("week", time(7, 30), ("fri",)), "2026-03-06T08:00", "2026-03-06/week"),
        (Cadence("week", time(7, 30), ("fri",)), "2026-03-08T08:00", "2026-03-06/week"),
        (Cadence("week", time(7, 30)), "2026-03-02T08:00", "2026-03-02/week"),
        (Cadence("days", time(7, 30), ("mon", "thu")), "2026-03-05T08:00", "2026-03-05/days"),
        (Cadence("days", time(7, 30), ("mon", "thu")), "2026-03-06T08:00", None),
        (Cadence("month", time(7, 30)), "2026-03-03T08:00", "2026-03-01/month"),
        (Cadence("month", time(7, 30)), "2026-03-20T08:00", None),
    ],
)
def test_each_cadence_has_its_days(cadence, now, key):
    issue = due_issue(cadence, "UTC", at(now))
    assert (issue and issue.key) == key


def test_an_hour_that_happens_twice_makes_one_issue():
    cadence = Cadence("day", time(2, 30))  # 2026-10-25: 02:30 comes at 00:30 and again at 01:30 UTC
    keys = {due_issue(cadence, "Europe/Berlin", at(f"2026-10-25T0{hour}:45")) for hour in (0, 1, 2)}
    assert {issue.key for issue in keys if issue} == {"2026-10-25/day"}


def test_an_hour_that_never_happens_moves_forward_by_the_gap():
    issue = due_issue(Cadence("day", time(2, 30)), "Europe/Berlin", at("2026-03-29T06:00"))
    assert issue is not None
    assert issue.due_at == at("2026-03-29T01:30")  # 03:30 summer time


@pytest.mark.parametrize("zone", ZONES)
def test_every_local_date_of_a_year_has_exactly_one_issue(zone):
    for hour in (0, 2, 7, 23):
        cadence = Cadence("day", time(hour, 30))
        moment, seen = at("2026-01-01T00:00"), []
        while moment < at("2027-01-01T00:00"):
            issue = next_issue(cadence, zone, moment)
            seen.append(issue.on)
            assert issue.due_at > moment
            moment = issue.due_at
        assert seen == [seen[0] + timedelta(days=n) for n in range(len(seen))]


@settings(max_examples=200)
@given(
    zone=st.sampled_from(ZONES),
    cadence=st.builds(
        Cadence,
        st.sampled_from(["day", "weekday", "week", "month", "days"]),
        st.times(),
        st.lists(st.sampled_from(["mon", "wed", "sun"]), max_size=1).map(tuple),
    ),
    now=st.datetimes(
        at("2020-01-01T00:00").replace(tzinfo=None), at("2035-01-01T00:00").replace(tzinfo=None)
    ).map(lambda moment: moment.replace(tzinfo=UTC)),
)
def test_the_due_issue_lies_behind_and_the_next_one_ahead(zone, cadence, now):
    due, following = due_issue(cadence, zone, now), next_issue(cadence, zone, now)
    assert following.due_at > now
    assert due is None or (due.due_at <= now and due.on < following.on)


def test_a_slot_is_told_in_the_readers_own_time():
    issue = due_issue(DAILY, "Europe/London", at("2026-07-01T07:00"))
    assert issue is not None
    assert in_words(issue, "Europe/London") == "Wed 1 Jul 07:30 Europe/London"
    assert issue.due_at.astimezone(ZoneInfo("Europe/London")).time() == time(7, 30)


def test_a_weekly_digest_looks_back_over_its_week():
    assert lookback(Cadence("week"), timedelta(days=3)) == timedelta(days=9)
    assert lookback(Cadence("day"), timedelta(days=3)) == timedelta(days=3)
