"""Is everything in order? One finding a check, each with what to do about it. Nothing is sent, nothing is changed."""

import re
import shlex
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, func, select

from digest.commands import open_mailbox
from digest.domain import Lookup, examine_domain
from digest.errors import DigestError, MailboxError
from digest.finding import Finding
from digest.mail.dialogue import Dialogue
from digest.mail.wording import counted, lasting
from digest.settings import Settings
from digest.stationery import dkim_keys
from digest.store import Store
from digest.store.history import count_deliveries, failed_since, oldest_open
from digest.store.outages import current_outage
from digest.store.people import every_subscriber
from digest.store.room import shortage_of
from digest.store.schema import sources

_MB = 1 << 20
_DATE = re.compile(r"[A-Z][a-z]{2}, \d{1,2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}:\d{2} [+-]\d{4}")
_WAL_RESET_MENDED = (3, 51, 3)
_MEND_SMTP = "do what it says ([smtp] is in config/digest.toml, the password in .env), then: digest doctor"
_MEND_MAILBOX = (
    "do what it says ([mailbox] is in config/digest.toml, the password in .env), then: digest doctor"
)


def examine(settings: Settings, store: Store, *, lookup: Lookup | None, now: datetime) -> Iterator[Finding]:
    """Every check, in the order in which trouble starts. `lookup` is None where DNS cannot be asked."""
    with store.reading() as db:
        yield _database(db)
        yield from _zones(db)
        yield _space(db, settings)
    yield _secrets(settings.home)
    yield from _way_out(settings, now)
    yield from _mailbox(settings)
    yield from _names(settings, lookup)
    with store.reading() as db:
        yield _last_run(db, now)
        yield from _outbox(db, now)


def _database(db: Connection) -> Finding:
    if db.dialect.name != "sqlite":
        return Finding("database", "ok", f"{db.dialect.name} answers")
    found = db.exec_driver_sql("PRAGMA quick_check(1)").scalar()
    if found != "ok":
        return Finding(
            "database", "fail", f"damaged: {found}", "bring back the last backup: digest restore FILE"
        )
    guarded = (
        "" if sqlite3.sqlite_version_info >= _WAL_RESET_MENDED else ", one writer at a time by our own lock"
    )
    return Finding("database", "ok", f"SQLite {sqlite3.sqlite_version}, whole{guarded}")


def _zones(db: Connection) -> Iterator[Finding]:
    unknown = set()
    for person in every_subscriber(db):
        try:
            ZoneInfo(person.profile.timezone)
        except (KeyError, ValueError, OSError):
            unknown.add(person.profile.timezone)
    if unknown:
        remedy = "correct `timezone` in the profile; for a zone that is new: pip install --upgrade tzdata"
        yield Finding("zone data", "fail", f"unknown: {', '.join(sorted(unknown))}", remedy)
    else:
        yield Finding("zone data", "ok", "every reader's time zone is known")


def _space(db: Connection, settings: Settings) -> Finding:
    home = settings.home
    usage = shutil.disk_usage(home)
    said = f"{usage.free // _MB} MB free ({100 * usage.free // usage.total} %)"
    if short := shortage_of(db, home, settings.file.alerts.least_free_mb):
        return Finding("disk space", "fail", short, "free some space there")
    if usage.free < 200 * _MB or usage.free < 0.05 * usage.total:
        return Finding("disk space", "warn", said, f"free some space on the disk of {home}")
    return Finding("disk space", "ok", said)


def _secrets(home: Path) -> Finding:
    readable = [
        file
        for file in (home / ".env", home / "data" / "secret.key")
        if file.exists() and file.stat().st_mode & 0o077
    ]
    if readable:
        names = ", ".join(str(file.relative_to(home)) for file in readable)
        remedy = f"chmod 600 {shlex.join(map(str, readable))}"
        return Finding("secrets", "fail", f"others on this machine can read {names}", remedy)
    return Finding("secrets", "ok", "only you can read them")


