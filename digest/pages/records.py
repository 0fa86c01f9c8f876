"""Lists of papers as JSON from anywhere: OpenReview, Semantic Scholar, bioRxiv, JSON Feed, and what programs store.

Fields go by many names; the first that is there and of the right kind counts.
"""

from collections.abc import Iterator
from datetime import UTC, date, datetime
from typing import Any

from digest.model import ParsedPage, Rejected
from digest.pages.arxiv_subjects import SUBJECTS, subjects
from digest.pages.dates import commonest_day, feed_day
from digest.pages.document import Document
from digest.pages.entry import Entry
from digest.pages.markup import plain_text
from digest.pages.names import people
from digest.pages.outcome import broken, empty, listed
from digest.pages.prose import without_head

FORMAT = "json-records"
_LISTS = (
    "notes",
    "data",
    "collection",
    "items",
    "results",
    "papers",
    "records",
    "entries",
    "articles",
    "works",
)
_TITLES = ("title", "paper_title", "Title")
_ABSTRACTS = (
    "abstract",
    "summary",
    "content_text",
    "abstract_text",
    "abstractText",
    "Abstract",
    "description",
)
_IDS = (
    "arxiv_id",
    "arxivId",
    "arxiv",
    "ArXiv",
    "doi",
    "DOI",
    "id",
    "url",
    "link",
    "entry_id",
    "pdf_url",
    "pdf",
    "site",
    "openreview",
)
_PLACES = ("url", "link", "external_url", "site", "html_url", "pdf")
_AUTHORS = ("authors", "author", "Authors")
_DATES = (
    "published_on",
    "publicationDate",
    "publication_date",
    "published",
    "date_published",
    "publishedAt",
    "pdate",
    "odate",
    "cdate",
    "date",
)
_FIELDS = ("fieldsOfStudy", "categories", "fields", "tags", "category", "subjects")
_TELLING = frozenset({*_ABSTRACTS, *_AUTHORS, *_IDS, "content", "content_html", "paperId", "venue"})


def recognises(document: Document) -> bool:
    """Whether the JSON holds a list in which one entry at least has a title and something else of a paper."""
    entries = _entries(document.value)
    return entries == [] or (entries is not None and any(map(_is_paper, entries)))


def read(document: Document) -> ParsedPage:
    """The papers of the list."""
    entries = _entries(document.value) or []
    if not entries:
        return empty(FORMAT, "The list is well-formed and empty: nothing was found for that question or day.")
    if not any(map(_is_paper, entries)):
        return broken(FORMAT, "The list has no paper in it: fetch the page again.")
    days = commonest_day(_day(record.get("day")) for record in entries if isinstance(record, dict))
    found = (_entry(f"entry {number}", record) for number, record in enumerate(entries, 1))
    return listed(FORMAT, found, listed_on=days)


def _entries(value: Any) -> list[Any] | None:
    if isinstance(value, list):
        return value
    if not isinstance(value, dict):
        return None
    wrapped: list[Any] | None = next((value[key] for key in _LISTS if isinstance(value.get(key), list)), None)
    return wrapped if wrapped is not None else [value] if _is_paper(value) else None


def _is_paper(record: Any) -> bool:
    return (
        isinstance(record, dict)
        and bool(_TELLING & record.keys())
        and _text(_flat(record), _TITLES) is not None
    )


def _flat(record: dict[str, Any]) -> dict[str, Any]:
    """A record with what OpenReview puts into `content`, in version 2 of its API inside `{"value": ...}` once more."""
    content = record.get("content")
    if not isinstance(content, dict):
        return record
    return record | {
        key: value["value"] if isinstance(value, dict) and "value" in value else value
        for key, value in content.items()
    }


def _entry(where: str, record: Any) -> Entry | Rejected:
    if not isinstance(record, dict):
        return Rejected(where, "It is no record: a work the service does not know, or a damaged line.")
    if record.get("forum") and record.get("id") and record["forum"] != record["id"]:
        return Rejected(where, "It is a reply in OpenReview, not a paper.")
    known = _flat(record)
    html = _text(known, ("content_html",))
    authors = next((known[name] for name in _AUTHORS if known.get(name)), None)
    organization = _text(known, ("org_full", "organization", "org"))
    return Entry(
        where,
        _text(known, _TITLES) or "",
        without_head(_text(known, _ABSTRACTS) or plain_text(html or "")),
        hints=tuple(_hints(known)),
        url=_text(known, _PLACES),
        authors=people([authors] if isinstance(authors, str) else list(_names(authors))),
        organization=organization,
        organization_handle=_text(known, ("org",)) if organization else None,
        published_on=next(filter(None, (_day(known.get(name)) for name in _DATES)), None),
        fields=tuple(dict.fromkeys(_fields(known))),
        upvotes=_whole(known.get("upvotes")),
        comments=_whole(known.get("comments")),
    )


def _hints(known: dict[str, Any]) -> Iterator[str]:
    outer = known.get("externalIds")
    for source in (outer if isinstance(outer, dict) else {}, known):
        yield from (value for name in _IDS if isinstance(value := source.get(name), str))
    if isinstance(forum := known.get("forum"), str):
        yield f"https://openreview.net/forum?id={forum}"


def _names(authors: Any) -> Iterator[str]:
    for author in authors if isinstance(authors, list) else ():
        if isinstance(author, str):
            yield author
        elif isinstance(author, dict):
            parts = (author.get(key) for key in ("given", "family"))
            whole = _text(author, ("name", "fullname", "display_name"))
            yield whole or " ".join(part for part in parts if isinstance(part, str))


def _fields(known: dict[str, Any]) -> Iterator[str]:
    for value in (known.get(name) for name in _FIELDS):
        for field in value if isinstance(value, list) else [value]:
            if isinstance(field, str) and len(field) <= 60:
                yield from subjects(field) or ([] if field in SUBJECTS or "." in field else [field])


def _text(record: dict[str, Any], names: tuple[str, ...]) -> str | None:
    return next(
        (value for name in names if isinstance(value := record.get(name), str) and value.strip()), None
    )


def _whole(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _day(value: Any) -> date | None:
    """A day as text, or as OpenReview gives it, in milliseconds since 1970."""
    if isinstance(value, str):
        return feed_day(value)
    if isinstance(value, int) and 10**11 < value < 10**13:
        return datetime.fromtimestamp(value / 1000, UTC).date()
    return None
