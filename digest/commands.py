"""The mailbox: mail that came back, and requests by mail. Each mail is marked when what it says was written down.

A From can be forged, so it proves nothing. Subscribing asks the address first, as the web page does. A pause, its end and
leaving count when the mail carries the token of a digest, or answers a mail that went to its sender; else the answer says
how. What a machine wrote is never answered (RFC 3834), and nobody is answered more often than `subscriptions` allows.
"""

import logging
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Literal

from pydantic import TypeAdapter, ValidationError
from sqlalchemy import Connection

from digest.cadence import zone_of
from digest.errors import DigestError, MailboxError, TokenError
from digest.letters import Letters
from digest.mail.imap import ImapMailbox
from digest.mail.mailbox import Mailbox, Maildir
from digest.mail.notices import Command
from digest.mail.requests import Request, Word, parse_request
from digest.mail.wording import long_date
from digest.model import Interest, Profile
from digest.profiles import Keyword, checked_address
from digest.returns import take_return
from digest.settings import Settings
from digest.store import Store
from digest.store.outages import current_outage, end_outage, note_outage
from digest.store.people import Subscriber, find_subscriber, read_subscriber
from digest.store.returned import recipient_of
from digest.subscriptions import Office, Wish, leave, pause, request, resume
from digest.subscriptions.limits import Ask, Verdict, weigh
from digest.tokens import verify

log = logging.getLogger(__name__)
OUTAGE = "mailbox"
_PAUSE = timedelta(minutes=5)
_KEYWORD: TypeAdapter[str] = TypeAdapter(Keyword)
COMMANDS = (
    Command("subscribe", "write your topics into the mail, one a line; a mail asks you to confirm"),
    Command("pause", "no digests until you write resume; pause until 2027-01-31 ends by itself"),
    Command("resume", "digests again"),
    Command("unsubscribe", "no digests any more"),
    Command("help", "this mail"),
)


@dataclass(slots=True)
class MailboxReport:
    """What one look gave: mails by what they were, and what kept us from reading them."""

    counts: Counter[str] = field(default_factory=Counter)
    stopped: str | None = None

    @property
    def has_trouble(self) -> bool:
        """Whether somebody should look."""
        return self.stopped is not None


@dataclass(frozen=True, slots=True)
class Clerk:
    """Who does what is asked for at `address`; None: nobody does, and only mail that came back is read."""

    store: Store
    office: Office
    letters: Letters
    address: str | None = None


def open_mailbox(settings: Settings) -> Mailbox | None:
    """The configured mailbox, None when there is none."""
    wanted, password = settings.file.mailbox, settings.imap_password
    if wanted.maildir is not None:
        return Maildir(settings.inside_home(wanted.maildir))
    return ImapMailbox(wanted, password.get_secret_value() if password else "") if wanted.host else None


def look_into_mailbox(clerk: Clerk, mailbox: Mailbox | None, *, now: datetime) -> MailboxReport:
    """Take what is unread. A mailbox that cannot be read is remembered, and left alone for five minutes.

    Raises `StoreError`.
    """
    if mailbox is None:
        return MailboxReport()
    with clerk.store.reading() as db:
        outage = current_outage(db, OUTAGE)
    if outage is not None and now < outage.next_probe_at:
        return MailboxReport(stopped=outage.reason)
    report = MailboxReport()
    try:
        report.counts = read_mailbox(clerk, mailbox, now=now)
    except MailboxError as error:
        report.stopped = str(error)
        with clerk.store.writing() as tx:
            note_outage(tx, report.stopped, now=now, pause=_PAUSE, name=OUTAGE)
    else:
        if outage is not None:
            with clerk.store.writing() as tx:
                end_outage(tx, OUTAGE)
    return report


def read_mailbox(clerk: Clerk, mailbox: Mailbox, *, now: datetime) -> Counter[str]:
    """Take what is unread. Counts mails by what they were; "other" is what is neither a report nor a request.

    A mail that breaks the reading of it costs only itself. Raises `MailboxError` and `StoreError`.
    """
    counts: Counter[str] = Counter()

    def take(raw: bytes) -> None:
        try:
            counts[_take(clerk, raw, now)] += 1
        except DigestError:
            raise
        except Exception:
            log.exception("a mail could not be understood")
            counts["broken"] += 1

    try:
        mailbox.each(take)
    finally:
        if counts:
            log.info("mailbox: %s", dict(counts))
    return counts


