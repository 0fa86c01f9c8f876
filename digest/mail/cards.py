"""Papers as they stand in a mail. What everybody sees of a paper is written once, and shared by all who get it."""

from collections.abc import Hashable, Iterable
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from digest.mail.direction import Written
from digest.mail.quoted import Fragment
from digest.mail.templates import TemplateFolder
from digest.mail.view import NEWS, Entry, News, card_of, feedback_of, unlinked, why_of
from digest.model import Paper

_KEPT = 8_000  # of each kind, some 3 kB apiece; a week has a few thousand papers


@dataclass(frozen=True, slots=True)
class Detail:
    """How much is told of each paper."""

    card: str  # name of its template
    snippet: int  # characters of the abstract
    has_reasons: bool


# From what we like to what always fits.
DETAILS = (Detail("card", 260, True), Detail("card", 120, True), Detail("row", 0, False))


class Both(NamedTuple):
    """The same words twice: as HTML and as plain text."""

    html: Fragment
    text: Fragment


class CardWriter:
    """Writes papers, reasons and headings, and remembers them."""

    def __init__(self, templates: TemplateFolder, *, shares: bool = True) -> None:
        names = ("card", "row", "why", "feedback", "heading", "more", "update")
        self._html = {name: templates.html(f"digest/{name}.html") for name in names}
        self._text = {name: templates.text(f"digest/{name}.txt") for name in names}
        self._cards: dict[tuple[str, int], tuple[Paper, Both]] = {}
        self._tails: dict[tuple[Hashable, ...], Both] = {}
        self._others: dict[tuple[str, Hashable], Both] = {}
        self._kept = _KEPT if shares else 0

    def papers(self, entries: Iterable[Entry], detail: Detail, feedback_url: str | None) -> list[Both]:
        """Each paper: the heading of its section where one begins, its card, the reasons, the links below `feedback_url`."""
        written: list[Both] = []
        for entry in entries:
            paper, heading, chips, term = entry
            if heading:
                written.append(self._other("heading", heading))
            written.append(self._card(paper, detail))
            if detail.has_reasons:
                key = (paper.id, chips, term, paper.upvotes, paper.comments, feedback_url)
                written.append(self._tails.get(key) or self._tail(key, entry, feedback_url))
        return written

    def news(self, news: list[News]) -> list[Both]:
        """The papers of earlier digests, below their heading."""
        told = [self._other("update", one) for one in news]
        return [self._other("heading", NEWS), *told] if told else []

    def more(self, said: str) -> Both:
        """The line that says how many papers found no room."""
        return self._other("more", said)

    def _card(self, paper: Paper, detail: Detail) -> Both:
        known = self._cards.get((paper.id, detail.snippet))
        # The same id may come with newer votes or a longer abstract.
        if known and (known[0] is paper or known[0] == paper):
            return known[1]
        card = card_of(paper, snippet=detail.snippet)
        card = replace(card, title=Written(unlinked(card.title)), snippet=Written(unlinked(card.snippet)))
        written = self._write(detail.card, {"card": card})
        _remember(self._cards, (paper.id, detail.snippet), (paper, written), self._kept)
        return written

    def _tail(self, key: tuple[Hashable, ...], entry: Entry, feedback_url: str | None) -> Both:
        """What is said below the card."""
        said = self._write("why", {"why": why_of(entry, is_last=feedback_url is None)})
        if feedback_url:
            links = self._write("feedback", {"feedback": feedback_of(entry, feedback_url)})
            said = Both(said.html + links.html, said.text + links.text)
        _remember(self._tails, key, said, self._kept)
        return said

    def _other(self, name: str, said: Hashable) -> Both:
        known = self._others.get((name, said))
        if known is None:
            known = self._write(name, {name: said})
            _remember(self._others, (name, said), known, self._kept)
        return known

    def _write(self, name: str, values: dict[str, Any]) -> Both:
        return Both(self._html[name](values), self._text[name](values))


def _remember(known: dict[Any, Any], key: Hashable, what: object, limit: int) -> None:
    """Keep at most `limit`. A full memory is emptied: the day's papers are back after the next mail."""
    if len(known) >= limit:
        known.clear()
    if limit:
        known[key] = what
