"""What a reader's keywords say about each other, and which parts of them are worth a word."""

from math import isclose
from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

from digest.model import Interest, ReasonKind
from digest.ranking import PaperRanker, Taste
from digest.ranking.harmony import coarse, harmony
from digest.ranking.meaning import unit_rows
from digest.ranking.related import Guide
from tests.benchmarks.ranking_needs import needs
from tests.builders import NOW, a_paper, a_profile

# `stream` means two things, and only the other words tell which.
SUBJECTS = {
    "rivers": ["stream", "sediment", "catchment", "runoff", "gauge", "flood", "bank", "delta"],
    "queues": ["stream", "broker", "partition", "consumer", "offset", "replica", "throughput", "lag"],
    "birds": ["song", "nest", "plumage", "migration", "fledgling", "wing", "flock", "egg"],
    "glass": ["annealing", "silica", "furnace", "melt", "fracture", "kiln", "tint", "viscosity"],
}
FILLER = ["method", "result", "task", "system", "study", "approach", "evaluation", "training"]


def papers_on(subject, count, *, start, words_each=12):
    random = Random(f"{subject}{start}")
    words = SUBJECTS[subject]
    return [
        a_paper(
            start + number,
            title=" ".join(random.sample(words[1:], 3)),
            abstract=" ".join(random.choices(words, k=words_each) + random.choices(FILLER, k=20)),
            upvotes=0,
        )
        for number in range(count)
    ]


CORPUS = [paper for place, name in enumerate(SUBJECTS) for paper in papers_on(name, 30, start=1_000 * place)]
RANKER = PaperRanker().fit(CORPUS)
RIVER = a_paper(9_001, title="Stream", abstract="Sediment of a catchment. " + "method result " * 8, upvotes=0)
QUEUE = a_paper(9_002, title="Stream", abstract="Partition of a broker. " + "method result " * 8, upvotes=0)


def wishing(*keywords, **fields):
    return a_profile(
        **({"interests": tuple(Interest((word,)) for word in keywords), "trending": 0.0} | fields)
    )


def why(profile, papers, **options):
    return {score.paper_id: score for score in RANKER.rank(profile, papers, now=NOW, **options)}


@pytest.mark.parametrize(
    ("others", "meant"),
    [(("runoff", "flood"), RIVER), (("consumer", "replica"), QUEUE)],
    ids=["water", "messages"],
)
def test_the_other_keywords_say_which_meaning_of_a_word_is_meant(others, meant):
    scores = RANKER.rank(wishing("stream", *others), [RIVER, QUEUE], now=NOW)
    assert scores[0].paper_id == meant.id
    as_a_whole = [reason for reason in scores[0].why if reason.kind is ReasonKind.WHOLE]
    assert [reason.term for reason in as_a_whole] == ["your keywords as a whole"]


def test_what_was_typed_is_told_before_what_fitting_it_all_adds():
    (best, *_) = RANKER.rank(wishing("stream", "runoff", "flood"), CORPUS, now=NOW)
    kinds = [reason.kind for reason in best.why]
    assert kinds[0] is ReasonKind.KEYWORD
    assert kinds[-1] is ReasonKind.WHOLE
    assert kinds.count(ReasonKind.WHOLE) == 1


def test_a_single_keyword_has_no_company_to_fit():
    for score in RANKER.rank(wishing("stream"), CORPUS, now=NOW):
        assert ReasonKind.WHOLE not in {reason.kind for reason in score.why}


def test_a_paper_that_meets_no_keyword_gains_nothing_from_all_of_them():
    scores = why(wishing("stream", "runoff", "flood"), CORPUS)
    alone = [score for score in scores.values() if {r.kind for r in score.why} == {ReasonKind.WHOLE}]
    assert alone == []


def test_unwanted_keywords_point_nowhere():
    some = why(wishing("stream", "runoff"), CORPUS)
    interests = (Interest(("stream",)), Interest(("runoff",)), Interest(("plumage",), -1.0))
    more = why(a_profile(interests=interests, trending=0.0), CORPUS)

    def whole(score):
        return sum(reason.contribution for reason in score.why if reason.kind is ReasonKind.WHOLE)

    assert all(isclose(whole(some[one]), whole(more[one])) for one in some)
    assert any(whole(score) > 0 for score in some.values())


def test_a_reason_is_given_once_and_all_reasons_add_up():
    profile = wishing("stream bank", "runoff gauge", "flood delta", "song of a nest")
    for score in RANKER.rank(profile, CORPUS, now=NOW, taste=Taste.of(liked=CORPUS[:3])):
        said = [(reason.kind, reason.term) for reason in score.why]
        assert len(said) == len(set(said))
        assert isclose(sum(reason.contribution for reason in score.why), score.value, abs_tol=1e-9)


