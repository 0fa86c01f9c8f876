"""Daily Papers pages saved as plain text."""

import hashlib
import json
import string
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from digest.model import PageStatus, Paper
from digest.pages import parse
from digest.pages.dates import PrintedDate, page_day, printed_date
from digest.text import title_key
from tests.builders import a_page

HEADER = "new\n\nGet trending papers in your email inbox!\n\nSubscribe\n\nDaily Papers\n\nbyAK and the research community"
MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]


def in_seed_style(*papers: str, header: str = HEADER, day: str | None = "Mar 2") -> str:
    return "\n\n".join([header, *([day] if day else []), *papers])


def titles(text: str) -> list[str]:
    return [paper.title for paper in parse(a_page(text)).papers]


@pytest.mark.parametrize(
    "name", ["000_c9aac480c19dfcb2", "001_f0a3eb2a8dcc8037", "002_162ebd3503ba6e1c", "004_453b47f966c1ab1a"]
)
def test_a_real_page_gives_exactly_what_stands_on_it(shared, name):
    truth = json.loads((shared / "pages/seeds/truth.json").read_text(encoding="utf-8"))["seeds"][
        f"{name}.txt"
    ]

    parsed = parse(a_page((shared / f"pages/seeds/{name}.txt").read_bytes()))

    assert (parsed.format, parsed.status, parsed.rejected, parsed.reason) == (
        "huggingface-text",
        PageStatus.OK,
        (),
        None,
    )
    assert [_facts(paper) for paper in parsed.papers] == [
        (
            known["title"],
            known["abstract_sha1"],
            known["authors_count"],
            known["org"],
            known["org_handle"],
            _in_2025(known["date"]),
            known["comments"],
            None,
        )
        for known in truth["papers"]
    ]
    assert len({paper.id for paper in parsed.papers}) == truth["count"]


def _facts(paper: Paper) -> tuple[object, ...]:
    digest = hashlib.sha1((paper.abstract or "").encode()).hexdigest()
    known = (
        paper.authors_count,
        paper.organization,
        paper.organization_handle,
        paper.published_on,
        paper.comments,
    )
    return (paper.title, digest, *known, paper.upvotes)


def _in_2025(printed: str | None) -> date | None:
    if printed is None:
        return None
    text = printed if ", " in printed else f"{printed}, 2025"
    return datetime.strptime(text, "%b %d, %Y").replace(tzinfo=UTC).date()


def test_the_day_of_a_real_page_gets_the_year_after_the_latest_printed_one(shared):
    page = a_page((shared / "pages/seeds/002_162ebd3503ba6e1c.txt").read_bytes())

    assert parse(page).listed_on == date(2025, 10, 27)


@pytest.mark.parametrize(
    "byline",
    [
        "byAK and the research community",
        "by AK and the research community",
        "by\u00a0AK and the research community",
    ],
)
@pytest.mark.parametrize("daily", ["Daily Papers\n\n", ""])
@pytest.mark.parametrize("day", ["Oct 27", None])
def test_every_variant_of_the_header_is_understood(byline, daily, day):
    header = f"new\n\nGet trending papers in your email inbox!\n\nSubscribe\n\n{daily}{byline}"

    parsed = parse(a_page(in_seed_style("A Title", "An abstract.", header=header, day=day)))

    assert [(paper.title, paper.abstract) for paper in parsed.papers] == [("A Title", "An abstract.")]
    assert parsed.listed_on == (date(2025, 10, 27) if day else None)


def test_the_number_after_the_date_counts_comments_and_never_upvotes():
    [paper] = parse(a_page(in_seed_style("A Title", "An abstract.", "  • 3 authors\n·\nJan 29 7"))).papers

    assert (paper.comments, paper.upvotes, paper.authors_count) == (7, None, 3)


def test_a_year_after_the_date_is_not_a_number_of_comments():
    [paper] = parse(a_page(in_seed_style("A Title", "An abstract.", "  • 1 authors\n·\nMar 13, 2023"))).papers

    assert (paper.published_on, paper.comments, paper.authors_count) == (date(2023, 3, 13), None, 1)


