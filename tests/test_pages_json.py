"""Answers of the Daily Papers API, as the site gave them over the years and as people store them."""

import json
from datetime import date

import pytest

from digest.model import PageStatus
from digest.pages import parse
from tests.builders import a_page


def a_record(number: int = 1, **outer):
    paper = {
        "id": f"2602.{number:05d}",
        "title": f"Study {number}",
        "summary": f"We study {number}.",
        "publishedAt": "2026-02-26T10:00:00.000Z",
        "authors": [{"name": "Ada Quill", "hidden": False}],
        "upvotes": 5,
    }
    return {"paper": paper, "numComments": 2, "publishedAt": "2026-02-26T05:00:00.000Z", **outer}


def read(value, name="page.json"):
    return parse(a_page(json.dumps(value), name=name))


@pytest.mark.parametrize(
    ("day", "count", "first"),
    [("2024-05-27", 13, "2405.15738"), ("2024-06-18", 26, "2406.11833"), ("2025-10-27", 21, "2510.21618")],
)
def test_every_year_of_the_real_answer_is_read_whole(shared, day, count, first):
    name = f"daily_papers_{day}.json"

    parsed = parse(a_page((shared / "pages/hf_api" / name).read_bytes(), name=name))

    assert (parsed.status, len(parsed.papers), parsed.rejected) == (PageStatus.OK, count, ())
    assert parsed.listed_on == date.fromisoformat(day)
    assert parsed.papers[0].id == f"arxiv:{first}"
    for paper in parsed.papers:
        assert paper.abstract
        assert paper.authors_count
        assert paper.published_on
        assert paper.upvotes is not None
        assert paper.comments is not None
        assert "\n" not in paper.title + paper.abstract
        assert "  " not in paper.title + paper.abstract


@pytest.mark.parametrize(("day", "count"), [("2024-12-11", 26), ("2025-01-10", 9)])
def test_a_day_stored_as_python_reprs_is_refused_and_says_how_to_get_a_good_one(shared, day, count):
    name = f"daily_papers_{day}.json"

    parsed = parse(a_page((shared / "pages/hf_api" / name).read_bytes(), name=name))

    assert (parsed.status, parsed.papers, len(parsed.rejected)) == (PageStatus.BROKEN, (), count)
    assert all("repr" in entry.reason and "fetch the day again" in entry.reason for entry in parsed.rejected)
    assert "api/daily_papers?date=" in (parsed.reason or "")


def test_one_bad_entry_costs_only_itself():
    parsed = read([a_record(1), "{'paper': {'id': '2602.00002'}}", 7, None, [], {"paper": {}}, a_record(3)])

    assert [paper.id for paper in parsed.papers] == ["arxiv:2602.00001", "arxiv:2602.00003"]
    assert [entry.where for entry in parsed.rejected] == [
        "entry 2",
        "entry 3",
        "entry 4",
        "entry 5",
        "entry 6",
    ]
    assert parsed.status is PageStatus.OK


def test_the_outer_time_stamp_is_never_taken_for_the_paper_s():
    record = a_record()
    del record["paper"]["publishedAt"]

    assert read([record]).papers[0].published_on is None


@pytest.mark.parametrize(
    "wrap",
    [
        lambda r: {"data": [r]},
        lambda r: {"papers": [r]},
        lambda r: r,
        lambda r: r["paper"],
        lambda r: [r["paper"]],
    ],
)
def test_bare_wrapped_and_single_records_say_the_same(wrap):
    [paper] = read(wrap(a_record())).papers

    assert (paper.id, paper.title, paper.upvotes, paper.published_on) == (
        "arxiv:2602.00001",
        "Study 1",
        5,
        date(2026, 2, 26),
    )


def test_hidden_authors_are_counted_and_not_named():
    record = a_record()
    record["paper"]["authors"].append({"name": "Somebody Private", "hidden": True})

    [paper] = read([record]).papers

    assert (paper.authors, paper.authors_count) == (("Ada Quill",), 2)


