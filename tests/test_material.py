"""What a reader's digest can be made of: never a matter of who else is asked about, cheap for many."""

from dataclasses import replace
from datetime import timedelta
from random import Random

import numpy as np
import pytest

from digest.compose import compose
from digest.material import Papers, Reader, materials
from digest.model import Digest, Interest
from digest.ranking import Taste
from digest.ranking.counter import Counter
from digest.ranking.floor import ENOUGH, LEAST, learn_floors
from digest.ranking.wishes import named_by
from tests.builders import NOW, a_paper, a_profile, an_issue
from tests.test_ranking_votes import CORPUS, RANKER, SUBJECTS, TODAY

LIKED = [replace(paper, upvotes=number) for number, paper in enumerate(TODAY)]
EARLIER = [paper for paper in CORPUS if paper not in TODAY]
PAST = {paper.id: ((NOW - timedelta(days=8 + n % 10)).date(), paper) for n, paper in enumerate(EARLIER)}
WORDS = [word for subject in SUBJECTS.values() for word in subject]


def papers(past=PAST):
    return Papers({paper.id: paper for paper in LIKED}, past)


def some_readers(count, seed=3):
    """Readers of all kinds: with votes and without, who mute, who want less of something, with little or much room."""
    random = Random(seed)
    for number in range(count):
        interests = [Interest(tuple(random.sample(WORDS, 3)), random.choice([1.0, 2.0]))]
        interests += [Interest((random.choice(WORDS),), -1.0)] * (number % 3 == 0)
        profile = a_profile(
            email=f"reader{number}@example.org",
            interests=tuple(interests),
            mute=tuple(random.sample(WORDS, number % 2)),
            max_papers=random.choice([1, 3, 10]),
            trending=random.choice([0.0, 0.3, 1.0]),
        )
        taste = Taste.of(random.sample(EARLIER, 3), random.sample(EARLIER, 1)) if number % 4 == 0 else None
        shown = frozenset(paper.id for paper in random.sample(LIKED, number % 5))
        yield Reader(profile, shown, taste)


def digests(readers, chosen_from=None):
    made = materials(RANKER, chosen_from or papers(), readers, now=NOW)
    return [
        (
            material.floor,
            list(material.ranked),
            material.wildcard,
            compose(an_issue(), reader.profile, material),
        )
        for reader, material in zip(readers, made, strict=True)
    ]


@pytest.mark.parametrize("size", [1, 7, 1_000])
def test_what_a_reader_gets_does_not_depend_on_who_else_is_asked_about(size, monkeypatch):
    readers = list(some_readers(40))
    expected = digests(readers)
    monkeypatch.setattr(Counter, "rows_at_once", size)
    assert digests(readers) == expected
    assert [digests([reader])[0] for reader in readers] == expected
    assert digests(readers[::-1]) == expected[::-1]


def test_what_is_remembered_of_keywords_has_an_end_and_changes_nothing():
    readers = [
        Reader(a_profile(interests=(Interest((f"{word} {number}",), 1.0),)))
        for number in range(30)
        for word in WORDS
    ]
    few = replace(papers(), remembered=500)
    tables = few.tables(RANKER, NOW)
    in_turns, sizes = [], []
    for start in range(0, len(readers), 20):
        in_turns += digests(readers[start : start + 20], few)
        sizes.append(len(tables.candidates.table))
    assert in_turns == digests(readers)
    assert max(sizes) < len(readers) / 4


def test_papers_kept_for_a_round_answer_as_fresh_ones_do():
    readers, kept = list(some_readers(20)), papers()
    assert digests(readers[:7], kept) + digests(readers[7:], kept) == digests(readers)


def test_every_pick_has_reasons_that_add_up_to_what_it_was_picked_for():
    for floor, ranked, wildcard, digest in digests(list(some_readers(40))):
        assert 0.1 < floor <= ENOUGH
        values = {one.paper_id: one.value for one in [*ranked, *([wildcard] if wildcard else [])]}
        for pick in digest.picks if isinstance(digest, Digest) else ():
            assert pick.score.value == values[pick.paper.id]
            assert sum(reason.contribution for reason in pick.score.why) == pytest.approx(pick.score.value)


def test_what_was_shown_before_is_not_looked_at_again():
    reader = Reader(a_profile(interests=(Interest(tuple(WORDS[:3])),), max_papers=3))
    first = digests([reader])[0][3]
    assert isinstance(first, Digest)
    shown = frozenset(pick.paper.id for pick in first.picks)
    [(_, ranked, wildcard, _)] = digests([replace(reader, shown=shown)])
    assert not shown & {one.paper_id for one in [*ranked, *([wildcard] if wildcard else [])]}
    assert len(ranked) == 9


def test_a_reader_for_whom_much_was_shown_still_gets_a_full_digest():
    reader = Reader(a_profile(interests=(Interest(("paper",)),), trending=1.0, max_papers=5))
    best = [one.paper_id for one in digests([reader])[0][1]]
    left = digests([replace(reader, shown=frozenset(best))])[0][1]
    assert len(left) == len(LIKED) - 15
    assert not {one.paper_id for one in left} & set(best)


def test_without_papers_there_is_nothing_to_make_a_digest_of():
    [material] = materials(RANKER, Papers({}, {}), [Reader(a_profile())], now=NOW)
    assert (material.papers, material.ranked) == ({}, ())


def test_a_paper_that_brings_new_words_is_ranked_among_the_others():
    new = a_paper(
        77, title="Zylophone gripping for robots", abstract="We teach robots to play the zylophone."
    )
    chosen_from = Papers({new.id: new, **{paper.id: paper for paper in LIKED}}, PAST)
    reader = Reader(a_profile(interests=(Interest(("zylophone",)),), trending=0.0))
    assert digests([reader], chosen_from)[0][1][0].paper_id == new.id


def test_a_floor_is_learnt_from_all_that_may_fit():
    """What is left out because too little of it can fit would have taught nothing."""
    readers = list(some_readers(60))
    profiles, tastes = [reader.profile for reader in readers], [reader.taste for reader in readers]
    tables = papers().tables(RANKER, NOW)
    counter = RANKER.lay_out(EARLIER, now=NOW)
    asked = counter.read(named_by(profiles), tastes, now=NOW)
    most = np.array([profile.max_papers for profile in profiles])
    least, fits = LEAST * asked.wishes.strongest, counter.fits(asked)
    floors = learn_floors(fits, least=least, days=10, max_papers=most)
    assert tables.floors(asked, named_by(profiles), tastes).tolist() == floors.tolist()
    assert len(set(floors.tolist())) > len(set(least.tolist()))  # some are learnt

    found = (fits > least[:, np.newaxis]).sum(axis=1)
    may_fit = counter.may_fit(asked, least)
    assert (may_fit >= found).all()
    assert (may_fit < len(EARLIER)).any()