def test_an_organisation_line_is_a_handle_and_a_name_that_may_have_several_words():
    text = in_seed_style(
        "A", "Text.", "brook Brookside Kitchen Lab \n·\nJan 2", "B", "Text.", "brook\n·\nJan 2"
    )

    papers = parse(a_page(text)).papers

    assert [(p.organization_handle, p.organization) for p in papers] == [
        ("brook", "Brookside Kitchen Lab"),
        ("brook", "brook"),
    ]


def test_a_december_paper_on_a_page_kept_over_new_year_is_of_the_year_before():
    parsed = parse(a_page(in_seed_style("A Title", "An abstract.", "  • 3 authors\n·\nDec 30", day="Jan 2")))

    assert parsed.listed_on == date(2026, 1, 2)
    assert parsed.papers[0].published_on == date(2025, 12, 30)


def test_a_day_in_the_name_of_a_page_says_which_year_it_means():
    page = a_page(
        in_seed_style("A Title", "An abstract.", "  • 3 authors\n·\nMar 11", day="Mar 12"),
        name="2024-03-12.txt",
    )

    parsed = parse(page)

    assert (parsed.listed_on, parsed.papers[0].published_on) == (date(2024, 3, 12), date(2024, 3, 11))
    assert parse(replace(page, name="2030-03-12.txt")).listed_on == date(
        2025, 3, 12
    )  # not fetched from the future


def test_a_leap_day_without_a_year_is_found_in_the_last_leap_year():
    assert PrintedDate(2, 29).on_or_before(date(2026, 3, 2)) == date(2024, 2, 29)
    assert PrintedDate(2, 29).on_or_before(date(1904, 2, 28)) == date(1896, 2, 29)


def test_fewer_than_ten_printed_years_do_not_date_a_page():
    printed = [PrintedDate(5, 1, 2019)] * 9

    assert page_day(PrintedDate(10, 27), printed, date(2026, 3, 2)) == (
        date(2025, 10, 27),
        date(2025, 10, 27),
    )
    assert page_day(PrintedDate(10, 27), [*printed, *printed], date(2026, 3, 2))[0] == date(2020, 10, 27)
    assert page_day(PrintedDate(10, 27), [PrintedDate(5, 1, 2026)] * 10, date(2026, 3, 2))[0] == date(
        2025, 10, 27
    )


@pytest.mark.parametrize(
    "text", ["Feb 30", "Foo 3", "Mar 99, 2024", "Mar 13, 0000", "March", "3 Mar", "Mar 3 2024"]
)
def test_what_no_calendar_has_is_no_date(text):
    assert printed_date(text) is None


def test_a_short_abstract_is_an_abstract():
    assert titles(in_seed_style("One", "Yes.", "Two", "No.", "Three", "We show it.")) == [
        "One",
        "Two",
        "Three",
    ]


def test_a_paper_without_an_abstract_is_kept_and_does_not_shift_the_others():
    long = "This abstract is longer than any title could be. " * 8

    papers = parse(
        a_page(in_seed_style("One", "Two", long, "Three", "  • 2 authors\n·\nJan 5", "Four", long))
    ).papers

    assert [(paper.title, bool(paper.abstract)) for paper in papers] == [
        ("One", False),
        ("Two", True),
        ("Three", False),
        ("Four", True),
    ]


def test_a_piece_missing_from_the_middle_of_a_page_is_noticed():
    long = "This abstract is longer than any title could be. " * 8

    parsed = parse(a_page(in_seed_style("One", long, long, "Three", long, "  • 2 authors\n·\nJan 5")))

    assert [paper.title for paper in parsed.papers] == ["One", "Three"]
    assert [entry.reason[:20] for entry in parsed.rejected] == ["Text without a title"]


@pytest.mark.parametrize(
    "end", ["Two", "Two\n\nAn abstract that stops in the mid", "Two\n\nWe beat all baselines by"]
)
def test_a_paper_cut_by_the_end_of_the_page_is_rejected_and_the_others_are_kept(end):
    parsed = parse(a_page(in_seed_style("One", "An abstract.", end)))

    assert (parsed.status, [paper.title for paper in parsed.papers]) == (PageStatus.OK, ["One"])
    assert "incomplete" in parsed.rejected[0].reason
    assert "save it again" in (parsed.reason or "")


