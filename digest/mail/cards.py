"""Papers as they stand in a mail. What everybody sees of a paper is written once, and shared by all who get it."""

from dataclasses import dataclass
from typing import Any

from digest.mail.quoted import Fragment
from digest.mail.templates import TemplateFolder, fill
from digest.mail.view import Entry, Why, card_of
from digest.model import Paper

_KEPT = 20_000  # fragments kept for the next reader; a day has a few hundred papers


@dataclass(frozen=True, slots=True)
class Detail:
    """How much is told of each paper."""

    card: str  # name of its template
    snippet: int  # characters of the abstract
    has_reasons: bool


# From what we like to what always fits.
DETAILS = (Detail("card", 260, True), Detail("card", 120, True), Detail("row", 0, False))


@dataclass(frozen=True, slots=True)
class Both:
    """The same words twice: as HTML and as plain text."""

    html: Fragment
    text: Fragment


class CardWriter:
    """Writes papers, reasons and headings, and remembers them."""

    def __init__(self, templates: TemplateFolder, *, shares: bool = True) -> None:
        names = ("card", "row", "why", "heading", "more")
        self._html = {name: templates.html(f"digest/{name}.html") for name in names}
        self._text = {name: templates.text(f"digest/{name}.txt") for name in names}
        self._known: dict[object, tuple[object, Both]] = {}
        self._shares = shares

    def entry(self, entry: Entry, detail: Detail) -> list[Both]:
        """One paper: the heading of its section where one begins, its card, and this reader's reasons."""
        parts = [self._write("heading", entry.heading, heading=entry.heading)] if entry.heading else []
        parts.append(self._card(entry.paper, detail))
        if detail.has_reasons:
            parts.append(self._why(entry.why))
        return parts

    def more(self, said: str) -> Both:
        """The line that says how many papers found no room."""
        return self._write("more", said, said=said)

    def _card(self, paper: Paper, detail: Detail) -> Both:
        known = self._known.get((paper.id, detail))
        # The same id may come with newer votes or a longer abstract.
        if known and (known[0] is paper or known[0] == paper):
            return known[1]
        card = card_of(paper, snippet=detail.snippet)
        return self._remember((paper.id, detail), paper, self._both(detail.card, card=card))

    def _why(self, why: Why) -> Both:
        return self._write("why", why, why=why)

    def _write(self, name: str, key: object, **values: Any) -> Both:
        known = self._known.get((name, key))
        return known[1] if known else self._remember((name, key), key, self._both(name, **values))

    def _both(self, name: str, **values: Any) -> Both:
        return Both(fill(self._html[name], **values), fill(self._text[name], **values))

    def _remember(self, key: object, what: object, written: Both) -> Both:
        if self._shares:
            if len(self._known) >= _KEPT:
                self._known.clear()
            self._known[key] = (what, written)
        return written
