r"""arXiv's daily listing mail (https://info.arxiv.org/help/subscribe.html), its text alone or with the mail around it.

    \\
    arXiv:2601.15305 (*cross-listing*)
    Date: Mon, 12 Jan 2026 20:33:39 GMT   (215kb)

    Title: ...                       fields go on in lines that begin with two blanks
    Authors: ...
    Categories: cs.AI
    \\
      Abstract, wrapped.
    \\ ( https://arxiv.org/abs/2601.15305 ,  215kb)
    ------------------------------------------------------------------------------
"""

import re
from datetime import date

from digest.model import ParsedPage, Rejected
from digest.pages.arxiv_subjects import subjects
from digest.pages.dates import day_of, printed_date
from digest.pages.document import Document
from digest.pages.entry import Entry
from digest.pages.outcome import broken, empty, listed

FORMAT = "arxiv-mail"
_ID = re.compile(
    r"(?m)^arXiv:(\d{4}\.\d{4,5}|[a-z-]+(?:\.[A-Z]{2})?/\d{7})(?:v\d+)?(?:\s+\(\*cross-listing\*\))?\s*$"
)
_HEAD = re.compile(r"Archives at https?://arxiv\.org/|received from\s+\w{3} \d{1,2} \w{3} \d\d ")
_RULE = re.compile(r"(?m)^-{60,}\s*$|^%{60,}\s*$|^%%--%%.*$")
_PART = re.compile(r"(?m)^\\\\(?:[ \t]*\(.*)?[ \t]*$")
_FIELD = re.compile(r"(?m)^([A-Z][A-Za-z-]{2,15}):[ \t]*")
_DATE = re.compile(r"\w{3}, (\d{1,2}) ([A-Z][a-z]{2}) (\d{4})\b")
_UNTIL = re.compile(r"\bto\s+\w{3} (\d{1,2}) ([A-Z][a-z]{2}) (\d\d) ")
_UNSHOWN = re.compile(r"\((\d{1,5}) additional authors not shown\)")
_AND = re.compile(r", ?(?:and )?| and ")
_NOTE = re.compile(r"\([^()]{0,300}\)")


def recognises(document: Document) -> bool:
    """Whether the text has the mail's header or an entry of it."""
    return _HEAD.search(document.text[:20_000]) is not None or _ID.search(document.text) is not None


def read(document: Document) -> ParsedPage:
    """The papers of the mail: new ones and cross-lists, and replacements, which come without an abstract."""
    text = document.text.replace("\u00a0", " ")
    blocks = [block for block in _RULE.split(text) if _PART.search(block)]
    until = _UNTIL.search(text[:20_000])
    listed_on = _day(until[3], until[2], until[1]) if until else None
    entries = [_entry(f"entry {number}", block) for number, block in enumerate(blocks, 1)]
    if entries:
        return listed(FORMAT, entries, listed_on=listed_on)
    if until:
        return empty(FORMAT, "The mail is whole and announces no paper.", listed_on=listed_on)
    return broken(FORMAT, "It is arXiv's listing mail without any entry: it is cut; save the whole mail.")


def _entry(where: str, block: str) -> Entry | Rejected:
    marks = list(_PART.finditer(block))
    head = block[marks[0].end() : marks[1].start() if len(marks) > 1 else None]
    known, fields = _ID.search(head), _fields(head)
    if known is None:
        return Rejected(where, "It has no arXiv id.")
    if "title" not in fields:
        return Rejected(where, f"arXiv:{known[1]} is named without a title; nothing can be shown.")
    if len(marks) < 2 or "(" not in marks[-1][0]:  # the closing mark holds the address
        return Rejected(where, f"arXiv:{known[1]} stops before its end; save the whole mail.")
    names, count = _authors(fields.get("authors") or fields.get("author") or "")
    return Entry(
        where,
        fields["title"],
        block[marks[1].end() : marks[-1].start()],  # nothing for a replacement, which has no abstract
        known_id=f"arXiv:{known[1]}",
        authors=names,
        authors_count=count,
        published_on=_published(fields.get("date", "")),
        fields=subjects(fields.get("categories", "")),
        is_tex=True,
    )


def _fields(head: str) -> dict[str, str]:
    """`Title: ...` and its like, by name in lower case; a field goes on until the next one begins."""
    pieces = _FIELD.split(head)
    found: dict[str, str] = {}
    for name, value in zip(pieces[1::2], pieces[2::2], strict=False):
        found.setdefault(name.lower(), value.strip())
    return found


def _authors(text: str) -> tuple[tuple[str, ...], int | None]:
    """The names shown, and the number of all: `A, B, et al. (97 additional authors not shown)`."""
    unshown = _UNSHOWN.search(text)
    shown = text.replace("et al.", " ")
    for _depth in range(3):  # affiliations: `A. One (1), B. Two (2) ((1) Here, (2) There)`
        shown = _NOTE.sub(" ", shown)
    names = tuple(filter(None, map(str.strip, _AND.split(" ".join(shown.split())))))
    return names, len(names) + int(unshown[1]) if unshown else None


def _published(text: str) -> date | None:
    match = _DATE.search(text)
    return _day(match[3], match[2], match[1]) if match else None


def _day(year: str, month: str, day: str) -> date | None:
    printed = printed_date(f"{month} {day}")
    full = int(year) + (0 if len(year) == 4 else 2000 if int(year) < 91 else 1900)
    return day_of(full, printed.month, printed.day) if printed else None