@pytest.mark.parametrize("end", ["  • 5 authors", "  • 5 authors\n·", "kyu Kyu Lab\n·\nOc"])
def test_a_page_cut_inside_the_last_details_keeps_the_whole_paper_above_them(end):
    parsed = parse(a_page(in_seed_style("One", "An abstract.", "Two", "An abstract.", end)))

    assert [paper.title for paper in parsed.papers] == ["One", "Two"]
    assert "save it again" in (parsed.reason or "")


def test_a_page_may_end_with_an_address_or_with_a_line_end_after_anything():
    for end in ("see https://example.org/x", "at github.com/example/x", "without a stop\n", "“so it is.”"):
        parsed = parse(a_page(in_seed_style("One", end)))
        assert (len(parsed.papers), parsed.reason) == (1, None)


def test_windows_line_ends_and_blank_lines_with_blanks_change_nothing():
    text = in_seed_style("A Title", "An abstract.", "  • 3 authors\n·\nJan 29 7")

    assert parse(a_page(text.replace("\n", "\r\n"))).papers == parse(a_page(text)).papers
    assert parse(a_page(text.replace("\n\n", "\n \t\n\n"))).papers == parse(a_page(text)).papers


def test_details_without_a_paper_are_rejected():
    parsed = parse(a_page(in_seed_style("  • 3 authors\n·\nJan 29", "One", "An abstract.")))

    assert [paper.title for paper in parsed.papers] == ["One"]
    assert "Details without a paper" in parsed.rejected[0].reason


WORDS = st.text(string.ascii_letters + string.digits + "ΣÉß-+:é", min_size=1, max_size=12)
TITLES = (
    st.lists(WORDS, min_size=1, max_size=12).map(" ".join).filter(lambda text: any(c.isalpha() for c in text))
)
ABSTRACTS = st.lists(WORDS, min_size=1, max_size=60).map(lambda words: f"We study {' '.join(words)}.")
DAYS = st.dates(date(2015, 1, 1), date(2026, 3, 2))


@st.composite
def papers(draw):
    title, abstract = draw(TITLES), draw(ABSTRACTS)
    count = draw(st.none() | st.integers(1, 700))
    handle = (
        draw(st.none() | st.text(string.ascii_lowercase, min_size=2, max_size=9)) if count is None else None
    )
    known = count is not None or handle is not None
    return {
        "title": title,
        "abstract": abstract,
        "authors_count": count,
        "organization_handle": handle,
        "organization": handle and draw(st.sampled_from([handle, "Two Words", "K 9 Lab"])),
        "published_on": draw(DAYS) if known else None,
        "comments": draw(st.none() | st.integers(1, 999)) if known else None,
    }


def printed(paper: dict[str, Any]) -> str:
    parts = [paper["title"], paper["abstract"]]
    if paper["published_on"]:
        on, named = paper["published_on"], paper["organization"]
        first = (
            f"  • {paper['authors_count']} authors"
            if named is None
            else f"{paper['organization_handle']} {named}"
        )
        year = f", {on.year}" if on.year != 2026 else ""
        comments = f" {paper['comments']}" if paper["comments"] else ""
        parts.append(f"{first}\n·\n{MONTHS[on.month - 1]} {on.day}{year}{comments}")
    return "\n\n".join(parts)


@settings(max_examples=150, deadline=None)
@given(
    st.lists(
        papers(),
        min_size=1,
        max_size=8,
        unique_by=lambda paper: title_key(paper["title"]),
    )
)
def test_papers_printed_in_the_style_of_the_page_are_read_back_as_they_were(known):
    parsed = parse(a_page(in_seed_style(*map(printed, known))))

    read = [{field: getattr(paper, field) for field in known[0]} for paper in parsed.papers]
    assert (parsed.status, parsed.rejected) == (PageStatus.OK, ())
    assert read == known
