"""Why a paper comes or stays out: one sentence, with the figure that decided."""

import re
from datetime import timedelta

import pytest

from digest.desk import Limits
from digest.explain import _parts, explain
from digest.model import Interest, Reason, ReasonKind, Score
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


def test_a_paper_that_comes_for_another_reason_than_its_match_is_told_so(store, three):
    liked = [a_paper(number, title=f"Storms over Sea {number}", upvotes=90 - number) for number in (20, 21)]
    record(store, *liked, a_paper(30, title="Ice", authors=("Ada Example",)), at=NOW - HOUR)
    subscribe(store, a_profile(wildcard=True, trending=0.6, follow_authors=("Ada Example",), max_papers=6))
    said = {verdict(store, paper).partition("papers, ")[2] for paper in (*three, *liked, a_paper(30))}
    assert {"as the one from outside the profile", "as one that many like"} <= said
    assert "since the profile follows who wrote it" in said


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
        r"its match is ([\d.]+), and only one above ([\d.]+) lets a paper in; its upvotes bring 0.000, and a popular"
        r" paper needs 0.100",
        verdict(store, three[2]),
    )
    assert found
    assert float(found[1]) <= float(found[2])


WISHES = (
    Interest(("speculative decoding", "draft model"), 2.0),
    Interest(("token routing",)),
    Interest(("storms",), -1.0),
)


@pytest.mark.parametrize("interests", [a_profile().interests, WISHES, ()])
@pytest.mark.parametrize(
    "title", ["Drafts for Decoding", "Token Routing in Storms", "A Model of Speculation"]
)
def test_the_parts_add_up_to_the_score_and_to_the_match_that_decides(store, three, title, interests):
    other = a_paper(7, title=title, upvotes=30)
    record(store, other, at=NOW - HOUR)
    subscribe(store, plain(interests=interests))
    for paper in (*three, other):
        found = explain(store, "reader@example.org", paper.id, limits=Limits(), now=NOW)
        assert found.score
        assert sum(part.score for part in found.parts) == pytest.approx(found.score.value, abs=1e-6)
        assert sum(part.match for part in found.parts) == pytest.approx(found.match, abs=1e-6)


def test_what_is_near_counts_half_for_the_match_and_what_others_like_nothing():
    kinds = {"keyword": 0.4, "author": 0.1, "related": 0.2, "whole": 0.3, "trending": 0.1, "recent": 0.02}
    score = Score("a", 1.12, tuple(Reason(ReasonKind(kind), "", worth) for kind, worth in kinds.items()))
    parts = {part.reason.kind: part for part in _parts(score, 0.65)}
    assert {kind: part.score for kind, part in parts.items()} == kinds
    matches = {kind: round(part.match, 9) for kind, part in parts.items()}
    assert matches == {
        "keyword": 0.4,
        "author": 0.1,
        "related": 0.1,
        "whole": 0.05,
        "trending": 0,
        "recent": 0,
    }


def test_the_sentence_and_the_column_say_the_same_match(store, three):
    subscribe(store, plain())
    found = explain(store, "reader@example.org", three[2].id, limits=Limits(), now=NOW)
    assert f"its match is {found.match:.3f}," in found.verdict


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
