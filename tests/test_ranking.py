"""The scorer as its callers see it."""

import math
from dataclasses import replace
from datetime import date
from functools import cache
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from digest.model import Interest, Profile, ReasonKind
from digest.ranking import PaperRanker, interest_in
from tests.builders import NOW, a_paper, a_profile

WORDS = ["token", "draft", "model", "cache", "robot", "grasp", "protein", "codec", "audio", "survey"]


def some_papers(seed=0, count=30):
    random = Random(seed)
    return [
        a_paper(
            number,
            title=" ".join(random.choices(WORDS, k=4)),
            abstract=" ".join(random.choices(WORDS, k=25)),
            upvotes=random.choice([None, 0, 1, 7, 90]),
            comments=random.choice([None, 0, 1, 5]),
        )
        for number in range(count)
    ]


@cache
def fitted(papers):
    return PaperRanker().fit(papers)


def ranked(profile, papers, **options):
    in_order = tuple(sorted(papers, key=lambda paper: paper.id))
    return fitted(in_order).rank(profile, papers, now=NOW, **options)


def ids(scores):
    return [score.paper_id for score in scores]


words = st.sampled_from([*WORDS, "co*", "draft model", "neural codec", "", "*", "语音", "the"])
interests = st.lists(
    st.builds(Interest, st.lists(words, max_size=3).map(tuple), st.floats(-3, 3)), max_size=3
).map(tuple)
profiles = st.builds(
    a_profile,
    interests=interests,
    mute=st.lists(words, max_size=2).map(tuple),
    trending=st.floats(0, 1),
    follow_authors=st.sampled_from([(), ("Ada Example",)]),
)


def test_a_paper_about_the_keyword_comes_first():
    papers = [*some_papers(), a_paper(99, title="Speculative Decoding with a Draft Model", upvotes=0)]
    assert ids(ranked(a_profile(trending=0.0), papers))[0] == papers[-1].id


def test_a_perfect_match_of_the_strongest_keyword_is_worth_about_one():
    papers = [
        *some_papers(),
        a_paper(98, title="Speculative Decoding", abstract="Speculative decoding. " * 3),
    ]
    best = ranked(a_profile(trending=0.0, interests=(Interest(("speculative decoding",)),)), papers)[0]
    assert best.paper_id == papers[-1].id
    assert best.value == pytest.approx(1, abs=0.15)


def test_a_reason_names_the_keyword_as_the_reader_typed_it():
    papers = [*some_papers(), a_paper(99, title="Fine-tuned KV caches")]
    best = ranked(a_profile(trending=0.0, interests=(Interest(("KV-Caches",)),)), papers)[0]
    assert (best.why[0].kind, best.why[0].term) == (ReasonKind.KEYWORD, "KV-Caches")


def test_a_phrase_beats_its_words_apart():
    together = a_paper(1, title="A draft model for tokens", abstract="")
    apart = a_paper(2, title="A model of the draft tokens", abstract="")
    scores = ranked(a_profile(trending=0.0, interests=(Interest(("draft model",)),)), [apart, together])
    assert ids(scores) == [together.id, apart.id]


def test_part_of_a_keyword_is_not_called_a_match():
    papers = [a_paper(1, title="The model", abstract=""), a_paper(2, title="A draft model", abstract="")]
    scores = ranked(a_profile(trending=0.0, interests=(Interest(("draft model",)),)), papers)
    kinds = {score.paper_id: {reason.kind for reason in score.why} for score in scores}
    assert kinds[papers[1].id] == {ReasonKind.KEYWORD}
    assert ReasonKind.KEYWORD not in kinds[papers[0].id]


@pytest.mark.parametrize("typed", ["codec*", "Codec*", "neural codec*"])
def test_a_star_stands_for_the_rest_of_a_word(typed):
    papers = [*some_papers(), a_paper(99, title="Neural codecs reconsidered")]
    best = ranked(a_profile(trending=0.0, interests=(Interest((typed,)),)), papers)[0]
    assert ReasonKind.KEYWORD in {reason.kind for reason in best.why}


@pytest.mark.parametrize("typed", ["a*", "robot a*"])
def test_many_words_that_begin_alike_are_one_match(typed):
    abstract = "Robot " + " ".join(f"a{letter}bot a{letter}{letter}cus" for letter in "bcdfghklmnprst")
    papers = [*some_papers(), a_paper(99, title="Robot arms", abstract=abstract)]
    scores = ranked(a_profile(trending=0.0, interests=(Interest((typed,)),)), papers)
    [value] = [score.value for score in scores if score.paper_id == papers[-1].id]
    assert 0.1 < value < 1.5


def test_a_heavier_interest_comes_before_a_lighter_one():
    robot, audio = a_paper(1, title="Robot"), a_paper(2, title="Audio")
    for heavy, light, first in (("robot", "audio", robot), ("audio", "robot", audio)):
        wish = (Interest((heavy,), 2.0), Interest((light,), 1.0))
        assert ids(ranked(a_profile(interests=wish), [robot, audio]))[0] == first.id


