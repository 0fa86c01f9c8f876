"""Papers as they stand in a mail. What everybody sees of a paper is written once, and shared by all who get it.

So is what is said of a keyword. What stands below a paper for one reader is put together from such pieces: there are too
many pairs of a paper and its reasons to write each anew.
"""

from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Any, TypeVar

from digest.mail.direction import Written, isolated
from digest.mail.links import mute_url, vote_urls
from digest.mail.quoted import Fragment, cut
from digest.mail.templates import TemplateFolder
from digest.mail.view import NEWS, Entry, News, card_of, unlinked, why_of
from digest.model import Paper

_KEPT = 8_000  # papers, some 4 kB apiece; a week has a few thousand
_KEPT_TAILS = 32_000  # papers with reasons, some 2 kB apiece where they came twice
_KEPT_WORDS = 32_000  # chips and the like, some 300 bytes apiece
_NOTHING = Fragment("")
Key = TypeVar("Key", bound=Hashable)
Made = TypeVar("Made")


@dataclass(frozen=True, slots=True)
class Detail:
    """How much is told of each paper."""

    card: str  # name of its template
    snippet: int  # characters of the abstract
    has_reasons: bool


# From what we like to what always fits.
DETAILS = (Detail("card", 260, True), Detail("card", 120, True), Detail("row", 0, False))


@dataclass(slots=True)
class Both:
    """The same words twice: as HTML and as plain text, the parts of a `Fragment` each."""

    html: Sequence[bytes]
    text: Sequence[bytes]
    size: int  # of the HTML, in bytes of UTF-8


def _both(html: str, text: str) -> Both:
    in_html, in_text = Fragment(html) if html else _NOTHING, Fragment(text) if text else _NOTHING
    return Both(in_html.parts, in_text.parts, in_html.size)


class Known(dict[Key, Made]):
    """What `make` made of each key, at most `limit` of them: then the older half is forgotten."""

    def __init__(self, make: Callable[[Key], Made], limit: int) -> None:
        self._make = make
        self._limit = limit

    def __missing__(self, key: Key) -> Made:
        made = self._make(key)
        _remember(self, key, made, self._limit)
        return made


