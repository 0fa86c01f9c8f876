"""From scores to a digest: what comes in, in which section, and why there may be none."""

from datetime import date

import pytest

from digest.compose import Material, compose
from digest.model import (
    Digest,
    Interest,
    Reason,
    ReasonKind,
    Score,
    Section,
    Skip,
    SkipReason,
    Standing,
    Update,
)
from tests.builders import a_paper, a_profile, an_issue


def a_score(number, *, keyword=0.0, trending=0.0, author=0.0):
    parts = ((ReasonKind.KEYWORD, keyword), (ReasonKind.AUTHOR, author), (ReasonKind.TRENDING, trending))
    why = tuple(Reason(kind, kind, value) for kind, value in parts if value)
    return Score(f"arxiv:2602.{number:05d}", sum(reason.contribution for reason in why), why)


def a_standing(score):
    def worth(*kinds):
        return sum(reason.contribution for reason in score.why if reason.kind in kinds)

    author = worth(ReasonKind.AUTHOR)
    interest = worth(ReasonKind.KEYWORD) + author
    return Standing(score.paper_id, score.value, interest, worth(ReasonKind.TRENDING), author > 0)


def material_of(papers, scores, shown=(), wildcard=None, **fields):
    """What the ranking gives: how papers stand, and reasons when they are asked for."""
    known = {score.paper_id: score for score in scores}
    return Material(
        papers,
        [a_standing(score) for score in scores],
        set(shown),
        wildcard=a_standing(wildcard) if wildcard else None,
        explain=lambda paper_ids: [known[paper_id] for paper_id in paper_ids],
        **fields,
    )


def made(*scores, shown=(), **profile):
    ranked = sorted(scores, key=lambda score: (-score.value, score.paper_id))
    papers = {f"arxiv:2602.{n:05d}": a_paper(n) for n in range(40)}
    known = {score.paper_id: papers[score.paper_id] for score in scores}
    wild = next((score for score in scores if score.paper_id == "arxiv:2602.00030"), None)
    wanted = a_profile(**profile)
    return compose(an_issue(), wanted, material_of(known, ranked, shown, wild if wanted.wildcard else None))


def picked(digest):
    assert isinstance(digest, Digest)
    return [(int(pick.paper.id[-5:]), pick.section) for pick in digest.picks]


def test_matches_come_best_first():
    digest = made(a_score(1, keyword=0.3), a_score(2, keyword=0.9), wildcard=False)
    assert picked(digest) == [(2, Section.TOP), (1, Section.TOP)]


def test_a_paper_already_shown_is_not_sent_again():
    digest = made(
        a_score(1, keyword=0.9), a_score(2, keyword=0.8), shown=["arxiv:2602.00001"], wildcard=False
    )
    assert picked(digest) == [(2, Section.TOP)]
    assert isinstance(digest, Digest)
    assert digest.candidates == 1


def test_no_more_papers_than_asked_for_with_the_one_from_outside_among_them():
    scores = [a_score(n, keyword=1 - n / 100) for n in range(20)] + [a_score(30, trending=0.9)]
    assert len(picked(made(*scores, max_papers=5))) == 5
    assert picked(made(*scores, max_papers=5))[-1] == (30, Section.WILDCARD)
    assert Section.WILDCARD not in [
        section for _, section in picked(made(*scores, max_papers=5, wildcard=False))
    ]


def test_sections_stand_in_their_fixed_order():
    digest = made(
        a_score(1, trending=0.9), a_score(2, author=0.5), a_score(3, keyword=0.4), a_score(4, trending=0.2)
    )
    assert [section for _, section in picked(digest)] == sorted(
        (section for _, section in picked(digest)), key=list(Section).index
    )


def test_popular_papers_take_only_the_share_the_dial_gives_them():
    scores = [a_score(1, keyword=0.5)] + [a_score(n, trending=0.9) for n in range(2, 20)]
    sections = [section for _, section in picked(made(*scores, trending=0.3, wildcard=False))]
    assert sections.count(Section.POPULAR) == 3
    sections = [section for _, section in picked(made(*scores, trending=0.0, wildcard=False))]
    assert sections == [Section.TOP]


