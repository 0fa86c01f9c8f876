"""Daily Papers pages as crawlers and note-takers save them: text whose links are written out.

    ### [Title](https://huggingface.co/papers/2606.00683)         a link in place, or
    ### [Title][32]   ...   [32]: https://huggingface.co/...      a footnote, or
    Title             and the address alone on the next line

Almost every piece of a card links to its paper, so pieces are put together by the id in their links; a piece without one
(organisation, date) belongs to the paper last spoken of.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from digest.model import ParsedPage
from digest.pages.dates import printed_date
from digest.pages.document import Document
from digest.pages.entry import Entry, with_years
from digest.pages.outcome import MOST_ENTRIES, broken, listed

FORMAT = "huggingface-markdown"
_PAPER_URL = r"https?://(?:www\.)?huggingface\.co/papers/(?P<id>\d{4}\.\d{4,5})"
_OURS = re.compile(
    rf"(?m)\]\({_PAPER_URL}\)\s*$|^[ \t]*(?:\[?\d{{1,4}}[\].:]{{1,2}}[ \t]*)?https?://huggingface\.co/papers/\d{{4}}\.\d{{4,5}}[ \t]*$"
)
_WRITTEN_LINK = re.compile(r"(?m)^#{1,6} \[|\]\[\d{1,4}\]\s*$|https?://huggingface\.co/login\?next=")
_PAPER = re.compile(rf"{_PAPER_URL}(?P<comments>#community)?")
_LOGIN = re.compile(r"https?://huggingface\.co/login\?next=(?:%2F|/)papers(?:%2F|/)(?P<id>\d{4}\.\d{4,5})")
_HANDLE = re.compile(r"https?://huggingface\.co/(?P<handle>[A-Za-z0-9_.-]+)")
_NO_HANDLES = frozenset({"papers", "models", "datasets", "spaces", "posts", "docs", "pricing", "login", "join", "terms-of-service",
                         "privacy", "huggingface", "enterprise", "settings", "new", "tasks", "learn", "blog", "changelog"})  # fmt: skip
_REFERENCE = re.compile(r"(?m)^[ \t]*\[?(\d{1,4})[\].:]{1,2}[ \t]*(https?://\S+)[ \t]*$")
_LINK_END = re.compile(r"\]\s*(?:\((https?://[^\s()]{1,2000})(?:\s\"[^\"\n]*\")?\)|\[(\d{1,4})\])\s*$")
_URL_LINE = re.compile(r"(?:^|\n)[ \t]*(https?://\S+)\s*$")
# A picture, or what a text tool leaves of one: `[kyutai] Kyutai`. Bounded, as unclosed brackets may be many.
_PICTURE = re.compile(r"!\[[^\]\n]{0,300}\]\([^()\s]{0,2000}\)|^\s*\[[A-Za-z0-9_.-]{1,96}\](?=\s)")
_AUTHORS = re.compile(r"(\d{1,5})\s+authors?")
_ESCAPED = re.compile(r"\\([_*\[\]`#])")
_BROKEN_LINE = re.compile(r"(?<!\\)\\+[ \t]*\n|\\ {2,}")
_NUMBER = re.compile(r"(\d{1,7})\s*$")


@dataclass(frozen=True, slots=True)
class _Piece:
    """What one paragraph shows, and where it links to."""

    line: int
    text: str
    url: str = ""


def recognises(document: Document) -> bool:
    """Whether a paragraph of the text is, or ends with, a link to a paper; addresses inside sentences do not count."""
    text = document.text
    if "email inbox" in text[:2000] and _WRITTEN_LINK.search(text):
        return True  # the page, even where the addresses of its papers are cut off
    return "huggingface.co/papers/" in text and _OURS.search(text) is not None


def read(document: Document) -> ParsedPage:
    """The papers of the page, each with its id."""
    found: dict[str, Entry] = {}
    current = ""
    header = None
    for piece in _pieces(document.text):
        if len(found) > MOST_ENTRIES:
            break
        known = _PAPER.match(piece.url) or _LOGIN.match(piece.url)
        if known:
            current = known["id"]
            entry = found.get(current) or Entry(f"line {piece.line}", "", known_id=current)
            found[current] = _with_linked(entry, piece)
        elif current:
            found[current] = _with_loose(found[current], piece)
        else:
            header = header or printed_date(piece.text)
    if not found:
        return broken(
            FORMAT, "It names papers, but the addresses they link to are missing or cut: save the page again."
        )
    entries, rendered_on = with_years(found.values(), header, document.latest_day)
    return listed(FORMAT, entries, listed_on=rendered_on)


def _with_linked(entry: Entry, piece: _Piece) -> Entry:
    """The entry with what a link to its paper shows: votes, title, abstract, number of authors or of comments."""
    counted = _AUTHORS.search(piece.text) if len(piece.text) < 100 else None
    number = _NUMBER.search(piece.text[-20:])
    if _LOGIN.match(piece.url):
        return replace(entry, upvotes=int(number[1])) if number else entry
    if piece.url.endswith("#community"):
        return replace(entry, comments=int(number[1])) if number else entry
    if not piece.text:
        return entry
    if counted and entry.title:
        return replace(entry, authors_count=int(counted[1]))
    if not entry.title:
        return replace(entry, title=piece.text)
    return replace(entry, abstract=max(entry.abstract or "", piece.text, key=len))


def _with_loose(entry: Entry, piece: _Piece) -> Entry:
    """The entry with what stands beside its links: the organisation before the date, then the date."""
    handle = _HANDLE.fullmatch(piece.url)
    if (
        handle
        and entry.printed is None
        and entry.organization is None
        and handle["handle"] not in _NO_HANDLES
    ):
        name = piece.text or handle["handle"]
        return replace(entry, organization=name, organization_handle=handle["handle"])
    return replace(entry, printed=entry.printed or printed_date(piece.text))


def _pieces(text: str) -> Iterator[_Piece]:
    """The paragraphs, with their links taken out of them. A paragraph may hold a loose text before its link."""
    text = _without_a_cut_address(text)
    references = dict(_REFERENCE.findall(text))
    waiting: _Piece | None = (
        None  # text whose address, or the end of whose link, comes in a paragraph of its own
    )
    for line, block in _blocks(text):
        body, url = _linked(block, references)
        piece = _Piece(line, body, url)
        if waiting and (waiting.text.startswith("[") or not body):
            piece = _Piece(waiting.line, f"{waiting.text}\n\n{body}", url)
        elif waiting:
            yield _plain(waiting)
        waiting = None if url else piece
        if url:
            yield from _parts(piece)
    if waiting and not waiting.text.startswith("["):
        yield _plain(waiting)


def _without_a_cut_address(text: str) -> str:
    """The text without an address at its very end: a part of an id looks like an id."""
    before, _, last = text.rpartition("\n")
    return before if "https://" in last and not last.rstrip().endswith((")", "]")) else text


def _parts(piece: _Piece) -> Iterator[_Piece]:
    """What stands before the link's bracket, if anything, and what stands in it."""
    before, bracket, inner = piece.text.partition("[")
    if bracket and before.strip(" \t\n#*-"):
        yield _plain(_Piece(piece.line, before))
    yield _plain(replace(piece, text=inner if bracket else piece.text))


def _blocks(text: str) -> Iterator[tuple[int, str]]:
    lines: list[str] = []
    for number, line in enumerate([*text.split("\n"), ""], 1):
        if line.strip():
            lines.append(line)
        elif lines:
            yield number - len(lines), "\n".join(lines)
            lines = []


def _linked(block: str, references: dict[str, str]) -> tuple[str, str]:
    """A paragraph without the link at its end, and where that leads; no address if there is no link."""
    if link := _LINK_END.search(block):
        return block[: link.start()], link[1] or references.get(link[2], "")
    if address := _URL_LINE.search(block):
        return block[: address.start()], address[1]
    return block, ""


def _plain(piece: _Piece) -> _Piece:
    """The piece without pictures, broken lines and the marks of headings."""
    text = _BROKEN_LINE.sub(" ", piece.text).lstrip(" \t\n#·")
    text = " ".join(_ESCAPED.sub(r"\1", _PICTURE.sub(" ", text)).split())
    return replace(piece, text=text)
