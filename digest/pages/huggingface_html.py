"""Daily Papers pages as HTML, old and new: by day, week and month, search results, trending.

The site puts the whole list as JSON into an attribute `data-props`, from which it is read. Only where that is missing or
damaged are the cards read; they show less: on most pages neither abstracts nor authors.
"""

import re
from collections.abc import Iterable, Iterator
from datetime import date
from typing import Any

from digest.model import ParsedPage, Rejected
from digest.pages import json_text
from digest.pages.dates import PrintedDate, iso_day, printed_date
from digest.pages.document import Document
from digest.pages.entry import Entry, with_years
from digest.pages.huggingface_json import listed_from
from digest.pages.markup import Token, inside, text_of, tokens, unescape
from digest.pages.outcome import broken, empty, listed

FORMAT = "huggingface-html"
_OURS = re.compile(r"""data-target=["']DailyPapers|\bDailyPapersPage\b""")
_ONE_PAPER = re.compile(r"<title>Paper page - ([^<]{1,1000})</title>")
_CARD_LINK = re.compile(r"""href=["'](?:https://huggingface\.co)?/papers/\d{4}\.\d""")
_LISTS = ("searchResults", "dailyPapers", "papers")
_PAPER = re.compile(r"(?:https?://huggingface\.co)?/papers/(\d{4}\.\d{4,5})(?:v\d+)?(?:[?#].*)?")
_LOGIN = re.compile(r"(?:https?://huggingface\.co)?/login\?next=(?:%2F|/)papers(?:%2F|/)")
_HANDLE = re.compile(r"(?:https?://huggingface\.co)?/([A-Za-z0-9_.-]+)")
_AUTHORS = re.compile(r"(\d{1,5})\s+authors?\b")
_DATE = re.compile(r"(?:Published on )?([A-Z][a-z]{2,8} \d{1,2}(?:, \d{4})?)")
_NUMBER = re.compile(r"\d{1,7}")


def recognises(document: Document) -> bool:
    """Whether the page is Hugging Face's list of papers, whole or in part."""
    text = document.text
    return (
        _OURS.search(text) is not None
        or _ONE_PAPER.search(text[:50_000]) is not None
        or ("<article" in text and _CARD_LINK.search(text) is not None)
    )


def read(document: Document) -> ParsedPage:
    """The papers of the page, from its data where it has them, else from its cards."""
    stream = list(tokens(document.text))
    if one := _ONE_PAPER.search(document.text[:50_000]):
        return _from_its_own_page(document, unescape(one[1]), stream)
    props = next(_props(stream), None)
    if props is not None:
        records, day = props
        if not records:
            return empty(
                FORMAT, "The page is whole and lists nothing: no papers in that period.", listed_on=day
            )
        parsed = listed_from(FORMAT, records, day)
        if parsed.papers:
            return parsed
    return _from_cards(document, stream)


def _props(stream: Iterable[Token]) -> Iterator[tuple[list[Any], date | None]]:
    """Every list of papers in a `data-props`, with the day it is about, the one under `searchResults` first."""
    for token in stream:
        text = token.attributes().get("data-props", "") if token.name and not token.closes else ""
        if not any(name in text for name in _LISTS):
            continue
        try:
            props = json_text.load(text)
        except json_text.NotJsonError:
            continue
        if isinstance(props, dict):
            day = iso_day(str(props.get("dateString") or props.get("date") or "")[:10])
            found = [props[name] for name in _LISTS if isinstance(props.get(name), list)]
            yield from ((records, day) for records in sorted(found, key=bool, reverse=True))


def _from_cards(document: Document, stream: list[Token]) -> ParsedPage:
    cards = [_card(f"card {number}", card) for number, (_, card) in enumerate(inside(stream, "article"), 1)]
    opened = sum(1 for token in stream if token.name == "article" and not token.closes)
    if not opened:
        return broken(
            FORMAT, "It has the page's frame and no paper: it was saved before it had loaded; save it again."
        )
    day = next(filter(None, map(_time, stream)), None)
    entries, _ = with_years(cards, None, day or document.latest_day)
    reason = None
    if opened > len(cards):
        reason = "The page stops in the middle of a card: it was saved or copied incompletely; save it again."
        entries.append(Rejected(f"card {opened}", "The page ends inside this card: save it again."))
    return listed(FORMAT, entries, listed_on=day, reason=reason)


def _from_its_own_page(document: Document, title: str, stream: list[Token]) -> ParsedPage:
    """The paper of a page /papers/<id>, by what it shows; the models and data sets it lists are no papers."""
    links = (
        token.attributes().get("href", "")
        for token in stream
        if token.name in ("a", "link") and not token.closes
    )
    texts = (token.text.strip() for token in stream if token.text.strip())
    entry = Entry(
        "the page",
        title,
        abstract=max((text_of(content) for _, content in inside(stream, "p")), key=len, default=None),
        known_id=next((link for link in links if _PAPER.fullmatch(link) or "arxiv.org/abs/" in link), None),
        printed=next(filter(None, map(_printed, texts)), None),
    )
    entries, _ = with_years([entry], None, document.latest_day)
    if not any(token.name == "body" and token.closes for token in stream):
        return broken(FORMAT, "The page of this paper is cut: save it again.")
    return listed(FORMAT, entries)


def _card(where: str, card: list[Token]) -> Entry | Rejected:
    """One paper. Trending pages show it twice inside a card, the second time with its whole abstract."""
    links = [_Link(tag.attributes().get("href", ""), content) for tag, content in inside(card, "a")]
    known = next((match[1] for link in links if (match := _PAPER.fullmatch(link.href))), None)
    title = next((text_of(content) for _, content in inside(card, "h3")), "")
    if known is None:
        return Rejected(where, "It is a card without a link to a paper.")
    texts = [token.text.strip() for token in card if token.text.strip()]
    organization = next((link for link in links if link.is_organization), None)
    authors = next((match for text in texts if (match := _AUTHORS.search(text))), None)
    return Entry(
        where,
        title,
        abstract=max((text_of(content) for _, content in inside(card, "p")), key=len, default=None),
        known_id=known,
        authors_count=int(authors[1]) if authors else None,
        organization=organization.text if organization else None,
        organization_handle=organization.handle if organization else None,
        printed=next(filter(None, map(_printed, texts)), None),
        upvotes=next((link.number for link in links if _LOGIN.match(link.href)), None),
        comments=next((link.number for link in links if link.href.endswith("#community")), None),
    )


class _Link:
    """A link of a card: where to, and what it shows."""

    def __init__(self, href: str, content: list[Token]) -> None:
        self.href = href
        self.text = text_of(content).strip()
        handle = _HANDLE.fullmatch(href)
        self.handle = handle[1] if handle else None
        self._alt = [token.attributes().get("alt", "") for token in content if token.name == "img"]

    @property
    def is_organization(self) -> bool:
        """Whether it is an organisation's chip: its picture is described by the handle; people's are not described."""
        return self.handle is not None and bool(self.text) and self.handle in self._alt

    @property
    def number(self) -> int | None:
        """The number it ends with: `Upvote 32`."""
        found = _NUMBER.findall(self.text[-50:])
        return int(found[-1]) if found else None


def _printed(text: str) -> PrintedDate | None:
    match = _DATE.fullmatch(text)
    return printed_date(match[1]) if match else None


def _time(token: Token) -> date | None:
    return (
        iso_day(token.attributes().get("datetime", "")[:10])
        if token.name == "time" and not token.closes
        else None
    )
