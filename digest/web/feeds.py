"""Papers as a feed: Atom (RFC 4287) and JSON Feed 1.1. Pure: values in, bytes out, the same bytes for the same values.

An entry's id is a tag URI (RFC 4151) made from the paper's own id: it outlives the address of the site, and a reader
shows a paper once, however often it is listed.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from html import escape
from typing import Any
from urllib.parse import quote

from lxml import etree

from digest.mail.links import safe_url
from digest.mail.wording import authors_of, votes
from digest.model import Paper
from digest.text import clean_text

ATOM_TYPE = "application/atom+xml; charset=utf-8"
JSON_TYPE = "application/feed+json; charset=utf-8"
_ATOM = "http://www.w3.org/2005/Atom"
_NAMED_SINCE = "2026"  # RFC 4151: a day on which the host's name was ours; it never changes


@dataclass(frozen=True, slots=True)
class Entry:
    """One paper of a feed."""

    paper: Paper
    why: tuple[str, ...]  # what spoke for it, in words
    seen_at: datetime  # when it first came; aware


@dataclass(frozen=True, slots=True)
class Feed:
    """What both forms are written from. `name` tells this feed from others of the same host, for ever."""

    host: str  # under which ids are made, for instance papers.example.org
    name: str
    title: str
    publisher: str
    url: str | None  # where this very form of the feed is read
    home_url: str | None
    entries: tuple[Entry, ...]  # in reading order

    @property
    def updated_at(self) -> datetime:
        """When the newest entry came; the beginning of time for an empty feed."""
        return max((entry.seen_at for entry in self.entries), default=datetime(1970, 1, 1, tzinfo=UTC))


def entry_id(host: str, paper_id: str) -> str:
    """The permanent id of a paper: `tag:papers.example.org,2026:arxiv:2602.00001`."""
    return f"tag:{host},{_NAMED_SINCE}:{quote(paper_id, safe=':/.-_~')}"


def etag(body: bytes) -> str:
    """A strong validator (RFC 9110, 8.8.3): it changes when any byte does."""
    return f'"{hashlib.sha256(body).hexdigest()[:32]}"'


def write_atom(feed: Feed) -> bytes:
    """The feed as an Atom document, in UTF-8."""
    root = etree.Element(_tag("feed"), nsmap={None: _ATOM})
    _add(root, "id", f"tag:{feed.host},{_NAMED_SINCE}:feed/{quote(feed.name, safe='')}")
    _add(root, "title", feed.title)
    _add(root, "updated", _instant(feed.updated_at))
    _add(_add(root, "author"), "name", feed.publisher)
    for rel, url in (("self", feed.url), ("alternate", feed.home_url)):
        if url:
            _add(root, "link", rel=rel, href=url)
    for entry in feed.entries:
        _add_entry(root, feed.host, entry)
    return bytes(etree.tostring(root, xml_declaration=True, encoding="utf-8"))


def _add_entry(root: Any, host: str, entry: Entry) -> None:
    paper, node = entry.paper, _add(root, "entry")
    _add(node, "id", entry_id(host, paper.id))
    _add(node, "title", paper.title)
    _add(node, "published", _instant(entry.seen_at))
    _add(node, "updated", _instant(entry.seen_at))
    if url := safe_url(paper.url):
        _add(node, "link", rel="alternate", href=url)
    for name in paper.authors:
        _add(_add(node, "author"), "name", name)
    for field in paper.fields:
        _add(node, "category", term=field)
    _add(node, "content", _as_html(entry), type="html")


def _add(parent: Any, name: str, text: str | None = None, **attributes: str) -> Any:
    """A child element. Text is cleaned once more: XML 1.0 has no way to write most controls."""
    cleaned = {key: clean_text(value) for key, value in attributes.items()}
    node = etree.SubElement(parent, _tag(name), attrib=cleaned)
    node.text = None if text is None else clean_text(text)
    return node


def _tag(name: str) -> str:
    return f"{{{_ATOM}}}{name}"


def write_json(feed: Feed) -> bytes:
    """The feed as JSON Feed 1.1, in UTF-8."""
    known: dict[str, Any] = {
        "version": "https://jsonfeed.org/version/1.1",
        "title": feed.title,
        "home_page_url": feed.home_url,
        "feed_url": feed.url,
        "authors": [{"name": feed.publisher}],
        "items": [_as_item(feed.host, entry) for entry in feed.entries],
    }
    said = json.dumps(_without_nothing(known), ensure_ascii=False)
    # The same text to whoever reads JSON, and no markup to whoever takes it for a page.
    return said.replace("<", "\\u003c").replace(">", "\\u003e").encode()


def _as_item(host: str, entry: Entry) -> dict[str, Any]:
    paper = entry.paper
    item = {
        "id": entry_id(host, paper.id),
        "url": safe_url(paper.url),
        "title": clean_text(paper.title),
        "content_html": _as_html(entry),
        "date_published": _instant(entry.seen_at),
        "authors": [{"name": clean_text(name)} for name in paper.authors],
        "tags": [clean_text(field) for field in paper.fields],
    }
    return _without_nothing(item)


def _without_nothing(known: dict[str, Any]) -> dict[str, Any]:
    """JSON Feed leaves out what is not known; only a list of items may be empty."""
    return {key: value for key, value in known.items() if value or key == "items"}


def _as_html(entry: Entry) -> str:
    """What a feed reader shows: facts, reasons and the abstract, with everything a stranger wrote escaped."""
    paper = entry.paper
    facts = [authors_of(paper), paper.organization or "", votes(paper.upvotes, paper.comments)]
    lines: Sequence[str] = (
        " · ".join(fact for fact in facts if fact),
        f"Why: {', '.join(entry.why)}" if entry.why else "",
        paper.abstract or "",
    )
    return "".join(f"<p>{escape(clean_text(line))}</p>" for line in lines if line)


def _instant(at: datetime) -> str:
    """RFC 3339, in UTC, to the second."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