def _remember(known: dict[Key, Made], key: Key, made: Made, limit: int) -> None:
    if len(known) >= limit and key not in known:
        for old in list(islice(known, (limit + 1) // 2)):
            known.pop(old, None)  # another thread may have been here
    if limit:
        known[key] = made


# What decides what stands below the reasons: the place of the links; whether there are no reasons, whether they say the
# votes, and whether none is a term.
_Below = tuple[str | None, bool, bool, bool]


@dataclass(slots=True, eq=False)
class _Written:
    """A paper for everybody: its card, and what stands below the reasons."""

    paper: Paper
    card: Both
    below: dict[_Below, Both] = field(default_factory=dict)


_Tail = tuple[_Written, str | None, tuple[str, ...], bool, str]


class CardWriter:
    """Writes papers, reasons and headings, and remembers them."""

    def __init__(self, templates: TemplateFolder, *, shares: bool = True) -> None:
        names = ("card", "row", "feedback", "mute", "heading", "more", "update")
        self._html = {name: templates.html(f"digest/{name}.html") for name in names}
        self._text = {name: templates.text(f"digest/{name}.txt") for name in names}
        chip_of, line_of = templates.html("digest/chip.html"), templates.text("digest/reasons.txt")
        self._why = (templates.around_chips("digest/why.html"), templates.around_chips("digest/why.txt"))
        self._papers: dict[tuple[str, int], _Written] = {}
        self._tails: dict[_Tail, Both | None] = {}  # None: came once
        self._kept, self._kept_tails = (_KEPT, _KEPT_TAILS) if shares else (0, 0)
        words = _KEPT_WORDS if shares else 0
        # In HTML each reason stands for itself, in plain text they are one line.
        self._chips = Known[str, Both](lambda chip: _both(chip_of({"chip": chip}), ""), words)
        self._lines = Known[tuple[str, ...], Both](
            lambda chips: _both("", line_of({"reasons": f"Why: {'; '.join(chips)}"})), words
        )
        self._mutes = Known(self._mute, words)
        self._headings = Known[str, Both](lambda said: self._write("heading", {"heading": said}), words)

    def papers(self, entries: Iterable[Entry], detail: Detail, feedback_url: str | None) -> Both:
        """Each paper: the heading of its section where one begins, its card, the reasons, the links below `feedback_url`."""
        things: list[Both] = []
        for entry in entries:
            paper, heading, chips, says_votes, term = entry
            if heading:
                things.append(self._headings[heading])
            known = self._paper(paper, detail)
            things.append(known.card)
            if detail.has_reasons:
                key = (known, feedback_url, chips, says_votes, term)
                tail = self._tails.get(key)
                things += (tail,) if tail else self._tail(key, entry)
        return joined(things)

    def news(self, news: Iterable[News]) -> Both:
        """The papers of earlier digests, below their heading."""
        told = [self._write("update", {"update": one}) for one in news]
        return joined([self._headings[NEWS], *told] if told else [])

    def more(self, said: str) -> Both:
        """The line that says how many papers found no room."""
        return self._write("more", {"more": said})

    def _paper(self, paper: Paper, detail: Detail) -> _Written:
        key = (paper.id, detail.snippet)
        known = self._papers.get(key)
        # The same id may come with newer votes or a longer abstract.
        if known is None or not (known.paper is paper or known.paper == paper):
            known = _Written(paper, self._card(paper, detail))
            _remember(self._papers, key, known, self._kept)
        return known

    def _card(self, paper: Paper, detail: Detail) -> Both:
        """What stands above the reasons."""
        card = card_of(paper, snippet=detail.snippet)
        card = replace(card, title=Written(unlinked(card.title)), snippet=Written(unlinked(card.snippet)))
        html, text = self._html[detail.card]({"card": card}), self._text[detail.card]({"card": card})
        if detail.has_reasons:
            (html_head, _), (text_head, _) = self._why
            html, text = html + html_head({}), text + text_head({})
        return _both(html, text)

    def _tail(self, key: _Tail, entry: Entry) -> list[Both]:
        """What stands below a card. It is joined and kept when it comes a second time, since most never do."""
        known, feedback_url, chips, says_votes, term = key
        things = [self._chips[chip] for chip in chips]
        if chips:
            things.append(self._lines[chips])
        decides = (feedback_url, not chips, says_votes, not term)
        things.append(known.below.get(decides) or self._below(decides, entry, known))
        if term and feedback_url:
            things.append(self._mutes[feedback_url, term])
        came_before = key in self._tails
        _remember(self._tails, key, _merged(things) if came_before else None, self._kept_tails)
        return things

    def _below(self, key: _Below, entry: Entry, known: _Written) -> Both:
        """What stands below the reasons: votes that they do not say, and the links for an opinion."""
        feedback_url = key[0]
        values: dict[str, Any] = {
            "votes": why_of(entry).votes,
            "has_chips": bool(entry.chips),
            "has_term": bool(entry.term),
            "is_last": feedback_url is None,
        }
        html, text = [foot(values) for _, foot in self._why]
        if feedback_url:
            values["more_url"], values["less_url"] = vote_urls(feedback_url, entry.paper.id)
            html, text = html + self._html["feedback"](values), text + self._text["feedback"](values)
        known.below[key] = below = _both(html, text)
        return below

    def _mute(self, key: tuple[str, str]) -> Both:
        base, term = key
        return self._write("mute", {"term": isolated(term), "mute_url": mute_url(base, term)})

    def _write(self, name: str, values: dict[str, Any]) -> Both:
        return _both(self._html[name](values), self._text[name](values))


def joined(things: Iterable[Both]) -> Both:
    """All of them, below each other."""
    html: list[bytes] = []
    text: list[bytes] = []
    size = 0
    for both in things:
        html += both.html
        text += both.text
        size += both.size
    return Both(html, text, size)


def _merged(things: Iterable[Both]) -> Both:
    """All of them, in as few parts as may be."""
    all_of_them = joined(things)
    html, text = b"".join(all_of_them.html), b"".join(all_of_them.text)
    return Both(cut(html), cut(text), all_of_them.size)
