"""The answer of https://huggingface.co/api/daily_papers, through all its schema years, bare or wrapped.

An entry is either `{"paper": {...}, "numComments": 1, ...}` or the flat record of `/api/papers/<id>`. The outer
`publishedAt` is never read: until March 2025 it was the moment of listing, since then it is the paper's own time less
four or five hours. Line breaks inside titles and summaries are arXiv's wrapping.
"""

import re
from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

from digest.model import ParsedPage, Rejected
from digest.pages.dates import commonest_day, iso_day
from digest.pages.document import Document
from digest.pages.entry import Entry
from digest.pages.outcome import broken, empty, listed
from digest.text import clean_text

FORMAT = "huggingface-json"
_LISTS = ("dailyPapers", "searchResults", "papers", "data", "results")
_TELLING = frozenset({"upvotes", "ai_summary", "publishedAt", "discussionId", "submittedOnDailyAt"})
_RESEMBLES = re.compile(r"""["'](?:paper|summary|numComments|dailyPapers|upvotes)["']\s*:""")
_REPR = re.compile(r"\s*\{\s*'(?:paper|id|title)'\s*:")


def resembles(text: str) -> bool:
    """Whether text that is not JSON looks as if it had been this format before it was damaged."""
    return _RESEMBLES.search(text[:100_000]) is not None


def recognises(document: Document) -> bool:
    """Whether a JSON document is of this format: an empty list is, and one good entry is enough."""
    value = document.value
    entries = _entries(value)
    return entries == [] or _error(value) is not None or (entries is not None and any(map(_is_ours, entries)))


def read(document: Document) -> ParsedPage:
    """The papers of the answer; `listed_on` from the entries, from the wrapper, or from the day in the page's name."""
    value, name = document.value, document.page.name
    if isinstance(value, dict) and "error" in value:
        return broken(
            FORMAT, f"The site answered with an error ({str(value['error'])[:200]}): try again later."
        )
    named = _day(value.get("date") if isinstance(value, dict) else None) or iso_day(name)
    entries = _entries(value) or []
    if not entries:
        return empty(FORMAT, "The list is well-formed and empty: no papers that day.", listed_on=named)
    return listed_from(FORMAT, entries, named)


def listed_from(format_name: str, entries: Iterable[Any], named: date | None) -> ParsedPage:
    """What a list of API records comes to, wherever it stood. `named` is the day the page itself claims, if any."""
    records = list(entries)
    submitted = commonest_day(_day(_inner(record).get("submittedOnDailyAt")) for record in records)
    found = (_entry(f"entry {number}", record) for number, record in enumerate(records, 1))
    return listed(format_name, found, listed_on=submitted or named)


def _entries(value: Any) -> list[Any] | None:
    if isinstance(value, list):
        return value
    if not isinstance(value, dict):
        return None
    wrapped: list[Any] | None = next((value[key] for key in _LISTS if isinstance(value.get(key), list)), None)
    if wrapped is not None:
        return wrapped
    return [value] if _is_ours(value) else None


def _error(value: Any) -> str | None:
    """What an answer says that is an error message and nothing else: `{"error": "..."}`."""
    if not isinstance(value, dict) or _entries(value) is not None:
        return None
    return clean_text(value["error"][:1000], limit=200) if isinstance(value.get("error"), str) else None


def _is_ours(record: Any) -> bool:
    if isinstance(record, str):
        return _REPR.match(record[:200]) is not None
    if not isinstance(record, dict):
        return False
    if isinstance(record.get("paper"), dict):
        return True
    return (
        isinstance(record.get("title"), str) and bool(_TELLING & record.keys()) and "abstract" not in record
    )


def _inner(record: Any) -> Mapping[str, Any]:
    if not isinstance(record, dict):
        return {}
    paper = record.get("paper")
    return paper if isinstance(paper, dict) else record


def _entry(where: str, record: Any) -> Entry | Rejected:
    if not isinstance(record, dict):
        return Rejected(where, _why_not(record))
    paper = _inner(record)
    names, count = _authors(paper.get("authors"))
    organization = _first(dict, paper.get("organization"), record.get("organization")) or {}
    handle = _text(organization.get("name"))
    return Entry(
        where,
        title=_text(paper.get("title")) or _text(record.get("title")) or "",
        abstract=_text(paper.get("summary")) or _text(record.get("summary")),
        known_id=_text(paper.get("id")) or _text(record.get("id")),
        authors=names,
        authors_count=count,
        organization=_text(organization.get("fullname")) or handle,
        organization_handle=handle,
        published_on=_day(paper.get("publishedAt")),
        upvotes=_whole(paper.get("upvotes")),
        comments=_first(int, _whole(record.get("numComments")), _whole(paper.get("numComments"))),
    )


def _why_not(record: Any) -> str:
    if isinstance(record, str) and _REPR.match(record[:200]):
        return (
            "It is Python's repr of a record inside a string, not JSON (written with str() instead of json.dumps): "
            "fetch the day again from https://huggingface.co/api/daily_papers?date=YYYY-MM-DD."
        )
    return f"It is a JSON {_JSON_WORDS.get(type(record), 'value')} where a record was expected: fetch the page again."


_JSON_WORDS = {
    str: "string",
    int: "number",
    float: "number",
    bool: "truth value",
    list: "list",
    type(None): "null",
}


def _authors(value: Any) -> tuple[tuple[str, ...], int | None]:
    """Names of the authors that are shown, and the number of all of them."""
    if not isinstance(value, list):
        return (), None
    people = [person if isinstance(person, dict) else {"name": person} for person in value]
    names = (_text(person.get("name")) for person in people if person.get("hidden") is not True)
    return tuple(name for name in names if name), len(people) or None


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value.strip() else None


def _whole(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _day(value: Any) -> date | None:
    return iso_day(value[:10]) if isinstance(value, str) else None


def _first(kind: type[Any], *values: Any) -> Any:
    return next((value for value in values if isinstance(value, kind)), None)
