"""Real days of Daily Papers, printed in every form the site has, and read back."""

import gzip
import html
import json
import random
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from xml.sax.saxutils import escape

import pytest

from digest.model import Page, PageStatus, Paper
from digest.pages import parse
from digest.text import clean_text

Record = dict[str, Any]


@pytest.fixture(scope="session")
def days() -> list[tuple[date, list[Record]]]:
    """Fifty days of the archive, among them the longest and the shortest."""
    from tests.conftest import SHARED

    if not SHARED.is_dir():
        pytest.skip("needs the folder ../shared with a real archive; it stands beside the checkout in CI")
    by_day: dict[str, list[Record]] = {}
    with gzip.open(next((SHARED / "archive").glob("*.jsonl.gz")), "rt", encoding="utf-8") as lines:
        for record in map(json.loads, lines):
            by_day.setdefault(record["day"], []).append(record)
    by_length = sorted(by_day, key=lambda day: len(by_day[day]))
    chosen = {*by_length[:3], *by_length[-3:], *random.Random(7).sample(by_length[3:-3], 44)}
    return [(date.fromisoformat(day), by_day[day]) for day in sorted(chosen)]


def the_paper(record: Record) -> Paper:
    """What every form of the page says of a record."""
    return Paper(
        id=f"arxiv:{record['id']}",
        title=clean_text(record["title"], limit=300),
        abstract=clean_text(record["abstract"], limit=5000) or None,
        url=f"https://arxiv.org/abs/{record['id']}",
        authors=tuple(filter(None, (clean_text(name, limit=200) for name in record["authors"]))),
        authors_count=len(record["authors"]) or None,
        organization=clean_text(record["org_full"] or record["org"] or "") or None,
        organization_handle=record["org"] or None,
        published_on=date.fromisoformat(record["published"][:10]),
        upvotes=record["upvotes"],
        comments=record["comments"],
    )


def page_of(text: str, day: date, name: str = "page") -> Page:
    fetched_at = datetime(day.year, day.month, day.day, 20, tzinfo=UTC) + timedelta(days=3)
    return Page(name, text.encode(), fetched_at=fetched_at)


def as_api_record(record: Record) -> Record:
    organization = {"name": record["org"], "fullname": record["org_full"]} if record["org"] else None
    paper = {
        "id": record["id"],
        "title": record["title"],
        "summary": record["abstract"],
        "publishedAt": f"{record['published'][:10]}T12:00:00.000Z",
        "authors": [{"name": name, "hidden": False} for name in record["authors"]],
        "upvotes": record["upvotes"],
    }
    return {
        "paper": paper | ({"organization": organization} if organization else {}),
        "numComments": record["comments"],
    }


def as_json(day: date, records: list[Record]) -> str:
    return json.dumps([as_api_record(record) for record in records])


def as_html(day: date, records: list[Record]) -> str:
    data = {"dateString": day.isoformat(), "dailyPapers": [as_api_record(record) for record in records]}
    props = html.escape(json.dumps(data, ensure_ascii=False))
    return f'<!doctype html><body class="DailyPapersPage"><div data-target="DailyPapers" data-props="{props}"></div></body>'


def as_atom(day: date, records: list[Record]) -> str:
    entries = "".join(
        f"<entry><id>http://arxiv.org/abs/{record['id']}v2</id><title>{escape(record['title'])}</title>"
        f"<summary>{escape(record['abstract'])}</summary><published>{record['published'][:10]}T00:00:00Z</published>"
        + "".join(f"<author><name>{escape(name)}</name></author>" for name in record["authors"])
        + "</entry>"
        for record in records
    )
    return f'<?xml version="1.0"?><feed xmlns="http://www.w3.org/2005/Atom"><title>Papers</title>{entries}</feed>'


def printed_day(day: date, page_day: date) -> str:
    return f"{day:%b} {day.day}" + ("" if day.year == page_day.year else f", {day.year}")


