"""What votes do to a ranking, and what nearness may not."""

from datetime import timedelta
from random import Random

import pytest

from digest.model import Interest, ReasonKind
from digest.ranking import PaperRanker, Taste, Vote
from digest.ranking.counter import Counter
from tests.builders import NOW, a_paper, a_profile

SUBJECTS = {
    "robots": ["robot", "grasp", "arm", "gripper", "manipulation", "tactile", "contact", "object"],
    "speech": ["speech", "codec", "audio", "phoneme", "speaker", "voice", "acoustic", "prosody"],
    "proteins": ["protein", "folding", "residue", "structure", "ligand", "binding", "enzyme", "sequence"],
    "decoding": ["token", "draft", "speculative", "decoding", "cache", "latency", "verifier", "throughput"],
}
FILLER = ["method", "result", "task", "system", "study", "approach", "evaluation", "training"]


def papers_on(subject, count, *, start=0, seed=0, **fields):
    random = Random(f"{subject}{seed}")
    words = SUBJECTS[subject]
    return [
        a_paper(
            start + number,
            title=" ".join(random.sample(words, 3)),
            abstract=" ".join(random.choices(words, k=12) + random.choices(FILLER, k=20)),
            upvotes=0,
            **fields,
        )
        for number in range(count)
    ]


CORPUS = [
    paper for place, subject in enumerate(SUBJECTS) for paper in papers_on(subject, 25, start=1_000 * place)
]
RANKER = PaperRanker().fit(CORPUS)
TODAY = [
    paper
    for place, subject in enumerate(SUBJECTS)
    for paper in papers_on(subject, 5, start=10_000 + 1_000 * place, seed=1)
]
ROBOTS = [paper.id for paper in TODAY[:5]]
SPEECH = [paper.id for paper in TODAY[5:10]]
LIKED_SPEECH = CORPUS[25:50]


def order(profile, taste=None, now=NOW):
    return [score.paper_id for score in RANKER.rank(profile, TODAY, now=now, taste=taste)]


def a_robot_reader(**fields):
    return a_profile(**({"interests": (Interest(("robot", "gripper")),), "trending": 0.0} | fields))


def test_papers_like_those_liked_come_first():
    no_keywords = a_profile(interests=(), trending=0.0)
    assert set(order(no_keywords, Taste.of(LIKED_SPEECH[:3]))[:5]) == set(SPEECH)


def test_a_reason_counts_the_liked_papers_it_resembles():
    scores = RANKER.rank(a_profile(interests=()), TODAY, now=NOW, taste=Taste.of(LIKED_SPEECH[:2]))
    taste = [reason for reason in scores[0].why if reason.kind is ReasonKind.TASTE]
    assert taste[0].term in {"like a paper you liked", "like two papers you liked"}
    assert taste[0].contribution > 0


def test_one_vote_moves_little_and_twenty_move_much():
    assert set(order(a_robot_reader(), Taste.of(LIKED_SPEECH[:1]))[:3]) <= set(ROBOTS)
    assert set(order(a_robot_reader(), Taste.of(LIKED_SPEECH[:20]))[:3]) <= set(SPEECH)


def test_a_disliked_paper_pushes_its_like_down_and_says_so():
    profile = a_profile(interests=(Interest(("speech", "robot")),), trending=0.0)
    taste = Taste.of(CORPUS[:3], LIKED_SPEECH[:3])
    scores = RANKER.rank(profile, TODAY, now=NOW, taste=taste)
    assert {score.paper_id for score in scores[:5]} == set(ROBOTS)
    terms = {reason.term for score in scores for reason in score.why if reason.contribution < 0}
    assert terms
    assert all(term.endswith("you disliked") for term in terms)


def test_dislikes_alone_do_not_silence_the_keywords():
    assert set(order(a_robot_reader(), Taste.of([], LIKED_SPEECH[:5]))[:5]) == set(ROBOTS)


def test_dislikes_alone_push_their_like_down():
    profile = a_profile(interests=(Interest(("speech", "robot")),), trending=0.0)
    scores = RANKER.rank(profile, TODAY, now=NOW, taste=Taste.of([], LIKED_SPEECH[:3]))
    before = {score.paper_id: score.value for score in RANKER.rank(profile, TODAY, now=NOW)}
    for score in scores:
        down = sum(reason.contribution for reason in score.why if reason.term.endswith("you disliked"))
        assert score.value == pytest.approx(before[score.paper_id] + down)
        assert (down < 0) == (score.paper_id in SPEECH)


def test_what_is_like_liked_and_disliked_papers_alike_is_not_pushed_down():
    scores = RANKER.rank(
        a_robot_reader(), TODAY, now=NOW, taste=Taste.of(LIKED_SPEECH[:5], LIKED_SPEECH[5:10])
    )
    values = {score.paper_id: score for score in scores}
    assert all(reason.contribution > -0.5 for one in SPEECH for reason in values[one].why)
    assert any(reason.term.endswith("you liked") for one in SPEECH for reason in values[one].why)


def test_votes_fade():
    def speech_value(age_in_days):
        votes = tuple(Vote(paper, NOW - timedelta(days=age_in_days)) for paper in LIKED_SPEECH[:4])
        scores = RANKER.rank(a_robot_reader(), TODAY, now=NOW, taste=Taste(votes))
        return max(score.value for score in scores if score.paper_id in SPEECH)

    assert speech_value(0) > speech_value(180) > speech_value(1_800) > 0


