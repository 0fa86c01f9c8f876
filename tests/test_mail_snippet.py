"""A snippet says what is new, in the words of the abstract."""

import gzip
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.mail.latex import readable
from digest.mail.snippet import snippet_of

BACKGROUND = "Tides have been measured for centuries. Gauges are costly and break in storms."
NEWS = "We propose TideNet, which reads the tide from the sound of the harbour."


def test_what_everybody_knows_is_skipped():
    assert snippet_of(f"{BACKGROUND} {NEWS} It is cheap.", 260) == f"{NEWS} It is cheap."


@pytest.mark.parametrize(
    "opening",
    [
        "To this end, ",
        "In this paper, ",
        "To address these challenges, ",
        "To tackle this issue, in this work, ",
        "Here, ",
    ],
)
def test_an_opening_that_points_back_is_left_off(opening):
    news = NEWS[0].lower() + NEWS[1:]
    assert snippet_of(f"{BACKGROUND} {opening}{news}", 260) == NEWS


def test_an_abstract_without_news_starts_at_its_beginning():
    assert snippet_of(BACKGROUND, 260) == BACKGROUND
    assert snippet_of("", 260) == ""


def test_a_snippet_ends_with_a_sentence_where_one_ends_late_enough():
    assert snippet_of(f"{NEWS} It is cheap. It needs no gauge and no boat.", 90) == f"{NEWS} It is cheap."


def test_a_long_sentence_is_cut_at_a_word():
    cut = snippet_of("We show that " + "waves " * 60, 100)
    assert len(cut) <= 100
    assert cut.endswith("waves…")


@pytest.mark.parametrize(
    "text", ["as seen by J. Tregoat and others", "e.g. Harbours do", "in Fig. 3 of it", "by 3.5 percent"]
)
def test_a_point_is_not_always_an_end(text):
    sentence = f"We find it {text}, and no more than that can be said of it."
    assert snippet_of(f"{sentence} {'Much more follows here. ' * 9}", 90) == sentence


@given(st.text(max_size=600), st.integers(20, 300))
def test_a_snippet_is_short_and_made_of_the_abstract(text, limit):
    abstract = " ".join(text.split())
    snippet = snippet_of(abstract, limit)
    assert len(snippet) <= limit + 2  # a letter may be three as a capital
    assert snippet[3:].removesuffix("…") in abstract


@pytest.mark.slow
def test_most_real_abstracts_open_with_what_is_not_new(shared):
    with gzip.open(shared / "archive/daily_papers_2024-05-27_2025-12-31.jsonl.gz", "rt") as lines:
        abstracts = [" ".join(json.loads(line)["abstract"].split()) for line in lines]
    snippets = [snippet_of(abstract, 260) for abstract in abstracts]
    skipped = sum(
        abstract[:20] != snippet[:20] for abstract, snippet in zip(abstracts, snippets, strict=True)
    )
    assert skipped / len(abstracts) > 0.75
    assert max(len(snippet) for snippet in snippets) <= 260


@pytest.mark.parametrize(
    ("written", "read"),
    [
        (r"An $\mathcal{O}(n \log n)$ coder", "An O(n log n) coder"),
        (r"$\tau^2$-Bench and H$_2$O", "τ²-Bench and H₂O"),
        (r"from $10^{-3}$ to 5\% with \textit{care} \& $\frac{a}{b}$", "from 10⁻³ to 5% with care & a/b"),
        (r"$\pi_{0.5}$ and $x_{\text{in}}$", "π_0.5 and xᵢₙ"),
        ("Earn $1 Million, or $5 to $10", "Earn $1 Million, or $5 to $10"),
        (r"\unknown{z} and $\mystery$", r"\unknown{z} and \mystery"),
        ("plain", "plain"),
    ],
)
def test_mathematics_is_written_in_plain_letters(written, read):
    assert readable(written) == read