def _way_out(settings: Settings, now: datetime) -> Iterator[Finding]:
    wanted = settings.file.delivery
    if wanted.transport != "smtp":
        folder = settings.inside_home(wanted.folder)
        remedy = 'set transport = "smtp" in [delivery] of config/digest.toml to send mail'
        yield Finding("mail server", "unchecked", f"mail is written to {folder}", remedy)
        return
    password = settings.smtp_password
    smtp = settings.file.smtp
    try:
        dialogue = Dialogue.open(smtp, password.get_secret_value() if password else None)
    except DigestError as error:
        yield Finding("mail server", "fail", str(error), _MEND_SMTP)
        return
    dialogue.close(politely=True)
    secured = "in clear" if smtp.security == "none" else f"{smtp.security}, certificate good"
    logged_in = f", logged in as {smtp.username}" if smtp.username else ""
    yield Finding(
        "mail server", "ok", f"{smtp.host}:{smtp.port} answers ({secured}{logged_in}); nothing was sent"
    )
    yield _clock(dialogue.greeting, now)


def _mailbox(settings: Settings) -> Iterator[Finding]:
    """Whether mail that comes back and requests by mail can be read."""
    try:
        mailbox = open_mailbox(settings)
        unread = mailbox.count() if mailbox else 0
    except MailboxError as error:
        yield Finding("mailbox", "fail", str(error), _MEND_MAILBOX)
        return
    if mailbox is not None:
        yield Finding("mailbox", "ok", f"can be read; it has {counted(unread, 'unread mail')}")
    elif settings.file.bounces.address is not None:
        said = f"mail that comes back to {settings.file.bounces.address} is read nowhere"
        yield Finding(
            "mailbox", "warn", said, "set host and username, or maildir, in [mailbox] of config/digest.toml"
        )


def _clock(greeting: str, now: datetime) -> Finding:
    """Some servers say the time when they greet."""
    found = _DATE.search(greeting)
    theirs = None
    with suppress(ValueError):
        theirs = parsedate_to_datetime(found[0]) if found else None
    if theirs is None:
        return Finding("clock", "unchecked", "the mail server does not say what time it has")
    apart = abs(theirs - now)
    if apart > timedelta(minutes=5):
        said = f"the mail server's clock is {lasting(apart)} from ours"
        return Finding("clock", "warn", said, "let the system set its clock: timedatectl set-ntp true")
    return Finding("clock", "ok", "agrees with the mail server's")


def _names(settings: Settings, lookup: Lookup | None) -> Iterator[Finding]:
    """What the sender's domain says of itself, when mail leaves in its name."""
    if settings.file.delivery.transport == "smtp":
        yield from examine_domain(settings.file.sender.address, dkim_keys(settings), lookup)


def _last_run(db: Connection, now: datetime) -> Finding:
    tried_at = db.execute(select(func.max(sources.c.tried_at))).scalar()
    if tried_at is None:
        return Finding("last run", "warn", "no source was ever looked at", "start it: digest run")
    ago = now - tried_at
    said = f"sources were looked at {lasting(ago)} ago"
    if ago > timedelta(days=1):
        return Finding(
            "last run", "fail", said, "start it: digest run (deploy/README.md says how it starts by itself)"
        )
    return Finding("last run", "ok", said)


def _outbox(db: Connection, now: datetime) -> Iterator[Finding]:
    outage = current_outage(db)
    if outage is not None:
        said = f"since {outage.began_at:%Y-%m-%d %H:%M} UTC: {outage.reason}"
        yield Finding("sending", "fail", said, "mend what it says, then: digest outbox retry")
    counts = count_deliveries(db)
    if counts.get("unknown"):
        said = f"{counted(counts['unknown'], 'message')} may have been sent, nobody knows"
        yield Finding(
            "in doubt",
            "warn",
            said,
            "digest outbox list --state unknown, then for each: digest outbox resolve ID --as sent",
        )
    failed, last = failed_since(db, now - timedelta(days=1))
    if failed:
        said = f"{counted(failed, 'mail')} could not be sent within a day; the last one: {last}"
        remedy = "digest outbox list --state failed; digest subscribers list says who gets nothing more"
        yield Finding("refused", "warn", said, remedy)
    oldest = oldest_open(db)
    if oldest is None:
        yield Finding("outbox", "ok", "nothing waits")
        return
    age = now - oldest
    said = f"the oldest message has waited {lasting(age)}"
    late = age > timedelta(hours=2)
    yield Finding(
        "outbox",
        "warn" if late else "ok",
        said,
        "this says why: digest outbox list --state deferred" if late else "",
    )
