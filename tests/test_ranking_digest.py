"""From a ranking to a digest: variety, the wildcard, the floor."""

import numpy as np
import pytest

from digest.mail.view import chips_of
from digest.model import Interest, Reason, ReasonKind, Score, Section
from digest.ranking.diversity import STRENGTH, vary
from digest.ranking.floor import ENOUGH, fit, learn_floors
from tests.builders import NOW, a_paper, a_profile
from tests.test_ranking_votes import RANKER, TODAY


def a_score(number, value, kind=ReasonKind.KEYWORD):
    return Score(a_paper(number).id, value, (Reason(kind, "robot", value),) if value else ())


def varied(scores, papers, *, strength=STRENGTH, limit=None):
    """One reader's scores in the order that `vary` gives."""
    place = {paper.id: number for number, paper in enumerate(papers)}
    places = np.array([[place[score.paper_id] for score in scores]], dtype=np.int64)
    repeats, rows = RANKER.lay_out(papers, now=NOW).repeats(places)
    values = np.array([[score.value for score in scores]])
    order = vary(values, repeats, rows, strength=strength, count=limit or len(scores))
    return [scores[column] for column in order[0]]


def test_a_paper_that_repeats_another_comes_later():
    twin = a_paper(1, title=TODAY[0].title, abstract=TODAY[0].abstract)
    papers = [TODAY[0], twin, TODAY[5]]
    scores = [Score(TODAY[0].id, 1.0), Score(twin.id, 0.9), Score(TODAY[5].id, 0.7)]
    assert [score.paper_id for score in varied(scores, papers)] == [
        TODAY[0].id,
        TODAY[5].id,
        twin.id,
    ]


def test_variety_keeps_every_score_as_it_is():
    scores = RANKER.rank(a_profile(), TODAY, now=NOW)
    new = varied(scores, TODAY)
    assert sorted(new, key=lambda score: score.paper_id) == sorted(scores, key=lambda score: score.paper_id)
    assert new[0] == scores[0]


def test_no_strength_no_change():
    scores = RANKER.rank(a_profile(), TODAY, now=NOW)
    assert varied(scores, TODAY, strength=0.0) == scores


def test_a_limit_chooses_so_many():
    scores = RANKER.rank(a_profile(), TODAY, now=NOW)
    assert len(varied(scores, TODAY, limit=3)) == 3


def outside(papers, profile):
    [ranking] = RANKER.rank_many([profile], papers, now=NOW)
    return [score.paper_id for score in ranking.outside]


def test_outside_the_profile_the_best_liked_paper_comes_first():
    mine = a_paper(1, title="Robot gripper", upvotes=90)
    liked, other = a_paper(2, title="Prosody", upvotes=40), a_paper(3, title="Enzyme", upvotes=10)
    assert outside([mine, other, liked], a_profile(interests=(Interest(("robot",)),))) == [liked.id, other.id]


def test_what_nobody_likes_is_not_worth_a_look_outside():
    papers = [a_paper(2, title="Prosody", upvotes=0), a_paper(3, title="Enzyme", upvotes=None)]
    assert outside(papers, a_profile(interests=(Interest(("robot",)),))) == []


def test_neither_muted_nor_unwanted_papers_stand_outside():
    papers = [a_paper(2, title="Prosody", upvotes=40), a_paper(3, title="Enzyme", upvotes=10)]
    muting = a_profile(interests=(Interest(("robot",)), Interest(("enzyme",), -1.0)), mute=("prosody",))
    assert outside(papers, muting) == []


def floor(*interests, days=10, max_papers=10):
    least, most = np.array([0.1]), np.array([max_papers])
    return float(learn_floors(np.array([interests]), least=least, days=days, max_papers=most)[0])


def test_a_floor_needs_some_days_to_be_learnt():
    assert floor(*[0.3] * 40, days=4) == 0.1
    assert floor(*[0.3] * 400, days=5) == 0.3


def test_the_floor_lets_an_average_day_half_fill_a_digest():
    days = [[0.01 * n for n in range(1, 40)] for _ in range(10)]
    least = floor(*[interest for day in days for interest in day])
    passed = [sum(interest > least for interest in day) for day in days]
    assert sum(passed) / len(passed) == pytest.approx(5, abs=1)


def test_poor_days_do_not_lower_the_floor_to_nothing_and_rich_days_hide_no_match():
    assert floor(*[0.01] * 500) == 0.1
    assert floor(*[2.0] * 500) == ENOUGH
    assert floor() == 0.1


def test_a_floor_is_one_readers_own():
    interests = np.array([[0.2] * 300, [0.4] * 300, [0.4] * 20 + [-np.inf] * 280])
    least, most = np.array([0.1, 0.1, 0.3]), np.array([10, 5, 10])
    floors = learn_floors(interests, least=least, days=10, max_papers=most)
    assert floors.tolist() == [0.2, 0.4, 0.3]


def test_saying_half_of_keywords_is_half_a_match_and_lying_in_their_direction_none():
    interest, partly, whole = (
        np.array([[1.0, 0.5, 0.5, -0.5]]),
        np.array([[0, 0.5, 0.1, 0]]),
        np.zeros((1, 4)),
    )
    assert fit(interest, partly=partly, whole=whole).tolist() == [[1.0, 0.25, 0.45, -0.5]]
    alone = fit(np.array([[0.4, 0.4]]), partly=np.zeros((1, 2)), whole=np.array([[0.4, 0.2]]))
    assert alone.tolist() == [[0.0, 0.4]]


@pytest.mark.parametrize("keyword", ["robot", "robo*"])
def test_the_one_from_outside_has_a_reason_whatever_the_dial_says(keyword):
    mine, liked = a_paper(1, title="Robot gripper", upvotes=90), a_paper(2, title="Prosody", upvotes=41)
    profile = a_profile(interests=(Interest((keyword,)),), trending=0.0)
    [ranking] = RANKER.rank_many([profile], [mine, liked], now=NOW, limit=1)
    [found] = ranking.outside
    assert (found.paper_id, found.value) == (liked.id, 0.0)
    assert found.why == (Reason(ReasonKind.TRENDING, "41 upvotes", 0.0),)
    assert chips_of(found.why, {}, Section.WILDCARD) == ("popular: 41 upvotes",)


def test_votes_that_count_for_nothing_are_no_reason_beside_one_that_counts():
    mine = a_paper(1, title="Robot gripper", upvotes=90)
    profile = a_profile(interests=(Interest(("robot",)),), trending=0.0)
    [score] = RANKER.rank(profile, [mine], now=NOW)
    assert ReasonKind.TRENDING not in [reason.kind for reason in score.why]


def test_a_ranking_brings_its_own_wildcards():
    mine = a_paper(1, title="Robot gripper", upvotes=90)
    liked, other = a_paper(2, title="Prosody", upvotes=40), a_paper(3, title="Enzyme", upvotes=10)
    muted, unwanted = a_paper(4, title="A survey", upvotes=99), a_paper(5, title="A codec", upvotes=99)
    profile = a_profile(interests=(Interest(("robot",)), Interest(("codec",), -1.0)), mute=("survey",))
    papers = [mine, liked, other, muted, unwanted]
    ranking = RANKER.rank_many([profile], papers, now=NOW, limit=1)[0]
    assert [score.paper_id for score in ranking.scores] == [mine.id]
    assert [score.paper_id for score in ranking.outside] == [liked.id, other.id]
    whole = {score.paper_id: score for score in RANKER.rank(profile, papers, now=NOW)}
    assert all(whole[score.paper_id] == score for score in ranking.outside)
