"""Recognising a page: four ends, every encoding, and nothing that makes it raise."""

import json
import time
from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from digest.model import Page, PageStatus, ParsedPage
from digest.pages import parse, recognise
from digest.pages.document import decode
from digest.pages.identity import arxiv_id, search_url, title_id
from tests.builders import a_page

SEED = "by AK and the research community\n\nMar 2\n\nMesuré à l’œil\n\nÜber Maße – ein “Abstract” wäre schön.\n\n  • 2 authors\n·\nJan 5"
API = json.dumps(
    [{"paper": {"id": "2602.00001", "title": "Mesuré à l’œil", "summary": "Σ."}}], ensure_ascii=False
)


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "cp1252"]
)
def test_a_page_reads_the_same_in_every_encoding(encoding):
    body = SEED.encode(encoding)

    assert [(p.title, p.abstract) for p in parse(a_page(body)).papers] == [
        ("Mesuré à l’œil", "Über Maße – ein “Abstract” wäre schön.")
    ]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_json_reads_the_same_in_every_encoding(encoding):
    assert parse(a_page(API.encode(encoding))).papers[0].title == "Mesuré à l’œil"


def test_a_declared_encoding_is_believed_when_it_fits_and_only_if_it_is_a_text_encoding():
    assert decode('<?xml version="1.0" encoding="koi8-r"?>Ж'.encode("koi8-r")).endswith("Ж")
    assert decode('<meta charset="iso-8859-1">’'.encode("cp1252")).endswith("’")
    assert decode('<meta charset="shift_jis">東'.encode("shift_jis")).endswith("東")
    for name in ("rot13", "zlib", "unicode_escape", "utf-7", "idna", "utf-16", "no-such-thing"):
        assert decode(f'<meta charset="{name}">é \\u0041'.encode()).endswith("é \\u0041")


def test_a_few_damaged_bytes_do_not_turn_a_utf_8_page_into_another_encoding():
    body = ("Größenwahn " * 50).encode() + b"\xff\xfe" + "Σ".encode()

    assert decode(body).count("ö") == 50


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"", "empty"),
        (b" \n\0\t", "empty"),
        (b"%PDF-1.7 ...", "PDF"),
        (b"\x89PNG\r\n\x1a\n", "picture"),
        (bytes(range(256)) * 40, "not text"),
        (b"Dear Sir or Madam,\n\nnothing of interest here.", "no paper page known"),
        (b'{"hello": "world"}', "JSON, but of no form known"),
        (b'{"hello": ', "begins like JSON"),
        (b"17", "no paper page known"),
    ],
)
def test_what_is_no_paper_page_is_unrecognised_and_says_what_to_do(body, says):
    parsed = parse(a_page(body))

    assert (parsed.format, parsed.status, parsed.papers) == (None, PageStatus.UNRECOGNISED, ())
    assert says in (parsed.reason or "")


@pytest.mark.parametrize("sign", ["Just a moment...", "Enable JavaScript and cookies to continue"])
def test_a_check_for_browsers_is_a_broken_page_and_no_empty_day(sign):
    parsed = parse(a_page(f"<html><title>{sign}</title><body></body></html>"))

    assert (parsed.status, "check for browsers" in (parsed.reason or "")) == (PageStatus.BROKEN, True)


def test_a_paper_about_browser_checks_is_still_a_paper():
    assert len(parse(a_page(SEED.replace("Mesuré à l’œil", "Just a moment... is all you need"))).papers) == 1


def test_a_header_without_any_paper_is_broken():
    parsed = parse(a_page("new\n\nSubscribe\n\nDaily Papers\n\nbyAK and the research community\n\nMar 2"))

    assert (parsed.format, parsed.status) == ("huggingface-text", PageStatus.BROKEN)


def test_the_name_and_the_media_type_are_only_hints():
    assert parse(a_page(API, name="picture.png", media_type="image/png")).status is PageStatus.OK
    assert parse(a_page(SEED, name="page.json", media_type="application/json")).status is PageStatus.OK