def as_text(day: date, records: list[Record]) -> str:
    header = [
        "new",
        "Get trending papers in your email inbox!",
        "Subscribe",
        "Daily Papers",
        "byAK and the research community",
    ]
    parts = [*header, printed_day(day, day)]
    for record in records:
        named = f"{record['org']} {record['org_full'] or ''}".strip()
        first = named if record["org"] else f"  • {len(record['authors'])} authors"
        comments = f" {record['comments']}" if record["comments"] else ""
        published = printed_day(date.fromisoformat(record["published"][:10]), day)
        parts += [record["title"], record["abstract"], f"{first}\n·\n{published}{comments}"]
    return "\n\n".join(clean_text(part) if "\n·\n" not in part else part for part in parts)


def as_cards(day: date, records: list[Record]) -> str:
    cards = "".join(
        f'<article><!--[0--><a href="/login?next=%2Fpapers%2F{record["id"]}"><div>{record["upvotes"]}</div></a><!--]-->'
        f'<h3><a href="/papers/{record["id"]}">{html.escape(record["title"])}</a></h3>'
        f'<p class="line-clamp">{html.escape(record["abstract"])}</p><ul><li>{len(record["authors"])} authors</li></ul>'
        f"<span>·</span><span>{printed_day(date.fromisoformat(record['published'][:10]), day)}</span>"
        f'<a href="/papers/{record["id"]}#community">{record["comments"]}</a></article>'
        for record in records
    )
    return f'<body class="DailyPapersPage"><time datetime="{day}T00:00:00.000Z"></time>{cards}</body>'


@pytest.mark.parametrize("print_page", [as_json, as_html], ids=["JSON", "HTML"])
def test_fifty_real_days_with_all_their_data_are_read_back_as_they_were(days, print_page):
    for day, records in days:
        parsed = parse(
            page_of(print_page(day, records), day, name=f"https://huggingface.co/papers/date/{day}")
        )

        assert (parsed.status, parsed.rejected, parsed.listed_on) == (PageStatus.OK, (), day)
        assert parsed.papers == tuple(map(the_paper, records))


def test_fifty_real_days_as_atom_are_read_back_without_what_atom_does_not_say(days):
    for day, records in days:
        parsed = parse(page_of(as_atom(day, records), day))

        known = (
            replace(
                the_paper(record), organization=None, organization_handle=None, upvotes=None, comments=None
            )
            for record in records
        )
        assert (parsed.status, parsed.rejected) == (PageStatus.OK, ())
        assert parsed.papers == tuple(known)


def test_fifty_real_days_as_cards_are_read_back_without_names(days):
    for day, records in days:
        parsed = parse(page_of(as_cards(day, records), day))

        known = (
            replace(the_paper(record), authors=(), organization=None, organization_handle=None)
            for record in records
        )
        assert (parsed.status, parsed.listed_on) == (PageStatus.OK, day)
        assert parsed.papers == tuple(known)


def test_fifty_real_days_as_saved_text_are_read_back_without_ids_and_names(days):
    for day, records in days:
        parsed = parse(page_of(as_text(day, records), day))

        assert (parsed.status, parsed.rejected, parsed.reason, parsed.listed_on) == (
            PageStatus.OK,
            (),
            None,
            day,
        )
        assert [_printed(paper) for paper in parsed.papers] == [
            _printed(_in_text(the_paper(record))) for record in records
        ]


def _in_text(paper: Paper) -> Paper:
    """A paper as the text shows it: its authors only by number and only where no organisation stands in their place."""
    return replace(
        paper,
        authors_count=None if paper.organization else paper.authors_count,
        organization=paper.organization,
        comments=paper.comments or None,
    )


def _printed(paper: Paper) -> tuple[object, ...]:
    about = (
        paper.authors_count,
        paper.organization,
        paper.organization_handle,
        paper.published_on,
        paper.comments,
    )
    return (paper.title, paper.abstract, *about)