def test_a_telling_word_of_a_keyword_is_named_and_a_common_one_is_not():
    common = a_paper(9_003, title="A method of its own", abstract="Nothing else is said.", upvotes=0)
    telling = a_paper(9_004, title="Zeolites of their own", abstract="Nothing else is said.", upvotes=0)
    ranker = PaperRanker().fit([*CORPUS, telling])
    scores = ranker.rank(wishing("zeolite method"), [common, telling], now=NOW)
    named = {score.paper_id: {(r.kind, r.term) for r in score.why} for score in scores}
    assert named[telling.id] == {(ReasonKind.RELATED, "zeolite, near your keyword zeolite method")}
    assert named[common.id] <= {(ReasonKind.WHOLE, "your keywords as a whole")}


def test_of_a_long_keyword_the_phrase_that_is_said_is_named():
    paper = a_paper(9_005, title="Loess plateau dust", abstract="Nothing else is said.", upvotes=0)
    ranker = PaperRanker().fit([*CORPUS, paper])
    (score,) = ranker.rank(wishing("loess plateau erosion"), [paper], now=NOW)
    assert [reason.term for reason in score.why] == ["loess plateau, near your keyword loess plateau erosion"]


@given(
    weight=st.floats(0.1, 5),
    others=st.floats(0.1, 5),
    raised=st.floats(1, 4),
    chosen=st.permutations(["stream", "runoff", "broker", "nest", "kiln", "silica", "flock"]),
)
@settings(deadline=None, max_examples=60)
def test_raising_a_weight_never_lowers_a_matching_paper_below_one_on_other_things(
    weight, others, raised, chosen
):
    first, *rest = chosen[:4]
    papers = {paper.id: f"{paper.title} {paper.abstract}".split() for paper in CORPUS}
    subject = {word for words in SUBJECTS.values() if first in words for word in words}
    says = {one for one, words in papers.items() if first in words}
    elsewhere = {one for one, words in papers.items() if not subject & set(words)}

    def order(heavier):
        interests = (Interest((first,), weight * heavier), Interest(tuple(rest), others))
        ranked = RANKER.rank(a_profile(interests=interests, trending=0.0), CORPUS, now=NOW)
        return [score.paper_id for score in ranked]

    before, after = order(1.0), order(raised)
    for one in says:
        beaten = elsewhere & set(before[before.index(one) :])
        assert beaten <= set(after[after.index(one) :])


@pytest.mark.parametrize("size", [1, 3, 64])
def test_readers_asked_about_together_or_apart_get_the_same_bits(size):
    random = np.random.default_rng(0)
    directions, papers = (unit_rows(random.normal(size=(count, 127))) for count in (40, 300))
    guide = Guide(directions, random.uniform(0.1, 1, 40), np.zeros(40))
    weights = sparse.random_array((64, 40), density=0.2, format="csr", rng=random)
    whole = harmony(weights, guide, coarse(papers), worth=0.8)
    parts = [
        harmony(weights[start : start + size], guide, coarse(papers), worth=0.8)
        for start in range(0, 64, size)
    ]
    assert np.array_equal(np.concatenate(parts), whole)


def test_products_of_coarse_rows_are_exact():
    rows = coarse(unit_rows(np.random.default_rng(1).normal(size=(200, 127))))
    exact = rows.astype(np.float64) @ rows.astype(np.float64).T
    assert np.array_equal((rows @ rows.T).astype(np.float64), exact)


@pytest.mark.parametrize(
    ("keyword", "abstract", "says_it"),
    [
        ("method result", "A method and what it gave: a result.", False),
        ("method result", "Every method result is told.", True),
        ("zeolite sieve", "A sieve made of what is called zeolite.", True),
        ("result of a method", "A method and what it gave: a result.", True),
    ],
    ids=["common words apart", "common words side by side", "rare words apart", "small words between"],
)
def test_common_words_make_a_keyword_only_side_by_side(keyword, abstract, says_it):
    paper = a_paper(9_006, title="Of its own", abstract=abstract, upvotes=0)
    rare = [
        a_paper(9_100 + n, title=f"{word} alone", abstract="") for n, word in enumerate(["zeolite", "sieve"])
    ]
    ranker = PaperRanker().fit([*CORPUS, *rare, paper])
    (score,) = ranker.rank(wishing(keyword), [paper], now=NOW)
    assert (ReasonKind.KEYWORD in {reason.kind for reason in score.why}) is says_it


def test_parts_kept_for_what_readers_ask_serve_them():
    for part, (cases, with_it, without) in needs().items():
        assert with_it == cases, part
        assert without < cases, part
