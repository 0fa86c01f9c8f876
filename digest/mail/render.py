"""Digest -> Rendered: subject, HTML and plain text, from the same finished values."""

from pathlib import Path
from typing import Any

from digest.mail.cards import DETAILS, Both, CardWriter
from digest.mail.footer import footer_of
from digest.mail.links import Feedback, Links
from digest.mail.quoted import Fragment
from digest.mail.rendered import Rendered, Sender
from digest.mail.templates import TemplateFolder
from digest.mail.themes import THEMES
from digest.mail.view import Entry, entries_of, opening_of, said
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
        self._subject = templates.text("digest/subject.txt")
        self._html = templates.html_shell("digest/body.mjml")
        self._text = templates.text_shell("digest/body.txt")
        self._cards = CardWriter(templates, shares=shares)

    def digest(self, digest: Digest, links: Links, *, sender: Sender) -> Rendered:
        """The digest of one reader; the note of a quiet day when it has no picks.

        The HTML never exceeds 95,000 bytes: abstracts are shortened, then cards become rows, then the last papers give
        way to a line that says how many they are.
        """
        values = self._values(digest, links, sender)
        head, foot = self._html.fill(values)
        text_head, text_foot = self._text.fill(values)
        papers = self._fit(list(entries_of(digest, links)), LARGEST_HTML - _size(head) - _size(foot))
        return Rendered(
            "digest",
            values["subject"],
            (*head, *[both.html for both in papers], *foot),
            (*text_head, *[both.text for both in papers], *text_foot),
            issue=digest.issue.key,
        )

    def _values(self, digest: Digest, links: Links, sender: Sender) -> dict[str, Any]:
        opening = opening_of(digest)
        values: dict[str, Any] = {
            "day": long_date(digest.issue.on),
            "name": said(sender.name),
        } | opening._asdict()
        values["subject"] = self._subject(values).text.rstrip("\n")
        values["footer"] = footer_of(digest.profile, links, postal_address=sender.postal_address)
        return values

    def _fit(self, entries: list[Entry], room: int) -> list[Both]:
        """The papers with as much detail as `room` bytes of HTML allow."""
        for detail in DETAILS:
            papers = [both for entry in entries for both in self._cards.entry(entry, detail)]
            if _size([both.html for both in papers]) <= room:
                return papers
        return self._fewer(entries, room)

    def _fewer(self, entries: list[Entry], room: int) -> list[Both]:
        """As many rows as fit, and a line about the others."""
        kept: list[Both] = []
        room -= 1_000  # for that line
        for number, entry in enumerate(entries):
            row = self._cards.entry(entry, DETAILS[-1])
            room -= _size([both.html for both in row])
            if room < 0:
                left = counted(len(entries) - number, "more paper")
                return [*kept, self._cards.more(f"And {left}: this mail is full.")]
            kept += row
        return kept


def _size(fragments: list[Fragment]) -> int:
    return sum([fragment.size for fragment in fragments])