def test_less_of_this_pushes_a_paper_down_and_says_so():
    papers = [a_paper(1, title="Robot survey", abstract=""), a_paper(2, title="Robot grasp", abstract="")]
    wish = (Interest(("robot",)), Interest(("survey",), -1.0))
    scores = ranked(a_profile(trending=0.0, interests=wish), papers)
    assert ids(scores) == [papers[1].id, papers[0].id]
    assert any(reason.term == "survey" and reason.contribution < 0 for reason in scores[1].why)


@pytest.mark.parametrize(
    ("mute", "title", "is_out"),
    [
        ("survey", "A survey of robots", True),
        ("survey", "Surveys of robots", True),
        ("survey", "Surveying robots", False),
        ("organ", "The organization of robots", False),
        ("survey*", "Surveying robots", True),
        ("fine-tuning", "Finetuning robots", True),
        ("finetuning", "Fine tuning robots", True),
        ("robot arm", "The arm of a robot", False),
        ("robot arm", "Robot arms", True),
        ("llm arena*", "LLM arenas", True),
        ("art", "State of the artistry", False),
        ("", "Anything", False),
        ("*", "Anything", False),
    ],
)
def test_a_muted_word_keeps_a_paper_out(mute, title, is_out):
    papers = [a_paper(1, title=title, upvotes=100), a_paper(2, title="Another matter")]
    ranking = PaperRanker().fit(papers).rank_many([a_profile(mute=(mute,))], papers, now=NOW)[0]
    assert ranking.muted == int(is_out)
    assert (papers[0].id in ids(ranking.scores)) is not is_out


def test_followed_names_lift_their_papers_whatever_the_accents():
    papers = [*some_papers(), a_paper(99, authors=("Zoë Example",), organization="Kyutai Labs")]
    profile = a_profile(interests=(), follow_authors=("Zoe example",), follow_organizations=("kyutai-labs",))
    best = ranked(profile, papers)[0]
    assert best.paper_id == papers[-1].id
    assert {reason.term for reason in best.why if interest_in(best)} >= {"Zoe example", "kyutai-labs"}


def test_an_empty_profile_is_ranked_by_what_is_trending():
    papers = [a_paper(1, upvotes=3), a_paper(2, upvotes=80), a_paper(3, upvotes=20)]
    scores = ranked(a_profile(interests=(), trending=0.0), papers)
    assert ids(scores) == [papers[1].id, papers[2].id, papers[0].id]
    assert all(interest_in(score) == 0 for score in scores)


def test_trending_one_is_the_community_and_zero_is_the_reader():
    mine = a_paper(1, title="Speculative decoding", upvotes=0)
    theirs = a_paper(2, title="Robots", upvotes=200)
    assert ids(ranked(a_profile(trending=1.0), [mine, theirs]))[0] == theirs.id
    assert ids(ranked(a_profile(trending=0.0), [mine, theirs]))[0] == mine.id


def test_old_news_fades():
    new, old = a_paper(2, upvotes=20), a_paper(1, upvotes=20, published_on=date(2025, 12, 1))
    assert ids(ranked(a_profile(interests=()), [old, new])) == [new.id, old.id]


def test_equal_papers_are_sorted_by_id():
    papers = [a_paper(n, title="Same", abstract="same", upvotes=1) for n in (3, 1, 2)]
    assert ids(ranked(a_profile(), papers)) == sorted(paper.id for paper in papers)
    assert ids(ranked(a_profile(), papers, limit=2)) == sorted(paper.id for paper in papers)[:2]


def test_a_paper_the_corpus_does_not_know_is_ranked_as_well():
    ranker = PaperRanker().fit(some_papers())
    new = a_paper(500, title="Quokka husbandry with a zylophone")
    wish = a_profile(trending=0.0, interests=(Interest(("quokka", "robot")),))
    assert ids(ranker.rank(wish, [*some_papers(), new], now=NOW))[0] == new.id


def test_a_paper_whose_text_has_changed_is_read_again():
    ranker = PaperRanker().fit(some_papers())
    changed = replace(some_papers()[3], title="Zylophone")
    wish = a_profile(trending=0.0, interests=(Interest(("zylophone",)),))
    assert ids(ranker.rank(wish, [*some_papers(seed=1)[10:], changed], now=NOW))[0] == changed.id


@pytest.mark.parametrize(
    "corpus", [[], [a_paper(1, title="One", abstract=None)], [a_paper(1, title="", abstract="")]]
)
def test_a_corpus_of_nothing_still_ranks(corpus):
    ranker = PaperRanker().fit(corpus)
    papers = [a_paper(2, title="Robots"), a_paper(3, title="Speculative decoding")]
    assert ids(ranker.rank(a_profile(trending=0.0), papers, now=NOW))[0] == papers[1].id
    assert ranker.rank(a_profile(), [], now=NOW) == []


