"""Daily Papers pages as HTML: the data inside them, and the cards where that is missing."""

import html
import json
import re
from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from digest.model import PageStatus
from digest.pages import parse
from digest.pages.markup import inside, plain_text, text_of, tokens, unescape
from tests.builders import a_page


def of_2024(shared) -> str:
    return str((shared / "pages/hf_html/hf_papers_2024-08-01.html").read_text(encoding="utf-8"))


def without_its_data(page: str) -> str:
    return page.replace("data-props", "data-lost")


def test_the_data_of_a_real_page_is_read_whole(shared):
    parsed = parse(a_page(of_2024(shared)))

    assert (parsed.format, parsed.status, parsed.listed_on) == (
        "huggingface-html",
        PageStatus.OK,
        date(2024, 8, 1),
    )
    assert len(parsed.papers) == 13
    first = parsed.papers[0]
    assert (first.id, first.title, first.upvotes, first.comments) == (
        "arxiv:2407.21783",
        "The Llama 3 Herd of Models",
        94,
        5,
    )
    assert (first.authors_count, len(first.authors), first.published_on) == (533, 533, date(2024, 7, 31))
    assert all(paper.abstract and "\n" not in paper.abstract for paper in parsed.papers)


def test_the_cards_of_a_real_page_agree_with_its_data(shared):
    page = of_2024(shared)
    in_data, on_cards = parse(a_page(page)).papers, parse(a_page(without_its_data(page)))

    assert on_cards.listed_on == date(2024, 8, 1)
    assert on_cards.papers == tuple(
        replace(paper, abstract=None, authors=(), published_on=None) for paper in in_data
    )


def test_a_real_card_of_the_trending_page_is_read_once_its_end_is_there(shared):
    excerpt = (shared / "pages/hf_html/hf_trending_2026-10-07_excerpt.html").read_text(encoding="utf-8")

    cut, whole = parse(a_page(excerpt)), parse(a_page(excerpt + "</a></div></div></div></article></body>"))

    assert (cut.status, len(cut.rejected)) == (PageStatus.BROKEN, 1)
    assert [(p.id, p.title, p.authors_count, p.upvotes, p.published_on) for p in whole.papers] == [
        (
            "arxiv:2006.15704",
            "PyTorch Distributed: Experiences on Accelerating Data Parallel Training",
            11,
            13,
            date(2020, 6, 28),
        )
    ]


def test_a_real_capture_as_markdown_gives_ids_votes_and_dates(shared):
    name = "search_page_firecrawl_markdown_2026-10-02_excerpt.md"
    page = replace(
        a_page((shared / "pages/hf_text" / name).read_bytes()), fetched_at=datetime(2026, 10, 3, tzinfo=UTC)
    )

    parsed = parse(page)

    assert [
        (p.id, p.organization_handle, p.authors_count, p.upvotes, p.comments, p.published_on)
        for p in parsed.papers
    ] == [
        ("arxiv:2606.00683", "occ-ai", None, 101, 6, date(2026, 5, 29)),
        ("arxiv:2502.20581", None, 3, None, None, date(2025, 2, 27)),
        ("arxiv:2605.08583", "umass", None, 1, 1, date(2026, 5, 8)),
    ]
    assert parsed.papers[1].title.endswith("Measuring How Scholars Engage with Past Research")
    assert "\\" not in (parsed.papers[1].abstract or "")


def test_damaged_data_is_replaced_by_the_cards(shared):
    page = of_2024(shared)
    damaged = re.sub(r"(data-target=\"DailyPapers\" data-props=\"\{.{500})", r"\1&quot;", page)

    parsed = parse(a_page(damaged))

    assert (parsed.status, len(parsed.papers)) == (PageStatus.OK, 13)
    assert parsed.papers[0].abstract is None


@pytest.mark.parametrize("quote", ['"', "'"])
def test_the_data_is_found_whatever_quotes_it(quote):
    data = {
        "dateString": "2026-02-27",
        "dailyPapers": [{"paper": {"id": "2602.00001", "title": 'It\'s "quoted"'}}],
    }
    page = f"<div data-target={quote}DailyPapers{quote} data-props={quote}{html.escape(json.dumps(data))}{quote}></div>"

    [paper] = parse(a_page(page)).papers

    assert paper.title == 'It\'s "quoted"'


def test_a_page_whose_frame_is_empty_is_broken_and_not_an_empty_day():
    assert parse(a_page('<body class="DailyPapersPage"><main></main></body>')).status is PageStatus.BROKEN


def test_an_address_inside_a_sentence_does_not_make_a_text_a_capture():
    text = "byAK and the research community\n\nA Title\n\nCode is at https://huggingface.co/papers/2501.00001 and here."

    assert parse(a_page(text)).format == "huggingface-text"


@pytest.mark.parametrize(
    ("fragment", "text"),
    [
        ("a <b>bold</b> word", "a bold word"),
        ("one<br>two<p>three", "one two three"),
        ("5 < 6 & 7 > 6", "5 < 6 & 7 > 6"),
        ("&lt;b&gt; &eacute; &#233; &#x1F600;", "<b> é é 😀"),
        ("<!-- hidden -->shown<!---->, too", "shown, too"),
        ("<script>alert('<p>no</p>')</script>yes", "yes"),
        ('<a title="a > b" href=x>link</a>', "link"),
        ("<![CDATA[no]]>yes", "yes"),
        ("an unclosed <a href=", "an unclosed <a href="),
    ],
)
def test_html_becomes_text(fragment, text):
    assert " ".join(plain_text(fragment).split()) == text


def test_attributes_are_unescaped_and_the_first_of_a_name_counts():
    page = "<A HREF='/x?a=1&amp;b=2' href=y checked DATA-x = \"1\">"
    [token] = [token for token in tokens(page) if token.name == "a"]

    assert token.attributes() == {"href": "/x?a=1&b=2", "checked": "", "data-x": "1"}


def test_elements_are_found_with_what_is_inside_them():
    stream = list(tokens("<p>one</p><p>two <b>three</b></p><p>open"))

    assert [text_of(content) for _, content in inside(stream, "p")] == ["one", "two three"]


@pytest.mark.parametrize("text", ["&#99999999999;", "&#x110000;", "&#0;", "&", "&&&", "&#;", "&nosuch;"])
def test_no_character_reference_raises(text):
    assert isinstance(unescape(text), str)
