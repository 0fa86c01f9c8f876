"""A Daily Papers page saved as plain text: blank lines part its paragraphs.

    page  := ["new" ...] ["Daily Papers"] "by AK and the research community" ["Oct 27"] paper...
    paper := TITLE [ABSTRACT] [META]
    META  := "  • 5 authors" | "kyutai Kyutai"      one paragraph of three lines; the number at its end counts
             "·"                                    the paper's comments, never its upvotes
             "Aug 2, 2024 1"

Nothing marks where a paper begins, so the reading rests on two facts: a META closes a paper, and no title is longer than
300 characters. The length of an abstract says nothing.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date
from itertools import islice

from digest.model import ParsedPage, Rejected
from digest.pages.dates import PrintedDate, page_day, printed_date
from digest.pages.document import Document
from digest.pages.entry import TITLE_LIMIT, Entry
from digest.pages.outcome import MOST_ENTRIES, broken, listed

FORMAT = "huggingface-text"
_BYLINE = re.compile(r"by\s*AK and the research community")
_BANNER = re.compile(r"Get trending papers in your email inbox")
_BEFORE_PAPERS = frozenset(
    {"new", "subscribe", "daily papers", "daily", "weekly", "monthly", "trending papers"}
)
_META = re.compile(r"(?m)^[^\n]{1,300}\n·\n[A-Z][a-z]{2,8} \d")
_AUTHORS = re.compile(r"\s*•?\s*(\d{1,5}) authors?\s*")
_DATE_LINE = re.compile(r"(?P<date>[A-Z][a-z]{2,8} \d{1,2}(?:, \d{4})?)(?: (?P<comments>\d{1,6}))?")
_SENTENCE_ENDS = tuple(".!?…。)]}\"'”’»`*$")


@dataclass(frozen=True, slots=True)
class _Meta:
    """The three lines under a paper; `whole` is false where the page ends among them."""

    authors_count: int | None = None
    organization: str | None = None
    handle: str | None = None
    printed: PrintedDate | None = None
    comments: int | None = None
    whole: bool = True


@dataclass(frozen=True, slots=True)
class _Paragraph:
    line: int  # of its first line, from 1
    text: str
    meta: _Meta | None = None

    @property
    def may_be_title(self) -> bool:
        return self.meta is None and len(self.text) <= TITLE_LIMIT


def recognises(document: Document) -> bool:
    """Whether the text has the page's header, or at least one paper's three lines."""
    head = document.text[:5_000]
    return bool(_BYLINE.search(head) or _BANNER.search(head) or _META.search(document.text))


def read(document: Document) -> ParsedPage:
    """The papers of the page. A paper cut by the page's end is rejected, and the page says so."""
    paragraphs = list(islice(_paragraphs(document.text), 4 * MOST_ENTRIES))
    header, start = _header(paragraphs)
    found = list(_papers(paragraphs[start:]))
    if not found:
        return broken(
            FORMAT, "It has the page's header and no paper: it was saved before it had loaded; save it again."
        )
    printed = [meta.printed for _, meta in found if meta and meta.printed]
    rendered_on, limit = page_day(header, printed, document.page.fetched_at.date())
    entries = [_dated(entry, meta, limit) for entry, meta in found]
    reason = None
    if not document.text.endswith("\n"):
        entries[-1], reason = _at_the_end(entries[-1], found[-1][1])
    return listed(FORMAT, entries, listed_on=rendered_on, reason=reason)


def _paragraphs(text: str) -> Iterator[_Paragraph]:
    lines: list[str] = []
    for number, line in enumerate([*text.split("\n"), ""], 1):
        if line.strip():
            lines.append(line.strip())
        elif lines:
            yield _Paragraph(number - len(lines), " ".join(lines), _meta(lines))
            lines = []


