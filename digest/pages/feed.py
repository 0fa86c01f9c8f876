"""Feeds of any kind: RSS 0.9 to 2.0, RSS 1.0 (RDF) and Atom, from arXiv, bioRxiv, PubMed or anybody.

Elements are known by their local names, since feeds mix their namespaces freely. What is special about one publisher is in
`arxiv_feed`.
"""

import re
from collections.abc import Iterator
from datetime import date
from itertools import islice
from typing import Any

from digest.model import ParsedPage, Rejected
from digest.pages import arxiv_feed
from digest.pages.arxiv_subjects import SUBJECTS
from digest.pages.dates import feed_day
from digest.pages.document import Document
from digest.pages.entry import Entry
from digest.pages.markup import plain_text
from digest.pages.names import people
from digest.pages.outcome import MOST_ENTRIES, broken, empty, listed
from digest.pages.prose import without_head
from digest.pages.xml_text import all_text, local_name

_ROOTS = {"rss": "rss", "rdf": "rss", "channel": "rss", "feed": "atom"}
_ENDS = re.compile(r"</(?:rss|channel|feed|(?:rdf:)?RDF)\s*>\s*$")
_FOREIGN = (
    "search.yahoo.com/mrss",
    "itunes.com/dtds",
    "podcast",
)  # their titles and descriptions are of pictures
_HTML = re.compile(r"</[a-zA-Z]|<(?:p|br|b|i|a|div|img|span|h\d)\b[^<>]{0,300}>|&(?:[a-z]{2,8}|#\d{1,6});")
_INLINE = re.compile(
    r"</?(?:i|b|em|strong|sub|sup|u|tt|span|jats:[a-z-]{1,20})(?:\s[^<>]{0,200})?>", re.IGNORECASE
)
_CODE = re.compile(r"[A-Z]?\.?\d[\w.,; -]*|[A-Z]\.\d.*|https?:.*")
_DATES = ("published", "pubdate", "date", "issued", "created", "publicationdate", "updated", "modified")
_HINTS = ("id", "guid", "identifier", "doi", "link", "about")


def recognises(document: Document) -> bool:
    """Whether the XML's root is that of a feed."""
    return document.tree is not None and local_name(document.tree) in _ROOTS


def read(document: Document) -> ParsedPage:
    """The entries of the feed. Where its end is missing the last entry is rejected, since a part of it may be too."""
    root = document.tree
    name = arxiv_feed.format_of(root) or _ROOTS[local_name(root)]
    listed_on = arxiv_feed.announced_on(_Item(_head(root))) if name == arxiv_feed.FEED else None
    entries = _entries(root, name)
    if errors := [entry.abstract for entry in entries if arxiv_feed.is_error(entry)]:
        return broken(name, f"arXiv answered with an error ({errors[0]}): check the query.")
    if entries:
        known, reason = _up_to_the_cut(entries, document)
        return listed(name, known, listed_on=listed_on, reason=reason)
    if document.damaged:
        return broken(name, "The feed is damaged or cut, and nothing is left of it: fetch it again.")
    return empty(
        name, "The feed is whole and lists nothing, as on days without announcements.", listed_on=listed_on
    )


def _entries(root: Any, name: str) -> list[Entry]:
    elements = (element for element in root.iter() if local_name(element) in ("item", "entry"))
    items = map(_Item, islice(elements, MOST_ENTRIES + 1))
    entries = ((_entry(f"entry {number}", item), item) for number, item in enumerate(items, 1))
    return [
        arxiv_feed.refined(entry, item.get) if arxiv_feed.is_ours(name) else entry for entry, item in entries
    ]


def _up_to_the_cut(entries: list[Entry], document: Document) -> tuple[list[Entry | Rejected], str | None]:
    """The entries that are whole, and what is to be said of the page."""
    if not document.damaged:
        return [*entries], None
    if _ENDS.search(document.text[-100:]):
        return [*entries], "Its XML is damaged; entries may be missing."
    last = Rejected(entries[-1].where, "The feed ends inside this entry: fetch it again.")
    return [*entries[:-1], last], "The feed is cut: it was fetched or saved incompletely; fetch it again."


class _Item:
    """The children of an item, a list of them a local name, in order."""

    def __init__(self, element: Any) -> None:
        self.about = [str(value) for key, value in element.attrib.items() if str(key).endswith("}about")]
        self._children: dict[str, list[Any]] = {}
        for child in element:
            if local_name(child) and not any(part in str(child.tag) for part in _FOREIGN):
                self._children.setdefault(local_name(child), []).append(child)

    def all(self, name: str) -> list[Any]:
        """The children of a name."""
        return self._children.get(name, [])

    def get(self, *names: str) -> str:
        """The text of the first child that has any, by names in order of preference."""
        texts = (all_text(child).strip() for name in names for child in self.all(name))
        return next(filter(None, texts), "")


def _entry(where: str, item: _Item) -> Entry:
    links = list(_links(item))
    hints = [all_text(child).strip() for name in _HINTS for child in item.all(name)]
    names = [all_text(child) for name in ("creator", "author") for child in item.all(name)]
    return Entry(
        where,
        _title(item),
        without_head(_abstract(item)),
        hints=tuple(filter(None, [*hints, *links, *item.about])),
        url=next(iter([*links, *item.about]), None),
        authors=people(_author_names(item) or names),
        published_on=_day(item),
        fields=tuple(_fields(item)),
    )


def _title(item: _Item) -> str:
    child = next(iter(item.all("title")), None)
    if child is None:
        return ""
    text = all_text(child)
    return plain_text(text) if child.get("type") == "html" else _INLINE.sub("", text)


def _abstract(item: _Item) -> str:
    """The abstract: PubMed has it whole in the content only, everybody else in the description or summary."""
    content = "".join(_readable(child) for name in ("encoded", "content") for child in item.all(name)[:1])
    _, marked, pubmed = content[:50_000].partition("ABSTRACT")
    if marked and "PMID:" in pubmed:
        return pubmed.partition("PMID:")[0]
    texts = (_readable(child) for name in ("summary", "description", "abstract") for child in item.all(name))
    return next((text for text in texts if text.strip()), content)


def _readable(element: Any) -> str:
    text = all_text(element)
    marked = element.get("type") in ("html", "text/html") or (
        element.get("type") is None and _HTML.search(text)
    )
    return plain_text(text) if marked and len(element) == 0 else text


def _links(item: _Item) -> Iterator[str]:
    """Addresses of the item, that for people first."""
    links = sorted(item.all("link"), key=lambda link: link.get("rel", "alternate") != "alternate")
    for link in links:
        yield str(link.get("href") or all_text(link)).strip()


def _author_names(item: _Item) -> list[str]:
    """Names as Atom has them: `<author><name>...</name></author>`."""
    authors = (child for author in item.all("author") for child in author)
    return [all_text(child).strip() for child in authors if local_name(child) == "name"]


def _head(root: Any) -> Any:
    """The element with the feed's own title and dates."""
    return next((child for child in root if local_name(child) == "channel"), root)


def _fields(item: _Item) -> Iterator[str]:
    """Subjects by name. What is a code of arXiv is translated, other codes (of the MSC or the ACM) are left out."""
    for category in item.all("category") + item.all("subject"):
        text = str(category.get("label") or category.get("term") or all_text(category)).strip()
        if text in SUBJECTS or (len(text) <= 60 and not _CODE.fullmatch(text)):
            yield SUBJECTS.get(text, text)


def _day(item: _Item) -> date | None:
    return next(filter(None, (feed_day(item.get(name)) for name in _DATES)), None)