def test_papers_voted_for_need_not_be_in_the_corpus():
    strangers = papers_on("speech", 3, start=90_000, seed=7)
    assert set(order(a_profile(interests=(), trending=0.0), Taste.of(strangers))[:5]) == set(SPEECH)


def test_many_readers_with_votes_get_the_same_bits_as_one_by_one():
    readers = [a_robot_reader(), a_profile(), a_profile(interests=())]
    tastes = [Taste.of(LIKED_SPEECH[:3], CORPUS[:2]), None, Taste.of(CORPUS[60:64])]
    together = RANKER.rank_many(readers, TODAY, now=NOW, limit=None, tastes=tastes)
    alone = [
        RANKER.rank(reader, TODAY, now=NOW, taste=taste)
        for reader, taste in zip(readers, tastes, strict=True)
    ]
    assert [list(ranking.scores) for ranking in together] == alone


def test_the_parts_add_up_with_votes_too():
    scores = RANKER.rank(
        a_robot_reader(trending=0.4), TODAY, now=NOW, taste=Taste.of(LIKED_SPEECH[:3], CORPUS[70:75])
    )
    for score in scores:
        assert sum(reason.contribution for reason in score.why) == pytest.approx(score.value, abs=1e-9)


def test_as_many_tastes_as_profiles_are_wanted():
    with pytest.raises(ValueError, match="2 profiles, but 1 tastes"):
        RANKER.rank_many([a_profile(), a_profile()], TODAY, now=NOW, tastes=[None])


def test_an_empty_taste_changes_nothing():
    assert order(a_robot_reader(), Taste()) == order(a_robot_reader())


def test_a_paper_near_a_keyword_is_found_without_its_words():
    silent = a_paper(
        77, title="Gripper contact", abstract="A tactile arm in contact with an object. " * 2, upvotes=0
    )
    other = a_paper(76, title="Enzyme binding", abstract="A ligand binding to a residue. " * 2, upvotes=0)
    wish = a_profile(interests=(Interest(("robot",)),), trending=0.0)
    near, far = RANKER.rank(wish, [other, silent], now=NOW)
    assert near.paper_id == silent.id
    assert [reason.kind for reason in near.why] == [ReasonKind.RELATED]
    assert near.why[0].term.endswith("near your keyword robot")
    assert far.value == 0


@pytest.mark.parametrize("keyword", ["robot", "tactile contact", "speculative decoding", "phoneme"])
def test_a_paper_near_a_keyword_never_outranks_one_that_says_it(keyword):
    wish = a_profile(interests=(Interest((keyword,)),), trending=0.0)
    kinds = [{reason.kind for reason in score.why} for score in RANKER.rank(wish, CORPUS, now=NOW)]
    says_it = [ReasonKind.KEYWORD in found for found in kinds]
    assert says_it == sorted(says_it, reverse=True)
    assert any(says_it)


def test_an_unwanted_keyword_takes_nothing_from_papers_that_are_only_near_it():
    wish = a_profile(interests=(Interest(("protein",)), Interest(("robot",), -1.0)), trending=0.0)
    for score in RANKER.rank(wish, TODAY, now=NOW):
        negative = [reason for reason in score.why if reason.contribution < 0]
        assert all(reason.kind is ReasonKind.KEYWORD for reason in negative)


@pytest.mark.parametrize("size", [1, 2, 7, 1_000])
def test_the_size_of_a_chunk_never_changes_a_bit(size, monkeypatch):
    random = Random(4)
    words = [word for subject in SUBJECTS.values() for word in subject]
    readers = [
        a_profile(interests=(Interest(tuple(random.sample(words, 4)), random.choice([-1.0, 1.0, 2.0])),))
        for _ in range(20)
    ]
    tastes = [Taste.of(random.sample(CORPUS, 3), random.sample(CORPUS, 2)) for _ in readers]
    expected = RANKER.rank_many(readers, TODAY, now=NOW, limit=7, tastes=tastes)
    monkeypatch.setattr(Counter, "rows_at_once", size)
    assert RANKER.rank_many(readers, TODAY, now=NOW, limit=7, tastes=tastes) == expected
    halves = [
        RANKER.rank_many(readers[s], TODAY, now=NOW, limit=7, tastes=tastes[s])
        for s in (slice(9), slice(9, 20))
    ]
    assert halves[0] + halves[1] == expected


def test_a_second_fit_gives_the_same_bits():
    again = PaperRanker().fit(Random(1).sample(CORPUS, len(CORPUS)))
    profile = a_robot_reader()
    assert again.rank(profile, TODAY, now=NOW) == RANKER.rank(profile, TODAY, now=NOW)


def test_a_ranker_asked_before_gives_the_same_bits():
    fresh = PaperRanker().fit(CORPUS)
    profile = a_profile(interests=(Interest(("robot", "codec", "draft model")),))
    fresh.rank(a_profile(interests=(Interest(("protein", "robot")),)), TODAY, now=NOW)
    assert fresh.rank(profile, TODAY, now=NOW) == PaperRanker().fit(CORPUS).rank(profile, TODAY, now=NOW)
