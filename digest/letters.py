"""A Digest, its links and its sender -> the Message that will leave."""

from datetime import datetime
from typing import Self

from digest.mail.links import Links
from digest.mail.message import Sign, domain_of, message_id_for, write_message
from digest.mail.render import Renderer
from digest.mail.rendered import Recipient, Rendered, Sender
from digest.model import Digest, Envelope, Message
from digest.store.people import Subscriber
from digest.tables import SenderSettings
from digest.tokens import sign


class Letters:
    """Writes the mails of one house: one sender, one set of templates, one secret.

    `web_url` is where the web pages answer, None when there are none: then a mail's ways out are the profile file and
    an address that takes requests by mail. `sign` adds a DKIM signature, None leaves that to the mail server.
    """

    def __init__(
        self,
        renderer: Renderer,
        sender: SenderSettings,
        *,
        secret: bytes,
        web_url: str | None = None,
        sign: Sign | None = None,
    ) -> None:
        self._renderer = renderer
        self._sign = sign
        self._settings = sender
        self._sender = Sender(
            name=sender.name,
            address=sender.address,
            reply_to=sender.reply_to,
            list_id=sender.list_id,
            postal_address=sender.postal_address,
        )
        self._web_url = web_url.rstrip("/") if web_url else None
        self._secret = secret

    @classmethod
    def for_preview(cls) -> Self:
        """Without a home: the default sender, and a secret that signs nothing anybody will open."""
        return cls(Renderer(), SenderSettings(), secret=b"preview")

    def write(self, digest: Digest, subscriber: Subscriber, *, now: datetime) -> Message:
        """The message of one subscriber's digest. The same arguments give the same bytes."""
        links = self._links(subscriber)
        rendered = self._renderer.digest(digest, links, sender=self._sender)
        return self._address(rendered, digest, links, subscriber_id=subscriber.id, now=now)

    def preview(self, digest: Digest, *, profile_file: str, now: datetime) -> tuple[Rendered, Message]:
        """The same for a profile nobody is subscribed with, whose owner keeps it in `profile_file`."""
        links = Links(profile_file=profile_file)
        rendered = self._renderer.digest(digest, links, sender=self._sender)
        return rendered, self._address(rendered, digest, links, subscriber_id=0, now=now)

    def _address(
        self, rendered: Rendered, digest: Digest, links: Links, *, subscriber_id: int, now: datetime
    ) -> Message:
        return write_message(
            rendered,
            sender=self._sender,
            envelope=Envelope(self._sender.address, digest.subscriber),
            recipient=Recipient(digest.subscriber, digest.profile.name),
            message_id=message_id_for(
                self._secret,
                issue_key=digest.issue.key,
                subscriber_id=subscriber_id,
                domain=domain_of(self._sender.address),
            ),
            date=now,
            links=links,
            sign=self._sign,
        )

    def _own_address(self) -> str | None:
        """The sender's address, unless it is the default, where no mail arrives."""
        return None if self._settings.address == SenderSettings().address else self._settings.address

    def _links(self, subscriber: Subscriber) -> Links:
        file = f"config/subscribers/{subscriber.file}" if subscriber.owner == "file" else None
        mailto = self._settings.unsubscribe_mailto or self._settings.reply_to or self._own_address()
        if self._web_url is None:
            return Links(unsubscribe_mailto=mailto, profile_file=file)
        return Links(
            unsubscribe_url=f"{self._web_url}/u/{sign(self._secret, 'unsubscribe', subscriber.id)}",
            unsubscribe_mailto=mailto,
            preferences_url=f"{self._web_url}/p/{sign(self._secret, 'preferences', subscriber.id)}",
            profile_file=file,
        )
