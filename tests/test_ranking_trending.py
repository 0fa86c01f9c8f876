"""What the community likes."""

import gzip
import json
import math
from datetime import UTC, date, datetime, timedelta
from statistics import median

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.model import ReasonKind
from digest.ranking import PaperRanker, Sighting
from digest.ranking.trending import TrendScale, trend_term, votes
from tests.builders import NOW, a_paper, a_profile


def liked(now=NOW, scale=None, sighting=None, **fields):
    paper = a_paper(1, **fields)
    seen = {paper.id: sighting} if sighting else None
    return float((scale or TrendScale()).measure([paper], now, seen).liked[0])


@given(fewer=st.integers(0, 5_000), more=st.integers(1, 5_000))
def test_more_upvotes_never_count_less(fewer, more):
    assert liked(upvotes=fewer + more) > liked(upvotes=fewer)


def test_comments_count_but_not_the_first():
    assert liked(upvotes=5, comments=1) == liked(upvotes=5, comments=0)
    assert liked(upvotes=5, comments=4) > liked(upvotes=5, comments=1)


def test_what_one_paper_in_twenty_reaches_counts_one():
    papers = [a_paper(n, upvotes=n) for n in range(101)]
    scale = TrendScale.learn(papers)
    assert scale.reference == 95
    assert liked(upvotes=95, scale=scale, published_on=NOW.date()) == pytest.approx(1)


def test_a_corpus_without_votes_takes_the_usual_measure():
    assert TrendScale.learn([a_paper(n) for n in range(50)]) == TrendScale()


def test_a_week_halves_it():
    young = liked(upvotes=30, published_on=NOW.date())
    assert liked(upvotes=30, published_on=NOW.date() - timedelta(days=7)) == pytest.approx(young / 2)


@pytest.mark.parametrize("day", [None, date(2099, 1, 1), date(1, 1, 1)])
def test_odd_dates_do_no_harm(day):
    assert 0 <= liked(upvotes=30, published_on=day) <= liked(upvotes=30, published_on=NOW.date())


def test_votes_counted_early_are_worth_more():
    early = Sighting(NOW - timedelta(hours=2), NOW)
    late = Sighting(NOW - timedelta(hours=30), NOW)
    assert liked(upvotes=4, sighting=early) > liked(upvotes=4, sighting=late) == liked(upvotes=4)
    upside_down = Sighting(NOW, NOW - timedelta(hours=2))
    assert math.isfinite(liked(upvotes=4, sighting=upside_down))


def test_sightings_reach_the_ranking():
    early, late = a_paper(2, upvotes=6), a_paper(1, upvotes=6)
    sightings = {early.id: Sighting(NOW - timedelta(hours=2), NOW)}
    ranker = PaperRanker().fit([early, late])
    best = ranker.rank(a_profile(interests=()), [early, late], now=NOW, sightings=sightings)[0]
    assert best.paper_id == early.id


def test_no_number_of_votes_lifts_a_muted_paper():
    papers = [a_paper(1, title="A survey", upvotes=10**9), a_paper(2)]
    scores = PaperRanker().fit(papers).rank(a_profile(mute=("survey",), trending=1.0), papers, now=NOW)
    assert [score.paper_id for score in scores] == [papers[1].id]


def test_where_nothing_is_asked_for_the_crowd_decides():
    papers = [a_paper(1, upvotes=50), a_paper(2, upvotes=0)]
    best = PaperRanker().fit(papers).rank(a_profile(interests=()), papers, now=NOW)[0]
    assert (best.paper_id, best.why[0].kind) == (papers[0].id, ReasonKind.TRENDING)


@pytest.mark.parametrize(
    ("upvotes", "comments", "said"),
    [
        (41, 0, "41 upvotes"),
        (1, 2, "1 upvote, 2 comments"),
        (0, 1, "1 comment"),
        (None, None, "few votes yet"),
    ],
)
def test_the_reason_says_the_votes(upvotes, comments, said):
    assert trend_term(a_paper(1, upvotes=upvotes, comments=comments)) == said


def test_nonsense_counts_as_none():
    assert votes(a_paper(1, upvotes=-5, comments=-1)) == 0
    assert math.isfinite(votes(a_paper(1, upvotes=10**400, comments=10**400)))


def test_early_counts_set_right_agree_with_late_ones(shared):
    """Over 1½ years of mornings: papers counted two to four hours after their listing against those of six to eight."""
    early, late = [], []
    with gzip.open(next((shared / "archive").glob("*.jsonl.gz")), "rt") as file:
        for line in map(json.loads, file):
            if line["submitted"] is None:
                continue
            listed_at = datetime.fromisoformat(line["submitted"])
            counted_at = datetime.combine(date.fromisoformat(line["day"]), NOW.time(), tzinfo=UTC)
            hours = (counted_at - listed_at).total_seconds() / 3600
            share = (
                liked(upvotes=line["upvotes"], sighting=Sighting(listed_at, counted_at)),
                liked(upvotes=line["upvotes"]),
            )
            early += [share] if 2 <= hours < 4 else []
            late += [share] if 6 <= hours < 8 else []
    with_sighting = median(s for s, _ in early) / median(s for s, _ in late)
    without = median(s for _, s in early) / median(s for _, s in late)
    assert abs(math.log(with_sighting)) < abs(math.log(without)) / 2