def _header(paragraphs: list[_Paragraph]) -> tuple[PrintedDate | None, int]:
    """The page's printed date, and the index of the first paragraph after the header."""
    byline = next((at for at, part in enumerate(paragraphs[:20]) if _BYLINE.search(part.text)), -1)
    printed = None
    for index in range(byline + 1, len(paragraphs)):
        text = paragraphs[index].text
        if text.lower() not in _BEFORE_PAPERS and not _BANNER.match(text) and printed_date(text) is None:
            return printed, index
        printed = printed or printed_date(text)
    return printed, len(paragraphs)


def _papers(paragraphs: list[_Paragraph]) -> Iterator[tuple[Entry | Rejected, _Meta | None]]:
    index = 0
    while index < len(paragraphs):
        title = paragraphs[index]
        index += 1
        if not title.may_be_title:
            what = "Text without a title" if title.meta is None else "Details without a paper"
            yield (
                Rejected(
                    f"line {title.line}", f"{what}: a piece of the page is missing here; save it again."
                ),
                title.meta,
            )
            continue
        abstract = meta = None
        if _is_abstract(paragraphs[index : index + 2]):
            abstract = paragraphs[index].text
            index += 1
        if index < len(paragraphs) and paragraphs[index].meta:
            meta = paragraphs[index].meta
            index += 1
        yield Entry(f"line {title.line}", title.text, abstract), meta


def _is_abstract(after_title: list[_Paragraph]) -> bool:
    """Whether the paragraph after a title is its abstract, or already the next title since this paper has none."""
    if not after_title or after_title[0].meta:
        return False
    here = after_title[0]
    if not here.may_be_title or len(after_title) == 1 or after_title[1].meta:
        return True
    following = after_title[1]
    sentence_follows = following.text.endswith(".") and not here.text.endswith((".", "?", "!"))
    return following.may_be_title and not sentence_follows


def _meta(lines: list[str]) -> _Meta | None:
    """The details of a paper, if these lines are such: three, with a lone dot in the middle, or what a cut left of them."""
    counted = _AUTHORS.fullmatch(lines[0])
    middle = lines[1:2] == ["·"]
    if len(lines) > 3 or not (middle or (counted and len(lines) == 1 and lines[0].startswith("•"))):
        return None
    dated = _DATE_LINE.fullmatch(lines[2]) if len(lines) == 3 else None
    printed = printed_date(dated["date"]) if dated else None
    handle, _, display = lines[0].partition(" ")
    return _Meta(
        authors_count=int(counted[1]) if counted else None,
        organization=None if counted else display.strip() or handle,
        handle=None if counted else handle,
        printed=printed,
        comments=int(dated["comments"]) if dated and printed and dated["comments"] else None,
        whole=printed is not None,
    )


def _dated(entry: Entry | Rejected, meta: _Meta | None, limit: date) -> Entry | Rejected:
    if meta is None or isinstance(entry, Rejected):
        return entry
    return replace(
        entry,
        authors_count=meta.authors_count,
        organization=meta.organization,
        organization_handle=meta.handle,
        published_on=meta.printed.on_or_before(limit) if meta.printed else None,
        comments=meta.comments,
    )


def _at_the_end(last: Entry | Rejected, meta: _Meta | None) -> tuple[Entry | Rejected, str | None]:
    """The last entry of a page without a final line end, and what is to be said if the page is cut there.

    Saved pages do end so, whole ones too: only a title without an abstract, an abstract that stops inside a sentence and
    details without their date show a cut. Where just the details are cut, the paper is whole and stays.
    """
    reason = (
        "The page stops in the middle of its last paper: it was saved or copied incompletely; save it again."
    )
    if isinstance(last, Rejected):
        return last, None
    if meta is not None:
        return last, None if meta.whole else reason
    if last.abstract is not None and _ends_a_sentence(last.abstract):
        return last, None
    return Rejected(
        last.where, "The page ends inside this paper, so it is incomplete: save the page again."
    ), reason


def _ends_a_sentence(text: str) -> bool:
    last_word = text.split()[-1]
    return last_word.endswith(_SENTENCE_ENDS) or "://" in last_word or "github.com/" in last_word