def _take(clerk: Clerk, raw: bytes, now: datetime) -> str:
    returned = take_return(clerk.store, raw, secrets=clerk.office.secrets, now=now)
    if returned is not None or clerk.address is None:
        return returned or "other"
    asked = parse_request(raw, address=clerk.address)
    if asked is None:
        return "other"
    try:
        sender = checked_address(asked.sender)
    except ValueError:
        return "other"
    if sender.lower() == clerk.address.lower():
        return "other"  # our own mail came to us: an answer would go round and round
    with clerk.store.writing() as tx:
        return _Turn(tx, clerk, asked, sender, now).done()


@dataclass(frozen=True, slots=True)
class _Turn:
    """One request, in the transaction of what it changes and what is answered."""

    tx: Connection
    clerk: Clerk
    asked: Request
    sender: str
    now: datetime

    def done(self) -> str:
        """Do it. Returns what the mail counts as: the word, or why nothing was done."""
        word = self.asked.word
        if word is Word.UNSUBSCRIBE and (person := self._proven()):
            leave(self.tx, self.clerk.office, person, how=self._manner, now=self.now)
        elif not self.asked.is_from_a_person:
            return "automatic"
        elif word is Word.SUBSCRIBE:
            self._subscribe()
        elif word is Word.HELP:
            self._answer("Here is what this address understands")
        elif person := self._proven():
            self._answer(self._pause(person) if word is Word.PAUSE else self._resume(person))
        else:
            self._answer(self._how_to_prove(word))
            return "unproven"
        return word.value

    @property
    def _manner(self) -> Literal["one-click", "mail"]:
        # A mail program that leaves for its reader says itself what it did.
        return "mail" if self.asked.is_from_a_person and self.asked.token is None else "one-click"

    def _proven(self) -> Subscriber | None:
        """Whom the mail surely speaks for: it carries the token of a digest, or answers a mail of ours to its sender."""
        if self.asked.token is not None:
            try:
                number = verify(
                    self.clerk.office.secrets, "unsubscribe", self.asked.token, version_of=self._version_of
                )
            except TokenError:
                return None
            return read_subscriber(self.tx, number)
        got = (recipient_of(self.tx, message_id) for message_id in self.asked.answers)
        is_answer = any(address is not None and address.lower() == self.sender.lower() for address in got)
        return find_subscriber(self.tx, self.sender) if is_answer else None

    def _version_of(self, number: int) -> int:
        person = read_subscriber(self.tx, number)
        return person.links_version if person else -1

    def _how_to_prove(self, word: Word) -> str:
        if find_subscriber(self.tx, self.sender) is None:
            return "Nobody is subscribed with this address, so nothing was changed"
        return f"So that nobody else can do it for you: answer this mail with the one word {word}"

    def _subscribe(self) -> None:
        office = self.clerk.office
        if office.url is None:
            self._answer("Nobody can subscribe here by mail; ask whoever runs this digest")
            return
        interests = tuple(Interest((word,)) for word in _keywords(self.asked.topics))
        request(self.tx, office, Wish(Profile(self.sender, interests=interests), source="mail"), now=self.now)

    def _pause(self, person: Subscriber) -> str:
        until = self.asked.until
        if until is not None and until <= self.now.date():
            return f"{long_date(until)} is past, so nothing was changed"
        if person.status not in ("active", "paused"):
            return "There is no digest to pause"
        ends_at = _midnight(until, person.profile.timezone) if until else None
        pause(self.tx, person, until=ends_at, now=self.now)
        return f"Your digest is paused until {long_date(until) if until else 'you write resume'}"

    def _resume(self, person: Subscriber) -> str:
        if person.status not in ("active", "paused"):
            return "You left; write subscribe to come back"
        resume(self.tx, person, now=self.now)
        return "Your digest comes again"

    def _answer(self, outcome: str) -> None:
        """Queue an answer, unless this address was answered often enough."""
        if weigh(self.tx, self.clerk.office, Ask("help", self.sender), now=self.now) is Verdict.MAIL:
            answers = self.asked.message_id
            mail = self.clerk.letters.help(
                self.sender, COMMANDS, outcome=f"{outcome}.", answers=answers, now=self.now
            )
            self.clerk.office.send(self.tx, "help", mail, now=self.now)


def _keywords(words: tuple[str, ...]) -> Iterator[str]:
    for word in words:
        try:
            yield _KEYWORD.validate_python(word)
        except ValidationError:
            continue  # the confirmed settings show what was understood


def _midnight(on: date, timezone: str) -> datetime:
    return datetime.combine(on, time.min, zone_of(timezone)).astimezone(UTC)
