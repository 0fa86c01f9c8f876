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

from digest.model import ParsedPage, Rejected
from digest.pages.dates import PrintedDate, printed_date
from digest.pages.document import Document
from digest.pages.entry import Entry, with_years
from digest.pages.outcome import broken, listed
from digest.pages.paragraphs import Meta, Paragraph, paragraphs

FORMAT = "huggingface-text"
_BYLINE = re.compile(r"by\s*AK\s+and the research community")
_BYLINE_ENDS = "and the research community"
_BANNER = re.compile(r"Get trending papers in your email inbox")
_BEFORE_PAPERS = re.compile(
    r"new|subscribe|daily papers|[• ]*daily(?:[• ]+weekly[• ]+monthly)?|weekly|monthly|trending papers|by|ak",
    re.IGNORECASE,
)
_META = re.compile(r"(?m)^[^\n]{1,300}\n·\n[A-Z][a-z]{2,8} \d")
_ADDRESS = re.compile(r"://[\w-]+\.\w|github\.com/\w")
_SENTENCE_ENDS = tuple(".!?…。)]}\"'”’»`*$")


def recognises(document: Document) -> bool:
    """Whether the text has the page's header, or at least one paper's three lines."""
    head = document.text[:5_000]
    return bool(_BYLINE.search(head) or _BANNER.search(head) or _META.search(document.text))


def read(document: Document) -> ParsedPage:
    """The papers of the page. A paper cut by the page's end is rejected, and the page says so."""
    parts = list(paragraphs(document.text))
    header, start = _header(parts)
    found = list(_papers(parts[start:]))
    if not found:
        return broken(
            FORMAT, "It has the page's header and no paper: it was saved before it had loaded; save it again."
        )
    entries, rendered_on = with_years((entry for entry, _ in found), header, document.latest_day)
    reason = None
    if not document.text.endswith("\n"):
        entries[-1], reason = _at_the_end(entries[-1], found[-1][1])
    return listed(FORMAT, entries, listed_on=rendered_on, reason=reason)


def _header(parts: list[Paragraph]) -> tuple[PrintedDate | None, int]:
    """The page's printed date, and the index of the first paragraph after the header."""
    printed = None
    start = max((at + 1 for at, part in enumerate(parts[:60]) if _is_banner(part)), default=0)
    for index in range(start, len(parts)):
        text = parts[index].text
        if not (_BEFORE_PAPERS.fullmatch(text) or printed_date(text)):
            return printed, index
        printed = printed or printed_date(text)
    return printed, len(parts)


def _is_banner(part: Paragraph) -> bool:
    """Whether a paragraph is the page's invitation or its byline; what stands above is the site's menu."""
    return part.may_be_title and (part.text.endswith(_BYLINE_ENDS) or _BANNER.search(part.text) is not None)


def _papers(parts: list[Paragraph]) -> Iterator[tuple[Entry | Rejected, Meta | None]]:
    index = 0
    while index < len(parts):
        title = parts[index]
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
        if _is_abstract(parts[index : index + 2]):
            abstract = parts[index].text
            index += 1
        if index < len(parts) and parts[index].meta:
            meta = parts[index].meta
            index += 1
        yield _entry(title, abstract, meta), meta


def _is_abstract(after_title: list[Paragraph]) -> bool:
    """Whether the paragraph after a title is its abstract, or already the next title since this paper has none."""
    if not after_title or after_title[0].meta:
        return False
    here = after_title[0]
    if not here.may_be_title or len(after_title) == 1 or after_title[1].meta:
        return True
    following = after_title[1]
    sentence_follows = following.text.endswith(".") and not here.text.endswith((".", "?", "!"))
    return following.may_be_title and not sentence_follows


def _entry(title: Paragraph, abstract: str | None, meta: Meta | None) -> Entry:
    meta = meta or Meta()
    return Entry(
        f"line {title.line}",
        title.text,
        abstract,
        authors_count=meta.authors_count,
        organization=meta.organization,
        organization_handle=meta.handle,
        printed=meta.printed,
        upvotes=title.upvotes,
        comments=meta.comments,
    )


def _at_the_end(last: Entry | Rejected, meta: Meta | None) -> tuple[Entry | Rejected, str | None]:
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
    return last_word.endswith(_SENTENCE_ENDS) or _ADDRESS.search(last_word) is not None
