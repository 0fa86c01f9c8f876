"""What a page says of one paper, as the parsers found it, and how that becomes a Paper."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date

from digest.model import Paper, Rejected
from digest.pages.dates import PrintedDate, page_day
from digest.pages.identity import address, search_url, title_id, work_id
from digest.pages.latex import readable
from digest.text import clean_text

TITLE_LIMIT = 300  # characters
ABSTRACT_LIMIT = 5_000  # characters
NAME_LIMIT = 200  # characters of one author, organisation or field
MOST_NAMES = 5_000  # the longest author lists of physics have about as many
LARGEST_COUNT = 10_000_000  # a number of votes, comments or authors above this is damage


_WEB = re.compile(r"https?://[A-Za-z0-9._-]+(?::\d{1,5})?(?:[/?#][!-~]*)?")


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of a page: raw text, nothing cleaned, nothing decided. Unknown is None or empty."""

    where: str  # "entry 14", "line 212"
    title: str
    abstract: str | None = None
    known_id: str | None = None  # an id of arXiv, a DOI, or an address with one of them, in any spelling
    hints: tuple[str, ...] = ()  # more of the same, less certain
    url: str | None = None  # where the page says it is; used where the id gives no address
    authors: tuple[str, ...] = ()
    authors_count: int | None = None
    organization: str | None = None
    organization_handle: str | None = None
    published_on: date | None = None
    printed: PrintedDate | None = None  # the same as the page shows it, where its year may be missing
    fields: tuple[str, ...] = ()
    upvotes: int | None = None
    comments: int | None = None
    is_tex: bool = False  # the texts are TeX sources, as arXiv has them


def with_years(
    entries: Iterable[Entry | Rejected], page_printed: PrintedDate | None, latest: date
) -> tuple[list[Entry | Rejected], date | None]:
    """The entries with `published_on` worked out from what the page shows, and the day the page was rendered on.

    `page_printed` is the page's own date as it shows it, `latest` a day after which nothing on it can be.
    """
    entries = list(entries)
    printed = [entry.printed for entry in entries if isinstance(entry, Entry) and entry.printed]
    rendered_on, limit = page_day(page_printed, printed, latest)
    dated = [
        replace(entry, published_on=entry.printed.on_or_before(limit))
        if isinstance(entry, Entry) and entry.printed and entry.published_on is None
        else entry
        for entry in entries
    ]
    return dated, rendered_on


def settle(entry: Entry) -> Paper | Rejected:
    """The paper an entry speaks of, with its identity and with every text made safe; or why it is none."""
    read = readable if entry.is_tex else str
    title = clean_text(read(_head(entry.title, TITLE_LIMIT)), limit=TITLE_LIMIT)
    if not any(character.isalnum() for character in title):
        return Rejected(entry.where, "It has no title; nothing can be shown or searched without one.")
    work = work_id(entry.known_id, *entry.hints, entry.url) or title_id(
        clean_text(_head(entry.title, TITLE_LIMIT), limit=TITLE_LIMIT)
    )
    authors = tuple(name for name in (_name(read(name)) for name in entry.authors[:MOST_NAMES]) if name)
    return Paper(
        id=work,
        title=title,
        abstract=clean_text(read(_head(entry.abstract or "", ABSTRACT_LIMIT)), limit=ABSTRACT_LIMIT) or None,
        url=address(work) or _safe_url(entry.url) or search_url(title),
        authors=authors,
        authors_count=_count(entry.authors_count) or len(authors) or None,
        organization=_name(entry.organization or "") or None,
        organization_handle=_name(entry.organization_handle or "") or None,
        published_on=entry.published_on,
        fields=tuple(dict.fromkeys(name for name in map(_name, entry.fields[:100]) if name)),
        upvotes=_count(entry.upvotes),
        comments=_count(entry.comments),
    )


def _safe_url(url: str | None) -> str | None:
    """The address if it is one of the web, without blanks and of a length a mail can carry."""
    return url if url and len(url) <= 1000 and _WEB.fullmatch(url) else None


def _head(text: str, limit: int) -> str:
    # Only the beginning can survive the limit: an abstract of a megabyte must not cost a megabyte's cleaning.
    return text if len(text) <= limit * 8 else text[: limit * 8]


def _name(text: str) -> str:
    return clean_text(_head(text, NAME_LIMIT), limit=NAME_LIMIT)


def _count(number: int | None) -> int | None:
    return number if number is not None and 0 <= number <= LARGEST_COUNT else None
