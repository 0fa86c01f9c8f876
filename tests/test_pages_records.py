"""Lists of papers as JSON, as reference files, in mails and on web pages."""

import json
from datetime import date

import pytest

from digest.model import PageStatus
from digest.pages import parse
from tests.builders import a_page


def read(value):
    return parse(a_page(json.dumps(value)))


def test_papers_of_a_real_archive_stored_as_lines_are_read(shared):
    import gzip

    path = next((shared / "archive").glob("*.jsonl.gz"))
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        records = [json.loads(next(lines)) for _ in range(200)]

    parsed = parse(a_page("\n".join(map(json.dumps, records))))

    assert (parsed.status, parsed.rejected, len(parsed.papers)) == (PageStatus.OK, (), 200)
    assert [paper.id for paper in parsed.papers] == [f"arxiv:{record['id']}" for record in records]
    assert [paper.upvotes for paper in parsed.papers] == [record["upvotes"] for record in records]


@pytest.mark.parametrize(
    "value", [{"notes": [], "count": 0}, {"collection": [], "messages": [{"status": "no posts found"}]}]
)
def test_an_answer_without_papers_is_empty_and_no_fault(value):
    assert read(value).status is PageStatus.EMPTY


@pytest.mark.parametrize(
    "value",
    [
        {"settings": {"title": "x"}},
        [1, 2, 3],
        ["a"],
        {"data": [{"name": "no title"}]},
        [{"title": 3, "id": "x"}],
    ],
)
def test_json_without_papers_is_unrecognised(value):
    assert read(value).status is PageStatus.UNRECOGNISED


@pytest.mark.parametrize(
    ("authors", "names"),
    [
        (["Ada Quill", {"name": "Bo Reed"}], ("Ada Quill", "Bo Reed")),
        ("Quill, A.; Reed, B.", ("A. Quill", "B. Reed")),
        ([{"given": "Ada", "family": "Quill"}], ("Ada Quill",)),
        ([None, 3, {"name": 5}], ()),
        (None, ()),
    ],
)
def test_authors_come_in_every_shape(authors, names):
    [paper] = read([{"title": "A Title", "abstract": "Text.", "authors": authors}]).papers

    assert paper.authors == names


@pytest.mark.parametrize(
    ("when", "day"),
    [
        ("2026-02-03", date(2026, 2, 3)),
        (1767225600000, date(2026, 1, 1)),
        (2026, None),
        (True, None),
        (10**15, None),
        ("soon", None),
    ],
)
def test_a_date_is_text_or_milliseconds_and_never_a_year_alone(when, day):
    assert read([{"title": "A Title", "abstract": "Text.", "published": when}]).papers[0].published_on == day


def test_a_reference_without_its_end_costs_only_itself():
    parsed = parse(a_page("@article{one, title={One Title}}\n@article{two, title={Two {Titles}, year=2026"))

    assert [paper.title for paper in parsed.papers] == ["One Title"]
    assert "never ends" in parsed.rejected[0].reason


def test_escaped_braces_and_quotes_do_not_end_a_field():
    parsed = parse(a_page('@article{one, title = {A \\{set\\} of "words"}, author="One, A. and Two, B."}'))

    assert parsed.papers[0].authors == ("A. One", "B. Two")
    assert '"words"' in parsed.papers[0].title


def test_a_mail_gives_the_part_with_most_papers_and_a_mail_without_any_is_unrecognised():
    head = "From: a@example.org\nMIME-Version: 1.0\nSubject: s\n"
    html = '<a href="https://arxiv.org/abs/2602.00001">Two Words</a>'

    found = parse(a_page(f"{head}Content-Type: text/html\n\n{html}"))
    nothing = parse(a_page(f"{head}Content-Type: text/plain\n\nDear all, see you."))
    broken = parse(a_page(f"{head}Content-Type: multipart/mixed; boundary=b\n\n--b"))

    assert [paper.id for paper in found.papers] == ["arxiv:2602.00001"]
    assert nothing.status is broken.status is PageStatus.UNRECOGNISED
    assert "mail" in (nothing.reason or "")


def test_a_page_saved_by_a_browser_as_one_file_is_read():
    page = """From: <Saved by a browser>
Snapshot-Content-Location: https://huggingface.co/papers
Subject: Daily Papers
MIME-Version: 1.0
Content-Type: multipart/related; type="text/html"; boundary="--x"

----x
Content-Type: text/html
Content-Transfer-Encoding: quoted-printable

<body class=3D"DailyPapersPage"><article><h3><a href=3D"https://huggingface.co/papers/2602.00001">A Long=
 Title</a></h3></article></body>
----x--
"""

    parsed = parse(a_page(page))

    assert (parsed.format, [paper.title for paper in parsed.papers]) == ("huggingface-html", ["A Long Title"])


@pytest.mark.parametrize(
    "text",
    [
        "https://arxiv.org/abs/2602.00001",
        "arXiv:2602.00001",
        "[PDF]",
        "10.5555/lid.8",
        "PDF",
        "Read the full paper here",
        "View PDF",
    ],
)
def test_a_link_whose_text_is_no_title_is_no_paper(text):
    page = f'<p><a href="https://arxiv.org/abs/2602.00001">{text}</a><a href="https://arxiv.org/abs/2602.00002">A Title</a>'

    assert [paper.id for paper in parse(a_page(page)).papers] == ["arxiv:2602.00002"]


def test_an_openreview_link_gives_its_own_id():
    page = '<a href="https://openreview.net/forum?id=aB_c-12345">A Title</a>'

    assert [paper.id for paper in parse(a_page(page)).papers] == ["openreview:aB_c-12345"]