@pytest.mark.parametrize(
    "text",
    [
        "",
        "one",
        "词语 模型 语音识别",
        "نموذج اللغة",
        "🤖 🤖",
        "x" * 1_000_000,
        "word " * 200_000,
        "$\\alpha$ <b>",
        "\x00",
    ],
    ids=["empty", "one word", "chinese", "arabic", "emoji", "1 MB word", "1 MB text", "markup", "nul"],
)
def test_any_text_can_be_ranked(text):
    papers = [*some_papers(count=5), a_paper(77, title=text, abstract=text)]
    scores = ranked(a_profile(interests=(Interest((text[:50], "robot")),)), papers)
    assert len(scores) == len(papers)
    assert all(math.isfinite(score.value) for score in scores)


def test_chinese_phrases_match():
    papers = [*some_papers(), a_paper(99, title="端到端语音识别模型")]
    assert (
        ids(ranked(a_profile(trending=0.0, interests=(Interest(("语音识别",)),)), papers))[0] == papers[-1].id
    )


@pytest.mark.parametrize("odd", [math.nan, math.inf, -math.inf, 1e300])
def test_no_number_however_odd_comes_through(odd):
    papers = [replace(p, upvotes=10**400, comments=-5) if n % 2 else p for n, p in enumerate(some_papers())]
    profile = a_profile(trending=odd, interests=(Interest(("robot",), odd), Interest(("audio",), 1.0)))
    scores = ranked(profile, papers)
    assert all(math.isfinite(score.value) for score in scores)


@given(profile=profiles, seed=st.integers(0, 5))
@settings(deadline=None, max_examples=60)
def test_the_parts_of_a_score_add_up_to_it(profile, seed):
    for score in ranked(profile, some_papers(seed)):
        assert sum(reason.contribution for reason in score.why) == pytest.approx(score.value, abs=1e-9)
        told = [reason for reason in score.why if reason.contribution]
        # What adds nothing is told only where nothing else can be.
        assert list(score.why) == told or (not told and [r.kind for r in score.why] == [ReasonKind.TRENDING])
        assert math.isfinite(score.value)


@given(profile=profiles, random=st.randoms(use_true_random=False))
@settings(deadline=None, max_examples=30)
def test_the_order_of_the_input_never_matters(profile, random):
    papers = some_papers()
    shuffled = random.sample(papers, len(papers))
    assert ranked(profile, papers) == ranked(profile, shuffled)


@given(
    weights=st.tuples(st.floats(0.1, 5), st.floats(0.1, 5)), raised=st.floats(1, 4), seed=st.integers(0, 9)
)
@settings(deadline=None, max_examples=60)
def test_raising_a_weight_never_lowers_a_matching_paper_below_another(weights, raised, seed):
    papers = some_papers(seed)
    ranker = PaperRanker().fit(papers)

    def order(weight):
        wish = (Interest(("robot",), weight), Interest(("audio", "draft model"), weights[1]))
        return ids(ranker.rank(a_profile(trending=0.0, interests=wish), papers, now=NOW))

    before, after = order(weights[0]), order(weights[0] * raised)
    matching = [paper.id for paper in papers if "robot" in f"{paper.title} {paper.abstract}"]
    others = {paper.id for paper in papers} - set(matching)
    for one in matching:
        beaten_before = others & set(before[before.index(one) :])
        assert beaten_before <= set(after[after.index(one) :])


@given(profile=profiles, word=words)
@settings(deadline=None, max_examples=40)
def test_one_more_muted_word_never_adds_a_paper(profile, word):
    papers = some_papers()
    more = replace(profile, mute=(*profile.mute, word))
    assert set(ids(ranked(more, papers))) <= set(ids(ranked(profile, papers)))


@given(everyone=st.lists(profiles, min_size=1, max_size=8))
@settings(deadline=None, max_examples=30)
def test_asking_for_many_readers_at_once_gives_the_same_bits(everyone):
    papers = some_papers()
    ranker = PaperRanker().fit(papers[:20])
    together = ranker.rank_many(everyone, papers, now=NOW, limit=7)
    alone = [ranker.rank(profile, papers, now=NOW, limit=7) for profile in everyone]
    assert [list(ranking.scores) for ranking in together] == alone


def test_readers_beyond_one_chunk_get_the_same_bits():
    papers = some_papers()
    ranker = PaperRanker().fit(papers)
    random = Random(3)
    everyone: list[Profile] = [
        a_profile(
            email=f"r{n}@example.org", interests=(Interest(tuple(random.sample(WORDS, 3)), random.random()),)
        )
        for n in range(600)
    ]
    rankings = ranker.rank_many(everyone, papers, now=NOW, limit=5)
    for number in (0, 255, 256, 511, 599):
        assert list(rankings[number].scores) == ranker.rank(everyone[number], papers, now=NOW, limit=5)


def test_the_parameters_are_stored_untouched():
    ranker = PaperRanker(k1=2.5)
    assert ranker.get_params()["k1"] == 2.5
    assert "k1=2.5" in repr(ranker)


def test_ranking_before_fitting_is_a_clear_error():
    with pytest.raises(Exception, match="not fitted"):
        PaperRanker().rank(a_profile(), [], now=NOW)
