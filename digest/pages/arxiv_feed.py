"""What is special about arXiv's feeds: rss.arxiv.org in RSS and Atom, and the answers of export.arxiv.org/api/query."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from typing import Any, Protocol

from digest.pages.dates import feed_day
from digest.pages.entry import Entry
from digest.pages.identity import arxiv_id
from digest.pages.xml_text import all_text, local_name

FEED, API = "arxiv-feed", "arxiv-api"


class _Head(Protocol):
    def get(self, *names: str) -> str: ...


def format_of(root: Any) -> str | None:
    """Which of arXiv's feeds this is; None for anybody else's."""
    head = list(root) + [child for channel in root if local_name(channel) == "channel" for child in channel]
    named = [element for element in head[:200] if local_name(element) in ("id", "link", "generator")]
    places = [str(element.get("href") or all_text(element)) for element in named]
    if any("arxiv.org/api/" in place for place in places) or (
        local_name(root) == "feed" and "https://arxiv.org/" in places
    ):
        return API
    return FEED if any("rss.arxiv.org" in place for place in places) else None


def is_ours(format_name: str) -> bool:
    """Whether a format is one of arXiv's."""
    return format_name in (FEED, API)


def is_error(entry: Entry) -> bool:
    """Whether an entry is the API's way to say that a query was wrong."""
    return any("arxiv.org/api/errors" in hint for hint in entry.hints)


def refined(entry: Entry, text_of: Callable[..., str]) -> Entry:
    """The entry as arXiv means it: its texts are TeX, and its date is that on which the paper appeared.

    The feeds' own date is that of the announcement: that of a replacement says nothing about the paper, and a paper may be
    cross-listed years after it appeared, which shows in its id (YYMM.number).
    """
    kind = text_of("announce_type").lower()
    entry = replace(entry, is_tex=True)
    if not kind:
        return entry
    known = next(filter(None, map(arxiv_id, entry.hints)), "")
    announced = entry.published_on
    fresh = announced and known[:4].isdecimal() and _months(announced) - _months_of_id(known) <= 1
    return entry if fresh and not kind.startswith("replace") else replace(entry, published_on=None)


def announced_on(head: _Head) -> date | None:
    """The day of the announcement, as the feed's head says it."""
    return feed_day(head.get("pubdate", "lastbuilddate", "updated"))


def _months(day: date) -> int:
    return day.year * 12 + day.month


def _months_of_id(known: str) -> int:
    return (2000 + int(known[:2])) * 12 + int(known[2:4])