HOSTILE: dict[str, Callable[[], bytes]] = {
    "200,000 open lists": lambda: b"[" * 200_000,
    "200,000 objects in one another": lambda: b'{"paper":' * 200_000,
    "a number of 100,000 digits": lambda: b"[" + b"9" * 100_000 + b"]",
    "a title of 10 MB": lambda: json.dumps([{"paper": {"title": "word " * 2_000_000}}]).encode(),
    "a line of 10 MB": lambda: b"by AK and the research community\n\n" + b"a" * 10_000_000,
    "a million blank lines": lambda: b"by AK and the research community" + b"\n" * 1_000_000 + b"x",
    "a million dots": lambda: b"by AK and the research community\n\n" + "·\n".encode() * 1_000_000,
    "a million paragraphs": lambda: b"by AK and the research community\n\n" + b"x\n\n" * 1_000_000,
    "combining marks": lambda: (
        b"by AK and the research community\n\nT" + b"\xcc\x81" * 1_000_000 + b"\n\nText."
    ),
    "a tag of 100,000 attributes": lambda: (
        b'<article href="/papers/2501.00001"><a ' + b" ".join(b"a%d=1" % n for n in range(100_000)) + b">x"
    ),
    "50,000 tags in one another": lambda: b'<body class="DailyPapersPage">' + b"<div>" * 50_000,
    "50,000 cards in one another": lambda: (
        b'<body class="DailyPapersPage">' + b'<article><a href="/papers/2501.00001"><p>' * 50_000
    ),
    "a million open tags": lambda: b'<body class="DailyPapersPage">' + b"<a " * 1_000_000,
    "a million open quotes": lambda: b'<body class="DailyPapersPage">' + b"<a \"<b '" * 300_000,
    "a million open comments": lambda: b'<body class="DailyPapersPage">' + b"<!-" * 1_000_000,
    "a million open scripts": lambda: b'<body class="DailyPapersPage">' + b"<script" * 1_000_000,
    "an attribute of 5 MB": lambda: (
        b'<body class="DailyPapersPage"><p data-props="dailyPapers' + b"x" * 5_000_000 + b'">'
    ),
    "an endless character reference": lambda: (
        b'<body class="DailyPapersPage"><article><h3>&#' + b"9" * 1_000_000 + b";</h3></article>"
    ),
    "a million brackets": lambda: b"[x](https://huggingface.co/papers/2501.00001)\n\n" + b"![" * 1_000_000,
    "a million backslashes": lambda: (
        b"[x](https://huggingface.co/papers/2501.00001)\n\n["
        + b"\\" * 1_000_000
        + b"](https://huggingface.co/papers/2501.00001)"
    ),
    "a million half links": lambda: (
        b"[x](https://huggingface.co/papers/2501.00001)\n\n" + b"](https://" * 500_000
    ),
    "a feed of 50,000 entries": lambda: (
        b"<rss><channel>" + b"<item><title>A Title</title></item>" * 50_000 + b"</channel></rss>"
    ),
    "a feed of open entries": lambda: b"<rss><channel>" + b"<item><title>A Title" * 50_000,
    "a feed of a million references": lambda: (
        b"<rss><channel><item><title>" + b"&nbsp;" * 1_000_000 + b"</title></item></channel></rss>"
    ),
    "20,000 entries of a listing": lambda: (
        b"<dl class='list-title'>"
        + b"<dt><a href='/abs/2501.00001'></dt><dd><div class='list-title'>x</div></dd>" * 20_000
    ),
    "a million blanks in a search result": lambda: (
        b"<li class='arxiv-result'><a href='/abs/2501.00001'></a><p class='title'>x y</p>"
        b"<span class='abstract-full'>" + b" " * 1_000_000 + b"x</span></li>"
    ),
    "a million blanks everywhere": lambda: (
        b"<rss><channel><item><title>A Title</title><description>ABSTRACT"
        + b" " * 1_000_000
        + b"x</description>"
        + b"<creator>"
        + b"x " * 300_000
        + b"</creator></item></channel></rss>"
    ),
    "a million blanks in a reference": lambda: (
        b"@article{x, title={A Title}, author={" + b" " * 1_000_000 + b"x}}"
    ),
    "50,000 links": lambda: b'<p><a href="https://arxiv.org/abs/2501.00001">Two Words</a>' * 50_000,
    "a million open braces": lambda: b"@article{x,\n title={" + b"{" * 1_000_000,
    "300,000 open references": lambda: b"@article{x,\n" * 300_000,
    "300,000 records": lambda: b"TY  - JOUR\nTI  - A Title\n" * 300_000,
    "200,000 marks of a listing": lambda: (
        b"Archives at http://arxiv.org/\n" + b"\\\\\narXiv:2501.00001\nTitle: x\n" * 200_000
    ),
    "200,000 parts of a mail": lambda: (
        b"From: a@example.org\nMIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=x\n\n"
        + b"--x\n\nx\n" * 200_000
    ),
    "10,000 mails in one another": lambda: (
        b"From: a@example.org\nMIME-Version: 1.0\n" + b"Content-Type: message/rfc822\n\n" * 10_000
    ),
    "a mail header of 5 MB": lambda: b"From: a@example.org\nMIME-Version: 1.0\nX: " + b"x\n " * 1_500_000,
    "50 MB": lambda: b"x" * 50_000_000,
    "a million nulls": lambda: b"[" + b"null," * 1_000_000 + b"null]",
    "a cut utf-16": lambda: SEED.encode("utf-16")[:-1],
    "lone surrogates": lambda: rb'[{"paper": {"title": "\ud800 \udfff", "summary": "\ud83d"}}]',
}