def test_an_organisation_without_a_display_name_is_called_by_its_handle():
    outer, inner = a_record(1, organization={"name": "quill"}), a_record(2)
    inner["paper"]["organization"] = {"name": "quill", "fullname": "Quill Works"}

    assert [p.organization for p in read([outer, inner]).papers] == ["quill", "Quill Works"]
    assert [p.organization_handle for p in read([outer, inner]).papers] == ["quill", "quill"]


def test_the_day_comes_from_most_entries_or_else_from_the_name_or_the_wrapper():
    dated = [a_record(1), a_record(2), a_record(3)]
    for record in dated[:2]:
        record["paper"]["submittedOnDailyAt"] = "2026-02-27T08:00:00.000Z"

    assert read(dated, "2020-01-01.json").listed_on == date(2026, 2, 27)
    assert read([a_record()], "https://huggingface.co/api/daily_papers?date=2026-02-26").listed_on == date(
        2026, 2, 26
    )
    assert read({"date": "2026-02-25", "data": [a_record()]}).listed_on == date(2026, 2, 25)
    assert read([a_record()], "2026-02-23_to_2026-02-27.json").listed_on is None


@pytest.mark.parametrize("value", [[], {"data": []}, {"date": "2026-03-01", "papers": []}])
def test_a_day_without_papers_is_empty_and_no_fault(value):
    parsed = read(value)

    assert (parsed.format, parsed.status, parsed.rejected) == ("huggingface-json", PageStatus.EMPTY, ())
    assert parsed.reason


def test_an_error_message_of_the_site_is_no_empty_day():
    parsed = read({"error": "Invalid date"})

    assert (parsed.status, "Invalid date" in (parsed.reason or "")) == (PageStatus.BROKEN, True)


def test_a_cut_answer_gives_no_paper_at_all():
    whole = json.dumps([a_record(number) for number in range(1, 9)])

    parsed = parse(a_page(whole[: len(whole) // 2]))

    assert (parsed.status, parsed.papers) == (PageStatus.BROKEN, ())
    assert "Fetch the page again" in (parsed.reason or "")


@pytest.mark.parametrize("number", ["true", "-1", '"5"', "1e999", "NaN", "9" * 100_000, "4.5", "[]", "null"])
def test_a_count_that_is_none_is_unknown(number):
    text = json.dumps([a_record()]).replace('"upvotes": 5', f'"upvotes": {number}')

    [paper] = parse(a_page(text)).papers

    assert paper.upvotes is None


def test_a_repeated_key_counts_as_written_last():
    text = json.dumps([a_record()]).replace('"upvotes": 5', '"upvotes": 1, "upvotes": 9')

    assert parse(a_page(text)).papers[0].upvotes == 9


def test_a_paper_listed_twice_is_one_with_the_best_of_both():
    other = a_record()
    other["paper"] |= {
        "id": "2602.00001v2",
        "summary": "We study 1, at greater length.",
        "upvotes": 3,
        "authors": [],
    }

    parsed = read([a_record(), other])

    assert [(p.id, p.abstract, p.upvotes, p.authors) for p in parsed.papers] == [
        ("arxiv:2602.00001", "We study 1, at greater length.", 5, ("Ada Quill",))
    ]


def test_a_paper_listed_with_its_id_and_again_by_its_title_alone_is_one():
    nameless = a_record()
    del nameless["paper"]["id"]

    assert [paper.id for paper in read([nameless, a_record()]).papers] == ["arxiv:2602.00001"]


def test_thousands_of_bad_entries_keep_two_hundred_reasons_and_the_count():
    parsed = read([a_record(), *[None] * 5_000])

    assert len(parsed.rejected) == 201
    assert parsed.rejected[-1].reason.startswith("4800 more")


def test_a_page_of_more_than_ten_thousand_entries_is_read_to_the_limit_and_says_so():
    parsed = read([a_record(), *[None] * 10_000])

    assert len(parsed.papers) == 1
    assert "first 10000 entries" in parsed.rejected[-1].reason
