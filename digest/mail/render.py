"""Digest -> Rendered: subject, HTML and plain text, from the same finished values."""

from pathlib import Path
from typing import Any

from digest.mail.cards import DETAILS, Both, CardWriter, Detail
from digest.mail.footer import footer_of
from digest.mail.links import Feedback, Links
from digest.mail.quoted import Fragment
from digest.mail.rendered import Rendered, Sender
from digest.mail.templates import TemplateFolder, fill
from digest.mail.themes import THEMES
from digest.mail.view import DigestView, said
from digest.mail.wording import counted, long_date
from digest.model import Digest
from digest.shipped import shipped

__all__ = ["LARGEST_HTML", "Feedback", "Links", "Rendered", "Renderer"]

# Gmail clips a mail at about 102 kB of HTML, and with the end goes the footer.
LARGEST_HTML = 95_000


class Renderer:
    """Writes mails. Make one and keep it: templates are compiled on the way in, papers are written once for all readers.

    `folder` is a folder `templates` like the one that comes with the program, which is the default. `shares = False`
    writes every paper anew for every reader; the result is the same. Raises `DigestError` for a broken template.
    """

    def __init__(self, folder: Path | None = None, *, shares: bool = True) -> None:
        templates = TemplateFolder(folder or shipped("templates"), THEMES["paper"])
        self._shell = templates.shell("digest/body.mjml")
        self._subject = templates.text("digest/subject.txt")
        self._text_head = templates.text("digest/head.txt")
        self._text_foot = templates.text("_foot.txt")
        self._cards = CardWriter(templates, shares=shares)

    def digest(self, digest: Digest, links: Links, *, sender: Sender) -> Rendered:
        """The digest of one reader; the note of a quiet day when it has no picks.

        The HTML never exceeds 95,000 bytes: abstracts are shortened, then cards become rows, then the last papers give
        way to a line that says how many they are.
        """
        view = DigestView(digest, links)
        values = self._values(digest, view, links, sender)
        head = tuple(piece.fill(values) for piece in self._shell.head)
        foot = tuple(piece.fill(values) for piece in self._shell.foot)
        papers = self._fit(view, LARGEST_HTML - _size(*head, *foot))
        text_head, text_foot = fill(self._text_head, **values), fill(self._text_foot, **values)
        return Rendered(
            "digest",
            values["subject"],
            (*head, *(both.html for both in papers), *foot),
            (text_head, *(both.text for both in papers), text_foot),
            issue=digest.issue.key,
        )

    def _values(self, digest: Digest, view: DigestView, links: Links, sender: Sender) -> dict[str, Any]:
        day = long_date(digest.issue.on)
        subject = self._subject.render(titles=view.titles, more=view.more, day=day).strip()
        return {
            "subject": said(subject, 150),
            "preheader": view.preheader,
            "name": said(sender.name),
            "day": day,
            "scale": view.scale,
            "is_quiet": not view.titles,
            "footer": footer_of(digest.profile, links, postal_address=sender.postal_address),
        }

    def _fit(self, view: DigestView, room: int) -> list[Both]:
        """The papers with as much detail as `room` bytes of HTML allow."""
        for detail in DETAILS:
            papers = self._write(view, detail)
            if _size(*(both.html for both in papers)) <= room:
                return papers
        return self._fewer(view, room)

    def _write(self, view: DigestView, detail: Detail) -> list[Both]:
        return [both for entry in view.entries for both in self._cards.entry(entry, detail)]

    def _fewer(self, view: DigestView, room: int) -> list[Both]:
        """As many rows as fit, and a line about the others."""
        rows = [self._cards.entry(entry, DETAILS[-1]) for entry in view.entries]
        room -= 1_000  # for that line
        kept: list[Both] = []
        for number, row in enumerate(rows):
            room -= _size(*(both.html for both in row))
            if room < 0:
                left = counted(len(rows) - number, "more paper")
                return [*kept, self._cards.more(f"And {left}: this mail is full.")]
            kept += row
        return kept


def _size(*fragments: Fragment) -> int:
    return sum(fragment.size for fragment in fragments)
