"""Whatever is said by mail: a Digest, a question, an answer -> the Message that will leave."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Self

from digest.mail.links import Links
from digest.mail.message import Sign, domain_of, message_id_for, write_message
from digest.mail.notices import Command, Trouble, changes_between
from digest.mail.render import Renderer
from digest.mail.rendered import Recipient, Rendered, Sender
from digest.mail.slots import Masked, bare, stand_in
from digest.mail.themes import build_theme
from digest.model import Digest, Envelope, Message, Profile
from digest.store.people import Subscriber
from digest.tables import SenderSettings
from digest.tokens import TOKEN_LENGTH, Purpose, sign
from digest.writing import Tokens

# What a mail links to on the web, if it has no page of its own there.
_PAGES: tuple[tuple[Purpose, str], ...] = (("unsubscribe", ""), ("preferences", ""), ("feedback", ""))


class Letters:
    """Writes the mails of one house: one sender, one set of templates, one secret. Each goes to one person.

    `web_url` is where the web pages answer, None when there are none: then a mail's ways out are the profile file and
    an address that takes requests by mail; `mailbox` is one that this program reads. `sign` adds a DKIM signature, None
    leaves that to the mail server. The same arguments give the same bytes, always. Where a `url` is given, it is a link of
    one purpose that the caller made, and `valid` says for how long it works. All raise `ValueError` for an address that
    cannot be written.
    """

    def __init__(
        self,
        renderer: Renderer,
        sender: SenderSettings,
        *,
        secret: bytes,
        web_url: str | None = None,
        mailbox: str | None = None,
        sign: Sign | None = None,
    ) -> None:
        self._renderer = renderer
        self._sign = sign
        self._sender = Sender(
            name=sender.name,
            address=sender.address,
            reply_to=sender.reply_to,
            list_id=sender.list_id,
            postal_address=sender.postal_address,
        )
        self._web_url = web_url.rstrip("/") if web_url else None
        self._secret = secret
        self._domain = domain_of(sender.address)
        self._reads = mailbox
        self._mailbox = mailbox or _mailbox_of(sender)
        self._links_of = lru_cache(maxsize=1024)(self._links_of_all)

    @classmethod
    def for_preview(cls, theme: str = "paper") -> Self:
        """Without a home: the default sender, and a secret that signs nothing anybody will open.

        Raises `SettingsError` for a theme there is not.
        """
        return cls(Renderer(theme=build_theme(theme)), SenderSettings(), secret=b"preview")

    def write(self, digest: Digest, subscriber: Subscriber, *, now: datetime) -> Message:
        """One subscriber's digest; the note of a quiet day when it has no picks."""
        links = self._ways(subscriber, digest)
        rendered = self._renderer.digest(digest, links, sender=self._sender)
        return self._of_issue(rendered, digest, links, subscriber_id=subscriber.id, now=now)

    def catch_up(self, digest: Digest, subscriber: Subscriber, *, since: datetime, now: datetime) -> Message:
        """What a subscriber missed while paused, since that instant."""
        links = self._ways(subscriber, digest)
        rendered = self._renderer.catch_up(digest, links, sender=self._sender, since=since.date())
        return self._of_issue(rendered, digest, links, subscriber_id=subscriber.id, now=now)

    def preview(self, digest: Digest, *, profile_file: str, now: datetime) -> tuple[Rendered, Message]:
        """A digest for a profile nobody is subscribed with, whose owner keeps it in `profile_file`."""
        links = Links(profile_file=profile_file)
        rendered = self._renderer.digest(digest, links, sender=self._sender)
        return rendered, self._of_issue(rendered, digest, links, subscriber_id=0, now=now)

    def confirm(self, address: str, *, url: str, valid: timedelta, now: datetime) -> Message:
        """To an address that was entered in a form: is it its owner's? Says nothing that was entered besides."""
        rendered = self._renderer.confirm(url, valid=valid, sender=self._sender, on=now.date())
        return self._notice(rendered, address, now=now)

    def known(self, subscriber: Subscriber, *, url: str, valid: timedelta, now: datetime) -> Message:
        """To an address that was entered though it is subscribed, or paused; `url` opens its settings."""
        links = self.links(subscriber)
        rendered = self._renderer.known(
            subscriber.profile,
            links,
            url,
            is_paused=subscriber.status == "paused",
            valid=valid,
            sender=self._sender,
            on=now.date(),
        )
        return self._notice(rendered, subscriber.email, links, now=now)

    def link(self, subscriber: Subscriber, *, url: str, valid: timedelta, now: datetime) -> Message:
        """A fresh link to somebody's settings, which they asked for."""
        rendered = self._renderer.link(url, valid=valid, sender=self._sender, on=now.date())
        return self._notice(rendered, subscriber.email, now=now)

    def address(self, new_address: str, *, url: str, valid: timedelta, now: datetime) -> Message:
        """To the address a digest is to move to: is it its owner who wants that?"""
        rendered = self._renderer.address(url, valid=valid, sender=self._sender, on=now.date())
        return self._notice(rendered, new_address, now=now)

    def moving(self, subscriber: Subscriber, *, url: str, valid: timedelta, now: datetime) -> Message:
        """To the address a digest is about to leave; `url` stops that."""
        rendered = self._renderer.moving(url, valid=valid, sender=self._sender, on=now.date())
        return self._notice(rendered, subscriber.email, now=now)

    def welcome(self, digest: Digest, subscriber: Subscriber, *, now: datetime) -> Message:
        """The first mail after the confirmation; the picks of `digest` are its sample, if it has any.

        It is no Issue, so it never takes the place of the first digest.
        """
        links = self.links(subscriber)
        rendered = self._renderer.welcome(digest, links, sender=self._sender)
        return self._notice(rendered, subscriber.email, links, name=subscriber.profile.name, now=now)

    def changed(self, subscriber: Subscriber, *, before: Profile, now: datetime) -> Message:
        """To `subscriber`, as changed: which settings are not as `before`."""
        links = self.links(subscriber)
        changes = changes_between(before, subscriber.profile)
        rendered = self._renderer.changed(changes, links, sender=self._sender, on=now.date())
        return self._notice(rendered, subscriber.email, links, name=subscriber.profile.name, now=now)

    def goodbye(self, subscriber: Subscriber, *, now: datetime) -> Message:
        """The last mail: it confirms that somebody left, and shows the way back where there are web pages."""
        links = self.links(subscriber)
        rendered = self._renderer.goodbye(links, sender=self._sender, on=now.date())
        return self._notice(rendered, subscriber.email, now=now)

    def help(
        self,
        address: str,
        commands: Sequence[Command],
        *,
        outcome: str,
        answers: str | None = None,
        now: datetime,
    ) -> Message:
        """The answer to a mail: its `outcome`, one sentence of ours, and the `commands` that work.

        `answers` is the Message-ID of that mail. Nothing else of it may come back: its sender may be forged.
        """
        rendered = self._renderer.help(commands, self._mailbox, outcome, sender=self._sender, on=now.date())
        return self._notice(rendered, address, answers=answers, now=now)

    def alert(self, address: str, troubles: Sequence[Trouble], *, now: datetime) -> Message:
        """To the operator: what should be looked at, the most urgent first."""
        rendered = self._renderer.alert(troubles, sender=self._sender, on=now.date())
        return self._notice(rendered, address, now=now)

    def links(self, subscriber: Subscriber, digest: Digest | None = None) -> Links:
        """The ways out of a mail to `subscriber`: pages that answer at /u/, /p/, /f/ and /w/ of the web address.

        /u/TOKEN takes the one-click POST. /f/TOKEN/more/PAPER, /f/TOKEN/less/PAPER and /f/TOKEN/mute/TERM propose a
        vote. /w/TOKEN/2026-03-05 is the digest of that day; its token is signed about that date, and shows no other.
        """
        return bare(self._ways(subscriber, digest))

    def _ways(self, subscriber: Subscriber, digest: Digest | None) -> Masked:
        """The ways of everybody, and the tokens that make them this subscriber's."""
        file = f"config/subscribers/{subscriber.file}" if subscriber.owner == "file" else None
        on = digest.issue.on.isoformat() if digest else ""
        secret, who, version = self._secret, subscriber.id, subscriber.links_version
        tokens = [
            sign(secret, purpose, who, about, version=version).encode()
            for purpose, about in self._signed_about(on)
        ]
        return Masked(self._links_of(file, on), Tokens.of(tokens))

    def _signed_about(self, on: str) -> Sequence[tuple[Purpose, str]]:
        """What the tokens of a mail are for, in their order."""
        if self._web_url:
            return (*_PAGES, ("web", on)) if on else _PAGES
        return _PAGES[:1] if self._reads else ()

    def _links_of_all(self, file: str | None, on: str) -> Links:
        """The ways with stand-ins for the tokens. A mail with no date is no digest, and has no page on the web."""
        leave, settings, vote, web = [stand_in(number, TOKEN_LENGTH) for number in range(4)]
        # Where a mail ends a subscription: where we read it, with the token that proves whose.
        mailto = f"mailto:{self._reads}?subject=unsubscribe%20{leave}" if self._reads else self._mailbox
        url = self._web_url
        if url is None:
            return Links(unsubscribe_mailto=mailto, profile_file=file)
        return Links(
            unsubscribe_url=f"{url}/u/{leave}",
            unsubscribe_mailto=mailto,
            preferences_url=f"{url}/p/{settings}",
            web_url=f"{url}/w/{web}/{on}" if on else None,
            profile_file=file,
            feedback_url=f"{url}/f/{vote}",
        )

    def _of_issue(
        self, rendered: Rendered, digest: Digest, links: Links | Masked, *, subscriber_id: int, now: datetime
    ) -> Message:
        return self._message(
            rendered,
            Recipient(digest.subscriber, digest.profile.name),
            links,
            about=digest.issue.key,
            subscriber_id=subscriber_id,
            now=now,
        )

    def _notice(
        self,
        rendered: Rendered,
        address: str,
        links: Links | None = None,
        *,
        name: str | None = None,
        answers: str | None = None,
        now: datetime,
    ) -> Message:
        about = f"{rendered.kind}|{address}|{now.isoformat()}"
        return self._message(
            rendered, Recipient(address, name), links or Links(), about=about, answers=answers, now=now
        )

    def _message(  # noqa: PLR0913
        self,
        rendered: Rendered,
        recipient: Recipient,
        links: Links | Masked,
        *,
        about: str,
        subscriber_id: int = 0,
        answers: str | None = None,
        now: datetime,
    ) -> Message:
        return write_message(
            rendered,
            sender=self._sender,
            envelope=Envelope(self._sender.address, recipient.address),
            recipient=recipient,
            message_id=message_id_for(
                self._secret, issue_key=about, subscriber_id=subscriber_id, domain=self._domain
            ),
            date=now,
            links=links,
            answers=answers,
            sign=self._sign,
        )


def _mailbox_of(sender: SenderSettings) -> str | None:
    """Where requests by mail arrive; None when that is only the default address, where no mail does."""
    own = None if sender.address == SenderSettings().address else sender.address
    return sender.unsubscribe_mailto or sender.reply_to or own
