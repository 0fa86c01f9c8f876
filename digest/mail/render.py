"""Digest -> Rendered: subject, HTML and plain text, from the same finished values. And every other kind of mail."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from digest.mail import notices
from digest.mail.cards import DETAILS, Both, CardWriter
from digest.mail.footer import Footer, footer_of
from digest.mail.links import Links, safe_url
from digest.mail.notices import Change, Command, Trouble, changes_between
from digest.mail.quoted import unquote
from digest.mail.rendered import Rendered, Sender
from digest.mail.slots import Masked, bare, masked
from digest.mail.templates import Piece, Shell, TemplateFolder
from digest.mail.themes import THEMES, Theme
from digest.mail.view import Entry, entries_of, news_of, opening_of, said
from digest.mail.week import bars_of
from digest.mail.wording import counted, day_and_month, lasting, long_date, rhythm_of
from digest.model import Digest, Profile
from digest.shipped import shipped
from digest.writing import Tokens, joined, room_of

__all__ = [
    "KINDS", "LARGEST_HTML", "Change", "Command", "Links", "Rendered", "Renderer", "Trouble", "changes_between",
]  # fmt: skip

# Gmail clips a mail at about 102 kB of HTML, and with the end goes the footer.
LARGEST_HTML = 95_000
# The folders of templates/email, one a mail.
KINDS = (
    "digest", "weekly", "quiet", "catch-up", "welcome", "confirm", "known", "link", "address", "moving", "changed",
    "goodbye", "help", "alert",
)  # fmt: skip


@dataclass(frozen=True)
class _Mail:
    """The three templates of one kind of mail."""

    subject: Piece[str]
    html: Shell
    text: Shell


class Renderer:
    """Writes mails. Make one and keep it: papers are written once for all readers, templates compiled when first used.

    `folder` holds templates of one's own; what it lacks comes from those of the program. `theme` is one of `THEMES`, or
    what `build_theme` made. `shares = False` writes every paper anew for every reader; the result is the same.
    Raises `DigestError` for a broken template.
    """

    def __init__(
        self, folder: Path | None = None, *, theme: Theme | None = None, shares: bool = True
    ) -> None:
        self._theme = theme or THEMES["paper"]
        own = [folder] if folder else []
        self._templates = TemplateFolder([*own, shipped("templates")], self._theme)
        self._shares = shares
        self._cards = CardWriter(self._templates, shares=shares)
        self._mails: dict[str, _Mail] = {}
        self._mail("digest")

    def check(self) -> None:
        """Compile every template there is. Raises `DigestError` for the first that is missing or broken."""
        for kind in KINDS:
            self._mail(kind)

    def digest(self, digest: Digest, links: Links | Masked, *, sender: Sender) -> Rendered:
        """The digest of one reader; the note of a quiet day when it has no picks.

        A weekly or monthly one opens with a picture of its papers by interest. The HTML never exceeds 95,000 bytes:
        abstracts are shortened, then cards become rows, then the last papers give way to a line that counts them.
        """
        every = digest.profile.cadence.every
        if not digest.picks:
            return self._papers("quiet", digest, links, sender, {})
        if every not in ("week", "month"):
            return self._papers("digest", digest, links, sender, {})
        return self._papers("weekly", digest, links, sender, {"period": every, "bars": bars_of(digest)})

    def catch_up(self, digest: Digest, links: Links | Masked, *, sender: Sender, since: date) -> Rendered:
        """What a reader missed while paused, since that day."""
        return self._papers("catch-up", digest, links, sender, {"since": day_and_month(since)})

    def welcome(self, digest: Digest, links: Links, *, sender: Sender) -> Rendered:
        """The first mail after the confirmation, with a first sample of papers where there are any."""
        values = {"rhythm": said(rhythm_of(digest.profile), 160), "has_papers": bool(digest.picks)}
        return self._papers("welcome", digest, links, sender, values)

    def confirm(self, url: str, *, valid: timedelta, sender: Sender, on: date) -> Rendered:
        """The question whether an address was entered by its owner. Nothing that anybody submitted is in it."""
        return self._notice("confirm", notices.confirm_values(url, valid=lasting(valid)), sender, on)

    def known(  # noqa: PLR0913
        self,
        profile: Profile,
        links: Links,
        url: str,
        *,
        is_paused: bool,
        valid: timedelta,
        sender: Sender,
        on: date,
    ) -> Rendered:
        """To an address that was entered again: it is subscribed already, and `url` opens its settings."""
        values = notices.known_values(profile, links, url, is_paused=is_paused, valid=lasting(valid))
        return self._notice("known", values, sender, on)

    def link(self, url: str, *, valid: timedelta, sender: Sender, on: date) -> Rendered:
        """A fresh way to somebody's settings, which they asked for."""
        return self._notice("link", notices.link_values(url, valid=lasting(valid)), sender, on)

    def address(self, url: str, *, valid: timedelta, sender: Sender, on: date) -> Rendered:
        """To a new address: is it its owner who wants the digest there? Nothing that anybody submitted is in it."""
        return self._notice("address", notices.address_values(url, valid=lasting(valid)), sender, on)

    def moving(self, url: str, *, valid: timedelta, sender: Sender, on: date) -> Rendered:
        """To the old address: the digest is about to move; `url` stops that."""
        return self._notice("moving", notices.moving_values(url, valid=lasting(valid)), sender, on)

    def goodbye(self, links: Links, *, sender: Sender, on: date) -> Rendered:
        """The confirmation of an end; with a way back where `preferences_url` is set."""
        return self._notice("goodbye", notices.goodbye_values(links), sender, on)

    def help(
        self, commands: Sequence[Command], mailbox: str | None, outcome: str, *, sender: Sender, on: date
    ) -> Rendered:
        """The answer to a mail: its `outcome` in one sentence of ours, and what may be asked for at `mailbox`."""
        return self._notice("help", notices.help_values(commands, mailbox, outcome), sender, on)

    def changed(self, changes: Sequence[Change], links: Links, *, sender: Sender, on: date) -> Rendered:
        """What was changed in somebody's settings; see `changes_between`."""
        return self._notice("changed", notices.changed_values(changes, links), sender, on)

    def alert(self, troubles: Sequence[Trouble], *, sender: Sender, on: date) -> Rendered:
        """What the operator should look at, the most urgent first."""
        return self._notice("alert", notices.alert_values(troubles), sender, on)

    def _mail(self, kind: str) -> _Mail:
        if kind not in self._mails:
            of = self._templates
            subject, html = of.subject(f"{kind}/subject.txt"), of.html_shell(f"{kind}/body.mjml")
            self._mails[kind] = _Mail(subject, html, of.text_shell(f"{kind}/body.txt"))
        return self._mails[kind]

    def _notice(self, kind: str, own: Mapping[str, object], sender: Sender, on: date) -> Rendered:
        mail = self._mail(kind)
        footer = own["footer"]
        assert isinstance(footer, Footer)
        values = {"day": long_date(on), "name": said(sender.name), **own, **footer._asdict()}
        values["subject"] = subject = mail.subject(values)
        return Rendered(kind, subject, mail.html.fill(values), mail.text.fill(values), logo=self._theme.logo)

    def _papers(
        self, kind: str, digest: Digest, links: Links | Masked, sender: Sender, own: Mapping[str, object]
    ) -> Rendered:
        mail = self._mail(kind)
        shared, tokens = masked(links) if self._shares else Masked(bare(links), Tokens())
        titles, more, scale, preheader = opening_of(digest)
        why, address, footer = footer_of(digest.profile, shared, postal_address=sender.postal_address)
        values: dict[str, Any] = {
            "name": said(sender.name),
            "day": long_date(digest.issue.on),
            "titles": titles,
            "more": more,
            "scale": scale,
            "preheader": preheader,
            "why": why,
            "address": address,
            "footer": footer,
            **own,
        }
        values["subject"] = subject = mail.subject(values)

        def with_words(words: Sequence[Both]) -> Rendered:
            html, text = zip(*words, strict=True) if words else ((), ())
            return Rendered(
                kind,
                subject,
                mail.html.fill(values, html),
                mail.text.fill(values, text),
                issue=digest.issue.key,
                logo=self._theme.logo,
                tokens=tokens,
            )

        news = self._cards.news(news_of(digest)) if digest.updates else []
        return self._fit(entries_of(digest), safe_url(shared.feedback_url), news, with_words)

    def _fit(
        self,
        entries: list[Entry],
        feedback_url: str | None,
        news: list[Both],
        with_words: Callable[[Sequence[Both]], Rendered],
    ) -> Rendered:
        """The papers with as much detail as fits, and the news below them."""
        for detail in DETAILS:
            mail = with_words(self._cards.papers(entries, detail, feedback_url) + news)
            # Forms are hardly ever shorter than their words, and most mails are far from full.
            if room_of(mail.html_forms) <= LARGEST_HTML or len(mail.html.encode()) <= LARGEST_HTML:
                return mail
        room = LARGEST_HTML - len(with_words(news).html.encode())
        return with_words(self._fewer(entries, room) + news)

    def _fewer(self, entries: list[Entry], room: int) -> list[Both]:
        """As many rows as fit, and a line about the others."""
        kept: list[Both] = []
        room -= 1_000  # for that line
        for number, entry in enumerate(entries):
            row = self._cards.papers([entry], DETAILS[-1], None)
            room -= sum([len(unquote(joined([html], Tokens())).encode()) for html, _ in row])
            if room < 0:
                left = counted(len(entries) - number, "more paper")
                kept.append(self._cards.more(f"And {left}: this mail is full."))
                break
            kept += row
        return kept