@pytest.mark.parametrize("name", HOSTILE)
def test_no_hostile_page_raises_or_takes_long(name):
    body = HOSTILE[name]()
    started = time.process_time()

    parsed = parse(a_page(body))

    assert isinstance(parsed, ParsedPage)
    assert "fault of the program" not in (parsed.reason or "")
    assert time.process_time() - started < 5  # what takes more than linear time takes minutes here


PIECES = st.sampled_from(
    [
        SEED,
        API,
        "[",
        "{",
        '"',
        "paper",
        "·\n",
        "\n\n",
        "  • 5 authors",
        "Jan 5",
        "\ufeff",
        "\0",
        "\r",
        "9" * 50,
    ]
)
JUNK = st.lists(PIECES | st.text(max_size=30), max_size=12).map("".join)


@settings(max_examples=300, deadline=None)
@given(
    st.binary(max_size=400)
    | JUNK.map(lambda text: text.encode("utf-8", "surrogatepass"))
    | JUNK.map(lambda text: text.encode("utf-16", "surrogatepass"))
)
@example(b"\xff\xfe")
def test_no_bytes_whatever_make_it_raise(body):
    parsed = recognise.read(
        Page("page", body, fetched_at=datetime(2026, 3, 2, tzinfo=UTC))
    )  # without the last defence

    assert (parsed.status is PageStatus.OK) == bool(parsed.papers)
    assert parsed.reason or parsed.papers


JSONS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                ["paper", "title", "summary", "authors", "id", "data", "organization", "name", "upvotes"]
            ),
            inner,
        )
    ),
    max_leaves=20,
)


@settings(max_examples=300, deadline=None)
@given(JSONS)
def test_no_json_whatever_makes_it_raise(value):
    page = Page("page", json.dumps(value).encode(), fetched_at=datetime(2026, 3, 2, tzinfo=UTC))

    assert isinstance(recognise.read(page), ParsedPage)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2503.01234", "2503.01234"),
        ("2503.01234v12", "2503.01234"),
        ("0704.0001", "0704.0001"),
        ("arXiv:2503.01234v2", "2503.01234"),
        ("https://arxiv.org/pdf/2503.01234v2.pdf", "2503.01234"),
        ("http://export.arxiv.org/abs/astro-ph/0601001v1", "astro-ph/0601001"),
        ("math.GT/0309136", "math/0309136"),
        ("https://huggingface.co/papers/2503.01234#community", "2503.01234"),
        ("oai:arXiv.org:2508.13426v1", "2508.13426"),
        ("2513.01234", None),
        ("12503.01234", None),
        ("zebra/0601001", None),
        ("10.1101/2025.01.02.123456", None),
        ("", None),
    ],
)
def test_an_arxiv_id_is_found_in_every_spelling_and_nowhere_else(text, expected):
    assert arxiv_id(text) == expected


def test_two_spellings_of_a_title_are_one_paper_and_two_titles_of_signs_are_two():
    assert title_id("H$_2$O: A  Study") == title_id("h_2o a study")
    assert title_id("²") != title_id("³")
    assert title_id("?!") != title_id("!?")
    assert search_url("A & B?") == "https://huggingface.co/papers?q=A%20%26%20B%3F"
