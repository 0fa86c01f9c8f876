"""What every change of a subscription works with: who writes the mails, the keys of links, and the limits."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from sqlalchemy import Connection

from digest.errors import TokenError
from digest.model import Digest, Message, Profile
from digest.store.front import StoredRequest, enqueue_notice, find_request
from digest.store.people import Subscriber, read_subscriber
from digest.tokens import Purpose, sign, sign_until, verify

# What somebody agrees to, word for word; kept with the proof. Another wording here is another wording there.
CONSENT = (
    "Mail me a digest of papers at this address until I say stop. My address and topics are kept for that and for"
    " nothing else."
)
CONFIRM_VALID = timedelta(days=7)
SETTINGS_VALID = timedelta(minutes=30)
# A page whose two buttons are pressed within this time was pressed by a machine.
TOO_QUICK = timedelta(seconds=10)


class Letters(Protocol):
    """Writes the mails about a subscription. Each of them raises `ValueError` for an address that cannot be written."""

    def confirm(self, address: str, *, url: str, valid: timedelta, now: datetime) -> Message:
        """Asks whether the owner of the address wants it. Says nothing that anybody entered."""
        ...

    def known(self, subscriber: Subscriber, *, url: str, valid: timedelta, now: datetime) -> Message:
        """Says that the address is subscribed already."""
        ...

    def link(self, subscriber: Subscriber, *, url: str, valid: timedelta, now: datetime) -> Message:
        """Brings a fresh link to the settings."""
        ...

    def address(self, new_address: str, *, url: str, valid: timedelta, now: datetime) -> Message:
        """Asks whether the owner of the new address wants the move."""
        ...

    def moving(self, subscriber: Subscriber, *, url: str, valid: timedelta, now: datetime) -> Message:
        """Tells the old address of the move, with the way to stop it."""
        ...

    def welcome(self, digest: Digest, subscriber: Subscriber, *, now: datetime) -> Message:
        """The first mail, with a sample."""
        ...

    def changed(self, subscriber: Subscriber, *, before: Profile, now: datetime) -> Message:
        """Says what was changed."""
        ...

    def goodbye(self, subscriber: Subscriber, *, now: datetime) -> Message:
        """Confirms the end."""
        ...


@dataclass(frozen=True, slots=True)
class Wish:
    """Somebody wants a digest; nobody knows yet whether the address is theirs."""

    profile: Profile
    wording: str = CONSENT
    source: str = "web"  # web | mail
    network: str | None = (
        None  # where it was asked from, as `10.1.2.3` or `2001:db8:1:2::/64`; None for a mail
    )


@dataclass(frozen=True, slots=True)
class Office:
    """Where changes are made: by the web, by mail, or by hand. `url` is the web pages' address; None: there are none."""

    letters: Letters
    secrets: tuple[bytes, ...]  # the first signs, all are good for verifying
    address_hash: Callable[[str], str]
    url: str | None
    confirmations_per_day: int = 200

    def request_link(self, path: str, purpose: Purpose, request_id: int, asked_at: datetime) -> str:
        """The address of a page about one request. Numbers may be given twice over the years; instants are not."""
        version = int(asked_at.timestamp())
        return f"{self.url}/{path}/{sign(self.secrets, purpose, request_id, version=version)}"

    def read_request(
        self, db: Connection, purpose: Purpose, token: str, *, now: datetime
    ) -> tuple[StoredRequest, Subscriber]:
        """The request behind such an address, and whose it is. Raises `TokenError`, also when its time is over."""

        def version_of(request_id: int) -> int:
            found = find_request(db, request_id)
            return int(found.asked_at.timestamp()) if found else -1

        found = find_request(db, verify(self.secrets, purpose, token, version_of=version_of))
        person = read_subscriber(db, found.asked.subscriber_id) if found else None
        if found is None or person is None or found.ends_at <= now:
            raise TokenError("this link is not valid, or no longer")
        return found, person

    def settings_link(self, person: Subscriber, *, now: datetime) -> str:
        """A link to all that is kept of somebody, for a short time."""
        ends_at = now + SETTINGS_VALID
        token = sign_until(self.secrets, "settings", person.id, ends_at, version=person.links_version)
        return f"{self.url}/s/{token}"

    def send(
        self, tx: Connection, kind: str, message: Message, *, now: datetime, after: timedelta = timedelta()
    ) -> None:
        """Queue a mail to the address in its envelope."""
        hashed = self.address_hash(message.envelope.rcpt_to)
        enqueue_notice(tx, message, kind=kind, address_hash=hashed, due_at=now + after, now=now)