def test_a_paper_few_like_is_not_called_popular_and_one_many_like_is_though_it_fits_a_little():
    scores = [
        a_score(1, keyword=0.5),
        a_score(2, keyword=0.02, trending=0.2),
        a_score(3, trending=0.09),
        a_score(4, keyword=-0.1, trending=0.3),
    ]
    digest = made(*scores, trending=0.3, wildcard=False)
    assert picked(digest) == [(1, Section.TOP), (2, Section.POPULAR)]


def test_one_new_paper_that_does_not_fit_is_no_none_of_many():
    [score] = [a_score(1, trending=0.9)]
    said = made(score, trending=0.3, wildcard=False)
    assert isinstance(said, Skip)
    assert said.detail == "the one new paper does not fit the profile well enough"


def test_popular_papers_alone_are_a_reason_to_write_only_for_who_wants_them_most():
    scores = [a_score(n, trending=0.9) for n in range(1, 9)]
    assert made(*scores, trending=0.3, wildcard=False) == Skip(
        "reader@example.org",
        SkipReason.NOTHING_MATCHED,
        "none of 8 new papers fits the profile well enough",
    )
    assert len(picked(made(*scores, trending=0.6, wildcard=False))) == 6


def test_who_only_says_what_they_do_not_want_gets_what_is_popular_besides():
    unwanted = (Interest(("leaderboard",), -1.0),)
    digest = made(
        a_score(1, keyword=-0.4, trending=0.9), a_score(2, trending=0.2), interests=unwanted, wildcard=False
    )
    assert picked(digest) == [(2, Section.POPULAR)]


def test_a_profile_without_interests_gets_what_is_popular():
    digest = made(*[a_score(n, trending=n / 20) for n in range(1, 20)], interests=(), max_papers=4)
    assert picked(digest) == [
        (19, Section.POPULAR),
        (18, Section.POPULAR),
        (17, Section.POPULAR),
        (16, Section.POPULAR),
    ]


def test_one_common_word_in_a_long_abstract_is_no_match():
    assert isinstance(made(a_score(1, keyword=0.01), trending=0.0), Skip)


@pytest.mark.parametrize(
    ("scores", "shown", "why"),
    [
        ([], (), SkipReason.NOTHING_NEW),
        ([a_score(1, keyword=0.9)], ["arxiv:2602.00001"], SkipReason.NOTHING_NEW),
        ([a_score(1, keyword=0.001)], (), SkipReason.NOTHING_MATCHED),
    ],
)
def test_a_quiet_day_is_skipped_with_its_reason_or_noted_for_who_wants_a_note(scores, shown, why):
    skip = made(*scores, shown=shown, trending=0.0)
    assert isinstance(skip, Skip)
    assert skip.why == why
    note = made(*scores, shown=shown, trending=0.0, quiet_day="note")
    assert isinstance(note, Digest)
    assert note.picks == ()


def test_carry_over_takes_weaker_matches_on_a_quiet_day():
    assert picked(made(a_score(1, keyword=0.01), quiet_day="carry-over", trending=0.0)) == [(1, Section.TOP)]


def with_news(quiet_day, *scores):
    news = [Update(a_paper(n, upvotes=90), date(2026, 2, 27), 3) for n in range(1, 5)]
    known = {f"arxiv:2602.{n:05d}": a_paper(n) for n in range(1, 10)}
    material = material_of(known, scores, [f"arxiv:2602.{n:05d}" for n in range(1, 5)], updates=news)
    return compose(an_issue(), a_profile(quiet_day=quiet_day), material), news


def test_news_of_papers_shown_before_come_beside_new_papers_two_at_most():
    digest, news = with_news("skip", a_score(7, keyword=0.9))
    assert isinstance(digest, Digest)
    assert digest.updates == tuple(news[:2])
    assert [pick.paper.id for pick in digest.picks] == ["arxiv:2602.00007"]


def test_news_alone_are_no_reason_to_send_a_mail():
    skipped, _ = with_news("skip")
    assert isinstance(skipped, Skip)
    note, _ = with_news("note")
    assert isinstance(note, Digest)
    assert note.updates == ()
