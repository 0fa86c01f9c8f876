"""Why a paper comes or stays out: one sentence, with the figure that decided."""

import re
from datetime import timedelta

import pytest

from digest.desk import Limits
from digest.explain import explain
from tests.builders import NOW, a_paper, a_profile, record, subscribe
from tests.test_publish import decoding, go

HOUR = timedelta(hours=1)


def verdict(store, paper, *, now=NOW):
    return explain(store, "reader@example.org", paper.id, limits=Limits(), now=now).verdict


@pytest.fixture
def three(store):
    """Two papers that fit and one that does not."""
    papers = [decoding(1), decoding(2), a_paper(9, title="Storms over the Ocean")]
    record(store, *papers, at=NOW - HOUR)
    return papers


def plain(**fields):
    return a_profile(wildcard=False, **fields)


def test_a_paper_that_comes_is_said_to_come(store, three):
    subscribe(store, plain())
    assert verdict(store, three[0]) == "it is in the digest that would be made now, of 2 papers"


def test_places_that_are_taken_are_told_with_the_last_score(store, three):
    subscribe(store, plain(max_papers=1))
    said = {verdict(store, paper) for paper in three[:2]}
    assert "it is in the digest that would be made now, of 1 paper" in said
    [other] = said - {"it is in the digest that would be made now, of 1 paper"}
    found = re.fullmatch(
        r"the one place is taken: the last of them by a paper with a score of (.+), and this one has (.+)",
        other,
    )
    assert found, other
    assert float(found[1]) >= float(found[2])


def test_what_fits_too_little_is_told_with_the_least_that_counts(store, three):
    subscribe(store, plain())
    found = re.fullmatch(
        r"it fits the profile by ([\d.]+), and only more than ([\d.]+) counts as a match; its upvotes bring 0.000, and"
        r" a popular paper needs 0.100",
        verdict(store, three[2]),
    )
    assert found
    assert float(found[1]) <= float(found[2])


def test_a_muted_paper_is_told_with_the_word(store, three):
    subscribe(store, plain(mute=("survey", "storms")))
    assert verdict(store, three[2]) == 'it never comes: the profile mutes "storms", which is in it'


def test_a_paper_that_came_is_told_with_the_day(store, three):
    subscribe(store, plain())
    go(store)
    assert verdict(store, three[0]) == "it came with the digest of 2026-03-02, and a paper comes once"


@pytest.mark.parametrize(("cadence", "days", "since"), [("day", 7, "2026-03-05"), ("week", 9, "2026-03-03")])
def test_a_paper_that_is_too_old_is_told_with_the_window_of_the_cadence(store, three, cadence, days, since):
    subscribe(store, plain(cadence=a_profile().cadence.__class__(cadence)))
    said = verdict(store, three[0], now=NOW + timedelta(days=10))
    assert said == f"it was last on a page of 2026-03-02, and a digest looks back {days} days, to {since}"


def test_without_interests_the_votes_decide(store, three):
    subscribe(store, plain(interests=()))
    assert verdict(store, three[2]) == "the profile names no interest, and nobody has liked this paper yet"
