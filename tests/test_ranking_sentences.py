"""A model of language beside what the corpus teaches: an extra that changes an order and no promise."""

from math import isclose
from random import Random

import numpy as np
import pytest

from digest.encoder import REMEDY, TokenMeans, installed_encoder, is_installed
from digest.errors import DigestError, SettingsError
from digest.model import Interest, ReasonKind
from digest.ranking import PaperRanker, Taste
from digest.ranking.counter import Counter
from digest.settings import load_settings
from tests.builders import NOW, a_paper, a_profile

needs_extra = pytest.mark.skipif(not is_installed(), reason=f"needs a model of language; {REMEDY}")
# Words for one thing that never stand in one paper: no corpus can teach that they mean the same.
ALIKE = [
    *[("automobile", "car"), ("physician", "doctor"), ("spacecraft", "probe"), ("infant", "baby")],
    *[("forest", "woodland"), ("liquor", "spirit"), ("pavement", "sidewalk"), ("petrol", "gasoline")],
    *[("monarch", "king"), ("ocean", "sea"), ("stone", "rock"), ("garment", "clothing")],
]
PLAIN = ["method", "result", "task", "system", "study", "approach", "evaluation", "training"]


class TwinEncoder:
    """Knows which of the words above mean the same, and nothing else."""

    def __init__(self):
        self.asked = 0

    def __call__(self, texts):
        self.asked += len(texts)
        rows = np.zeros((len(texts), len(ALIKE)))
        for row, text in enumerate(texts):
            for column, twins in enumerate(ALIKE):
                rows[row, column] = sum(text.lower().count(word) for word in twins)
        return rows


def papers_of(count=144):
    random, made = Random(3), []
    for number in range(count):
        word = ALIKE[number % len(ALIKE)][number // len(ALIKE) % 2]
        text = random.choices(PLAIN, k=12) + [word] * 3
        random.shuffle(text)
        made.append(a_paper(number, title=f"On a {word}", abstract=" ".join(text), upvotes=number % 7))
    return made


PAPERS = papers_of()


def wanting(*keywords, **fields):
    return a_profile(interests=tuple(Interest((word,)) for word in keywords), trending=0.0, **fields)


def ranked(profile, encoder, papers=PAPERS, **options):
    return PaperRanker(encoder=encoder).fit(PAPERS).rank(profile, papers, now=NOW, **options)


def values_of(scores):
    return {score.paper_id: score.value for score in scores}


def test_a_paper_that_says_it_in_other_words_is_found_with_a_model_alone():
    twins = [paper.id for paper in PAPERS if paper.title.endswith("automobile")]
    without, with_it = (values_of(ranked(wanting("car"), encoder)) for encoder in (None, TwinEncoder()))
    assert max(without[one] for one in twins) < min(with_it[one] for one in twins)


def test_what_says_the_keyword_still_comes_before_what_only_means_it():
    scores = values_of(ranked(wanting("car"), TwinEncoder()))
    saying = [scores[paper.id] for paper in PAPERS if paper.title.endswith(" car")]
    meaning = [scores[paper.id] for paper in PAPERS if paper.title.endswith("automobile")]
    assert min(saying) > max(meaning)


def test_reasons_still_add_up_and_name_the_readers_keyword():
    taste = Taste.of(liked=PAPERS[:2], disliked=PAPERS[2:4])
    scores = ranked(wanting("car", "baby"), TwinEncoder(), taste=taste)
    for score in scores:
        assert isclose(sum(reason.contribution for reason in score.why), score.value, abs_tol=1e-9)
    near = {
        r.term for s in ranked(wanting("car"), TwinEncoder()) for r in s.why if r.kind is ReasonKind.RELATED
    }
    assert near
    assert all(term.endswith("near your keyword car") for term in near)


def test_no_bit_depends_on_who_else_is_asked_about(monkeypatch):
    ranker = PaperRanker(encoder=TwinEncoder()).fit(PAPERS)
    words = [word for twins in ALIKE for word in twins]
    profiles = [wanting(*words[n : n + 3]) for n in range(6)]
    tastes = [Taste.of(liked=[PAPERS[n]]) if n % 2 else None for n in range(6)]
    together = ranker.rank_many(profiles, PAPERS, now=NOW, tastes=tastes)
    monkeypatch.setattr(Counter, "rows_at_once", 1)
    assert ranker.rank_many(profiles, PAPERS, now=NOW, tastes=tastes) == together
    fresh = PaperRanker(encoder=TwinEncoder()).fit(PAPERS[::-1])
    assert [
        fresh.rank_many([p], PAPERS, now=NOW, tastes=[t])[0] for p, t in zip(profiles, tastes, strict=True)
    ] == together


def test_papers_of_the_corpus_are_looked_at_once_and_new_ones_when_they_come():
    encoder = TwinEncoder()
    ranker = PaperRanker(encoder=encoder).fit(PAPERS)
    assert encoder.asked == len(PAPERS)
    ranker.rank(wanting("car"), PAPERS, now=NOW)
    assert encoder.asked == len(PAPERS) + 1
    ranker.rank(wanting("car"), [*PAPERS, a_paper(999, title="On an automobile")], now=NOW)
    assert encoder.asked <= len(PAPERS) + 3


@pytest.mark.parametrize("texts", [[], [""], ["?!"], ["日本語"], ["car " * 200_000]])
def test_texts_of_any_kind_are_ranked_or_passed_over(texts):
    papers = [a_paper(n, title=text, abstract=None) for n, text in enumerate(texts)]
    ranker = PaperRanker(encoder=TwinEncoder()).fit(papers)
    assert len(ranker.rank(wanting("car"), papers, now=NOW)) == len(papers)


class Letters:
    """Every letter is a token."""

    class Found:
        def __init__(self, ids):
            self.ids = ids

    def encode(self, text, add_special_tokens):
        return self.Found([ord(letter) % 7 for letter in text])


def test_a_text_is_the_mean_of_its_tokens_whatever_stands_beside_it():
    encoder = TokenMeans(Letters(), np.random.default_rng(1).normal(size=(7, 5)))
    texts = ["abc", "", "speculative decoding", "x" * 5_000]
    together = encoder(texts)
    assert [encoder([text])[0].tobytes() for text in texts] == [row.tobytes() for row in together]
    assert not together[1].any()
    assert encoder([]).shape == (0, 5)


def test_asking_for_a_model_that_is_not_installed_says_what_to_do(tmp_path, monkeypatch):
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "digest.toml").write_text("[publish]\nsentences = true\n")
    monkeypatch.setattr("digest.encoder.is_installed", lambda: False)
    with pytest.raises(SettingsError, match=r"publish\.sentences") as refused:
        load_settings(tmp_path, {})
    assert REMEDY in str(refused.value)
    installed_encoder.cache_clear()
    with pytest.raises(DigestError, match="not installed"):
        installed_encoder()


@needs_extra
def test_the_installed_model_knows_words_that_mean_the_same():
    installed_encoder.cache_clear()
    encoder = installed_encoder()
    rows = encoder(["automobile", "car", "protein folding"])
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    assert rows[0] @ rows[1] > rows[0] @ rows[2]
    assert values_of(ranked(wanting("car"), encoder)) == values_of(ranked(wanting("car"), encoder))
