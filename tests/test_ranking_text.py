"""Words, spellings and abbreviations, as the scorer sees them."""

import pytest

from digest.model import Interest, ReasonKind
from digest.ranking import PaperRanker
from digest.ranking.keywords import parse_keyword
from digest.ranking.spelling import Abbreviations, introductions
from digest.ranking.text import joined, singular, stem, surfaces
from tests.builders import NOW, a_paper, a_profile


@pytest.mark.parametrize(
    "family",
    [
        "quantization quantize quantized quantizing quantizer",
        "model models modeling modelling modeled",
        "network networks networking networked",
        "decoder decoding decode decoders decoded",
        "classify classifier classification classified",
        "study studies",
        "retrieve retriever retrieval retrieving",
        "generate generation generator generating",
        "analysis analyses analyze analyzed analyzing analyse",
        "agent agents",
        "embedding embeddings embedded",
        "compress compression compressing compressed",
        "optimise optimize optimizer optimization",
    ],
    ids=lambda family: family.split()[0],
)
def test_the_inflections_of_a_word_share_a_stem(family):
    assert len({stem(word) for word in family.split()}) == 1


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("organ", "organization"),
        ("physics", "physical"),
        ("string", "strong"),
        ("gene", "general"),
        ("bias", "bia"),
        ("generative", "general"),
        ("policy", "police"),
        ("news", "new"),
    ],
)
def test_different_words_keep_different_stems(one, other):
    assert stem(one) != stem(other)


@pytest.mark.parametrize(
    ("plural", "word"),
    [
        ("surveys", "survey"),
        ("studies", "study"),
        ("classes", "class"),
        ("bias", "bias"),
        ("gps", "gps"),
        ("losses", "loss"),
    ],
)
def test_plurals_are_taken_off(plural, word):
    assert singular(plural) == word


def test_a_pair_is_the_same_term_as_the_word_it_is_also_written_as():
    for first, second in (
        ("fine", "tuning"),
        ("fine", "tuned"),
        ("data", "sets"),
        ("base", "lines"),
        ("multi", "modal"),
    ):
        assert joined(first, second) == stem(first + second)


def test_text_is_folded():
    assert surfaces("Zoë's GANs — ﬁne $\\mathbf{x}$ <b>bold</b>") == ["zoe", "gans", "fine", "x", "bold"]


def test_scripts_without_spaces_are_cut_into_signs():
    assert surfaces("语音识别 ASR") == ["语", "音", "识", "别", "asr"]


def test_a_long_text_is_cut_not_refused():
    assert len(surfaces("word " * 1_000_000)) < 10_000


def test_an_abbreviation_is_read_from_the_words_before_it():
    text = "We study Retrieval-Augmented Generation (RAG) and large language models (LLMs), see (Table 1) or (BEST)."
    assert introductions(text) == [
        ("rag", ("retrieval", "augmented", "generation")),
        ("llm", ("large", "language", "model")),
    ]


def papers_introducing(*phrases):
    return [a_paper(n, title=f"On {phrase}", abstract="Text.") for n, phrase in enumerate(phrases)]


def test_one_paper_alone_is_not_believed():
    assert Abbreviations(papers_introducing("robot arm nets (RAN)")).long == {}
    twice = Abbreviations(papers_introducing("robot arm nets (RAN)", "robot arm nets (RANs)"))
    assert twice.others(["ran"]) == [("robot", "arm", "net")]
    assert twice.others(["robot", "arms", "nets"]) == [("ran",)]


def test_an_abbreviation_with_many_readings_is_left_alone():
    readings = ["robot arm nets (RAN)", "radio access networks (RAN)"] * 2
    assert Abbreviations(papers_introducing(*readings)).long == {}


def test_small_words_inside_an_abbreviation_do_no_harm():
    known = Abbreviations(papers_introducing("text-to-speech (TTS)", "text to speech (TTS)"))
    assert known.others(parse_keyword("TTS").words) == [("text", "speech")]
    assert known.others(parse_keyword("text-to-speech").words) == [("tts",)]


def test_a_paper_that_means_something_else_by_an_abbreviation_is_taken_at_its_word():
    corpus = [
        *papers_introducing(*["text-to-speech (TTS)"] * 4),
        *(a_paper(n, title=f"Robots of kind {n}", abstract="Robots.") for n in range(10, 30)),
        a_paper(98, title="Better TTS for robots", abstract="Robots."),
        a_paper(99, title="Better test-time scaling (TTS) for robots", abstract="Robots."),
    ]
    ranker = PaperRanker().fit(corpus)
    profile = a_profile(trending=0.0, interests=(Interest(("text-to-speech",)),))
    says = {
        score.paper_id
        for score in ranker.rank(profile, corpus, now=NOW)
        if ReasonKind.KEYWORD in {reason.kind for reason in score.why}
    }
    assert corpus[-2].id in says
    assert corpus[-1].id not in says


@pytest.mark.parametrize(
    ("keyword", "title"),
    [
        ("fine-tuning", "Finetuning of robots"),
        ("finetuning", "Fine-tuned robots"),
        ("fine tuned", "Fine-tuning robots"),
        ("RAG", "Retrieval augmented generation for robots"),
        ("retrieval-augmented generation", "RAG for robots"),
        ("data set", "Datasets for robots"),
    ],
)
def test_a_keyword_finds_the_other_ways_to_write_it(keyword, title):
    corpus = [
        *papers_introducing("retrieval-augmented generation (RAG)", "retrieval augmented generation (RAG)"),
        *(a_paper(n, title=f"Robots of kind {n}", abstract="Robots.") for n in range(10, 30)),
        a_paper(99, title=title, abstract="Robots."),
    ]
    ranker = PaperRanker().fit(corpus)
    wish = Interest((keyword,))
    scores = ranker.rank(a_profile(trending=0.0, interests=(wish,)), corpus, now=NOW)
    found = next(score for score in scores if score.paper_id == corpus[-1].id)
    assert [reason.kind for reason in found.why] == [ReasonKind.KEYWORD]
