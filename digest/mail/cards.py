"""Papers as they stand in a mail. What everybody sees of a paper is written once, and shared by all who get it.

So is what is said of a keyword. What stands below a paper for one reader is put together from such pieces: there are too
many pairs of a paper and its reasons to write each anew.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from digest.mail.direction import Written, isolated
from digest.mail.known import Known, Limited
from digest.mail.links import mute_url, vote_urls
from digest.mail.quoted import form_of
from digest.mail.templates import TemplateFolder
from digest.mail.view import NEWS, Entry, News, card_of, unlinked, why_of
from digest.model import Paper
from digest.writing import shared

_KEPT = 8_000  # papers, some 4 kB apiece; a week has a few thousand
_KEPT_WORDS = 16_000  # reasons and the like, some 700 bytes apiece


@dataclass(frozen=True, slots=True)
class Detail:
    """How much is told of each paper."""

    card: str  # name of its template
    snippet: int  # characters of the abstract
    has_reasons: bool


# From what we like to what always fits.
DETAILS = (Detail("card", 260, True), Detail("card", 120, True), Detail("row", 0, False))


# The same words in HTML and in plain text, as forms: see `quoted.form_of`.
Both = tuple[bytes, bytes]
# What decides what stands below the reasons: the place of the links; whether there are no reasons, whether they say the
# votes, and whether none is a term.
_Below = tuple[str | None, bool, bool, bool]


@dataclass(slots=True, eq=False)
class _Written:
    """A paper for everybody: its card, and what stands below the reasons."""

    paper: Paper
    card: Both
    below: dict[_Below, Both] = field(default_factory=dict)


class CardWriter:
    """Writes papers, reasons and headings, and remembers them."""

    def __init__(self, templates: TemplateFolder, *, shares: bool = True) -> None:
        names = ("card", "row", "feedback", "mute", "heading", "more", "update")
        self._html = {name: templates.html(f"digest/{name}.html") for name in (*names, "chip")}
        self._text = {name: templates.text(f"digest/{name}.txt") for name in (*names, "reasons")}
        self._around = (templates.around_chips("digest/why.html"), templates.around_chips("digest/why.txt"))
        papers, words = (_KEPT, _KEPT_WORDS) if shares else (0, 0)
        self._papers = {detail: Limited[str, _Written](papers) for detail in DETAILS}
        self._chips = Known[str, bytes](lambda chip: form_of(self._html["chip"]({"chip": chip})), words)
        self._whys = Known(self._why, words)
        self._mutes = Known(self._mute, words)
        self._headings = Known[str, Both](lambda said: self._public("heading", {"heading": said}), words)

    def papers(self, entries: Iterable[Entry], detail: Detail, feedback_url: str | None) -> list[Both]:
        """Each paper: the heading of its section where one begins, its card, the reasons, the links below `feedback_url`."""
        known, words = self._papers[detail], []
        for entry in entries:
            paper, heading, chips, says_votes, term = entry
            if heading:
                words.append(self._headings[heading])
            written = known.get(paper.id)
            if written is None or written.paper is not paper:
                written = self._paper(paper, detail)
            words.append(written.card)
            if not detail.has_reasons:
                continue
            if chips:
                words.append(self._whys[chips])
            decides = (feedback_url, not chips, says_votes, not term)
            words.append(written.below.get(decides) or self._below(decides, entry, written))
            if term and feedback_url:
                words.append(self._mutes[feedback_url, term])
        return words

    def news(self, news: Sequence[News]) -> list[Both]:
        """The papers of earlier digests, below their heading."""
        return (
            [self._headings[NEWS], *[self._public("update", {"update": one}) for one in news]] if news else []
        )

    def more(self, said: str) -> Both:
        """The line that says how many papers found no room."""
        return self._write("more", {"more": said})

    def _paper(self, paper: Paper, detail: Detail) -> _Written:
        known = self._papers[detail]
        written = known.get(paper.id)
        # The same id may come with newer votes or a longer abstract.
        if written is None or written.paper != paper:
            written = _Written(paper, self._card(paper, detail))
            known.keep(paper.id, written)
        return written

    def _card(self, paper: Paper, detail: Detail) -> Both:
        """What stands above the reasons."""
        card = card_of(paper, snippet=detail.snippet)
        card = replace(card, title=Written(unlinked(card.title)), snippet=Written(unlinked(card.snippet)))
        html, text = self._html[detail.card]({"card": card}), self._text[detail.card]({"card": card})
        if detail.has_reasons:
            (html_head, _), (text_head, _) = self._around
            html, text = html + html_head({}), text + text_head({})
        return shared(form_of(html)), shared(form_of(text))

    def _why(self, chips: tuple[str, ...]) -> Both:
        """The reasons: in HTML each stands for itself, in plain text they are one line."""
        line = self._text["reasons"]({"reasons": f"Why: {'; '.join(chips)}"})
        return b"".join([self._chips[chip] for chip in chips]), form_of(line)

    def _below(self, key: _Below, entry: Entry, written: _Written) -> Both:
        """What stands below the reasons: votes that they do not say, and the links for an opinion."""
        feedback_url = key[0]
        values: dict[str, Any] = {
            "votes": why_of(entry).votes,
            "has_chips": bool(entry.chips),
            "has_term": bool(entry.term),
            "is_last": feedback_url is None,
        }
        html, text = [foot(values) for _, foot in self._around]
        if feedback_url:
            values["more_url"], values["less_url"] = vote_urls(feedback_url, entry.paper.id)
            html, text = html + self._html["feedback"](values), text + self._text["feedback"](values)
        written.below[key] = below = form_of(html), form_of(text)
        return below

    def _mute(self, key: tuple[str, str]) -> Both:
        base, term = key
        return self._write("mute", {"term": isolated(term), "mute_url": mute_url(base, term)})

    def _public(self, name: str, values: dict[str, Any]) -> Both:
        """What says nothing of any one reader."""
        html, text = self._write(name, values)
        return shared(html), shared(text)

    def _write(self, name: str, values: dict[str, Any]) -> Both:
        return form_of(self._html[name](values)), form_of(self._text[name](values))
