"""The paragraphs of a Daily Papers page saved as text, and the details under its papers among them.

Pages come with blank lines between the paragraphs, or copied from a browser with one line a piece:

      • 5 authors                5 authors
    ·                            ·
    Aug 2, 2024 1                Aug 2, 2024
                                 1                comments, where there are any
                                 32               upvotes of the next paper, or a dash
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from digest.pages.dates import PrintedDate, printed_date
from digest.pages.entry import TITLE_LIMIT

_AUTHORS = re.compile(r"\s*•?\s*(\d{1,5}) authors?\s*")
_DATE_LINE = re.compile(
    r"(?:Published on )?(?P<date>[A-Z][a-z]{2,8} \d{1,2}(?:, \d{4})?)(?: (?P<comments>\d{1,6}))?"
)
_COUNT = re.compile(r"\d{1,6}|-")
_BUTTON = re.compile(r"(?:Upvote|GitHub)(?: [\d.,]{1,8}k?)?|arXiv Page|·")
MOST_PARAGRAPHS = 50_000  # of one page; three or four make a paper
_LINE_BY_LINE = frozenset({"·", "Monthly", "Trending Papers"})  # lines of their own in a copied page
_FOOTER = ("system theme", "company", "tos")


@dataclass(frozen=True, slots=True)
class Meta:
    """The details under a paper; `whole` is false where the page ends among them."""

    authors_count: int | None = None
    organization: str | None = None
    handle: str | None = None
    printed: PrintedDate | None = None
    comments: int | None = None
    whole: bool = True


@dataclass(frozen=True, slots=True)
class Paragraph:
    """One paragraph as one line of text, or the details it is. `upvotes` stand before a title where a page has them."""

    line: int  # of its first line, from 1
    text: str
    meta: Meta | None = None
    upvotes: int | None = None

    @property
    def may_be_title(self) -> bool:
        """Whether a title can be so long. There is nothing else to tell one by."""
        return self.meta is None and len(self.text) <= TITLE_LIMIT


def paragraphs(text: str) -> Iterator[Paragraph]:
    """The paragraphs of a page up to its footer, without its buttons and the numbers on them."""
    upvotes: int | None = None
    before = "details"
    for line, lines, copied in _together(list(islice(_pieces(text), MOST_PARAGRAPHS))):
        joined, meta = " ".join(lines), _meta(lines, with_handle=not copied)
        if _BUTTON.fullmatch(joined):
            before = "button"
        elif meta is None and before == "button" and _COUNT.fullmatch(joined):
            continue
        elif meta is None and before == "details" and _COUNT.fullmatch(joined):
            upvotes = int(joined) if joined.isdecimal() else None
        else:
            before = "details" if meta or printed_date(joined) else ""
            yield Paragraph(line, joined, meta, upvotes)
            upvotes = None


def _pieces(text: str) -> Iterator[tuple[int, list[str]]]:
    """Line numbers and lines of what blank lines part; a copied page, which has none, falls into single lines."""
    lines: list[str] = []
    for number, line in enumerate([*text.split("\n"), ""], 1):
        if line.strip():
            lines.append(line.strip())
        elif lines:
            start = number - len(lines)
            if len(lines) > 3 and not _LINE_BY_LINE.isdisjoint(lines):
                yield from ((start + offset, [line]) for offset, line in enumerate(lines))
            else:
                yield start, lines
            lines = []


def _together(pieces: list[tuple[int, list[str]]]) -> Iterator[tuple[int, list[str], bool]]:
    """The pieces, with details that stand one a piece put together into the three lines they are elsewhere.

    Third comes whether they were so: then an organisation shows its name only, since pictures are not copied.
    """
    texts = [" ".join(lines) for _, lines in pieces]
    at = 0
    while at < len(pieces) and not _is_footer(texts[at : at + 2]):
        line, lines = pieces[at]
        at += 1
        copied = len(lines) == 1 and texts[at : at + 1] == ["·"] and at + 1 < len(texts)
        if copied and _DATE_LINE.fullmatch(texts[at + 1]):
            comments = _comments(texts[at + 2 : at + 4])
            lines = [lines[0], "·", " ".join([texts[at + 1], *filter(str.isdecimal, comments)])]
            at += 2 + len(comments)
        yield line, lines, copied


def _comments(following: list[str]) -> list[str]:
    """The number of comments after a date, if one follows: of two numbers the second is the next paper's upvotes."""
    counts = [text for text in following if _COUNT.fullmatch(text)]
    return counts[:1] if len(counts) == 2 or counts == following else []


def _is_footer(texts: list[str]) -> bool:
    return len(texts) == 2 and all(text.lower() in _FOOTER for text in texts)


def _meta(lines: list[str], *, with_handle: bool) -> Meta | None:
    """The details of a paper, if these lines are such: three, with a lone dot in the middle, or what a cut left of them."""
    counted = _AUTHORS.fullmatch(lines[0])
    middle = lines[1:2] == ["·"]
    if len(lines) > 3 or not (middle or (counted and len(lines) == 1 and lines[0].startswith("•"))):
        return None
    dated = _DATE_LINE.fullmatch(lines[2]) if len(lines) == 3 else None
    printed = printed_date(dated["date"]) if dated else None
    handle, _, display = lines[0].partition(" ") if with_handle else ("", "", lines[0])
    return Meta(
        authors_count=int(counted[1]) if counted else None,
        organization=None if counted else display.strip() or handle,
        handle=None if counted else handle or None,
        printed=printed,
        comments=int(dated["comments"]) if dated and printed and dated["comments"] else None,
        whole=printed is not None,
    )
