"""The mailbox: mail that came back, and commands by mail. Each mail is taken once, and marked when it was written down."""

import logging
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from digest.errors import DigestError, MailboxError
from digest.mail.imap import ImapMailbox
from digest.mail.mailbox import Mailbox, Maildir
from digest.returns import take_return
from digest.settings import Settings
from digest.store import Store
from digest.store.outages import current_outage, end_outage, note_outage

log = logging.getLogger(__name__)
OUTAGE = "mailbox"
_PAUSE = timedelta(minutes=5)


@dataclass(slots=True)
class MailboxReport:
    """What one look gave: mails by what they were, and what kept us from reading them."""

    counts: Counter[str] = field(default_factory=Counter)
    stopped: str | None = None

    @property
    def has_trouble(self) -> bool:
        """Whether somebody should look."""
        return self.stopped is not None


def open_mailbox(settings: Settings) -> Mailbox | None:
    """The configured mailbox, None when there is none."""
    wanted, password = settings.file.mailbox, settings.imap_password
    if wanted.maildir is not None:
        return Maildir(settings.inside_home(wanted.maildir))
    return ImapMailbox(wanted, password.get_secret_value() if password else "") if wanted.host else None


def look_into_mailbox(
    store: Store, mailbox: Mailbox | None, *, secret: bytes, now: datetime
) -> MailboxReport:
    """Take what is unread. A mailbox that cannot be read is remembered, and left alone for five minutes.

    Raises `StoreError`.
    """
    if mailbox is None:
        return MailboxReport()
    with store.reading() as db:
        outage = current_outage(db, OUTAGE)
    if outage is not None and now < outage.next_probe_at:
        return MailboxReport(stopped=outage.reason)
    report = MailboxReport()
    try:
        report.counts = read_mailbox(store, mailbox, secret=secret, now=now)
    except MailboxError as error:
        report.stopped = str(error)
        with store.writing() as tx:
            note_outage(tx, report.stopped, now=now, pause=_PAUSE, name=OUTAGE)
    else:
        if outage is not None:
            with store.writing() as tx:
                end_outage(tx, OUTAGE)
    return report


def read_mailbox(store: Store, mailbox: Mailbox, *, secret: bytes, now: datetime) -> Counter[str]:
    """Take what is unread. Counts mails by what they were; "other" is what is neither a report nor a command.

    A mail that breaks the reading of it costs only itself. Raises `MailboxError` and `StoreError`.
    """
    counts: Counter[str] = Counter()

    def take(raw: bytes) -> None:
        try:
            counts[take_return(store, raw, secret=secret, now=now) or "other"] += 1
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
