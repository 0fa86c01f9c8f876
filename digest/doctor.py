"""Is everything in order? One finding a check, each with what to do about it. Nothing is sent, nothing is changed."""

import re
import shlex
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Literal
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, func, select

from digest.commands import open_mailbox
from digest.errors import DigestError, MailboxError
from digest.mail.dialogue import Dialogue
from digest.mail.wording import counted
from digest.settings import Settings
from digest.store import Store
from digest.store.history import count_deliveries, oldest_open
from digest.store.outages import current_outage
from digest.store.people import every_subscriber
from digest.store.room import shortage_of
from digest.store.schema import sources

State = Literal["ok", "warn", "fail", "unchecked"]
Lookup = Callable[[str], list[str]]  # the TXT records of a name; an empty list when there are none

_MB = 1 << 20
_DATE = re.compile(r"[A-Z][a-z]{2}, \d{1,2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}:\d{2} [+-]\d{4}")
_WAL_RESET_MENDED = (3, 51, 3)
_MEND_SMTP = "mend [smtp] in config/digest.toml, and DIGEST_SMTP_PASSWORD in .env, then: digest doctor"
_MEND_MAILBOX = "mend [mailbox] in config/digest.toml, and DIGEST_IMAP_PASSWORD in .env, then: digest doctor"
SIGNED_ELSEWHERE = "no key of ours: the mail server's business"
LOOK_AT_A_MAIL = "digest send-test YOUR-ADDRESS, and look for dkim=pass in the headers of that mail"


@dataclass(frozen=True, slots=True)
class Finding:
    """One check: its name, how it went, what was seen, and what to do when it did not go well."""

    name: str
    state: State
    said: str
    remedy: str = ""


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
        said = f"the mail server's clock is {apart.total_seconds() / 60:.0f} minutes from ours"
        return Finding("clock", "warn", said, "let the system set its clock: timedatectl set-ntp true")
    return Finding("clock", "ok", "agrees with the mail server's")


def _names(settings: Settings, lookup: Lookup | None) -> Iterator[Finding]:
    """SPF (RFC 7208), DKIM (RFC 6376) and DMARC (RFC 7489) of the sender's domain."""
    domain = settings.file.sender.address.rpartition("@")[2].lower()
    if settings.file.delivery.transport != "smtp":
        return
    if lookup is None:
        yield Finding("DNS records", "unchecked", "DNS cannot be asked", "pip install dnspython")
        return
    for name, place, sign, remedy in (
        (
            "SPF",
            domain,
            "v=spf1",
            f"add a TXT record to {domain}: v=spf1 include:NAME ~all; your mail service says which NAME",
        ),
        ("DMARC", f"_dmarc.{domain}", "v=dmarc1", f"add a TXT record to _dmarc.{domain}: v=DMARC1; p=none"),
    ):
        yield _record(name, place, sign, remedy, lookup)
    dkim = settings.file.dkim
    if dkim.domain is None:
        yield Finding("DKIM", "unchecked", SIGNED_ELSEWHERE, LOOK_AT_A_MAIL)
    else:
        place = f"{dkim.selector}._domainkey.{dkim.domain}"
        remedy = f"add the TXT record to {place} that this says: digest doctor mail"
        yield _record("DKIM", place, "v=dkim1", remedy, lookup)


def _record(name: str, place: str, sign: str, remedy: str, lookup: Lookup) -> Finding:
    try:
        found = [record for record in lookup(place) if record.lower().startswith(sign)]
    except OSError as error:
        said = f"{place} could not be looked up: {error}"
        return Finding(name, "unchecked", said, "when the network is there: digest doctor")
    if len(found) > 1:
        said = f"{place} has {len(found)} records that begin with {sign}; receivers heed none"
        return Finding(name, "fail", said, f"remove all but one of these TXT records of {place}")
    if not found:
        return Finding(name, "warn", f"{place} has none; mail may be taken for spam", remedy)
    return Finding(name, "ok", found[0][:100])


def _last_run(db: Connection, now: datetime) -> Finding:
    tried_at = db.execute(select(func.max(sources.c.tried_at))).scalar()
    if tried_at is None:
        return Finding("last run", "warn", "no source was ever looked at", "start it: digest run")
    ago = now - tried_at
    said = f"sources were looked at {ago.total_seconds() / 3600:.1f} hours ago"
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
    oldest = oldest_open(db)
    if oldest is None:
        yield Finding("outbox", "ok", "nothing waits")
        return
    age = now - oldest
    said = f"the oldest message has waited {age.total_seconds() / 3600:.1f} hours"
    late = age > timedelta(hours=2)
    yield Finding(
        "outbox",
        "warn" if late else "ok",
        said,
        "this says why: digest outbox list --state deferred" if late else "",
    )


def ask_dns() -> Lookup | None:
    """A way to look up TXT records, when dnspython is installed."""
    try:
        import dns.exception
        import dns.resolver
    except ImportError:
        return None

    def lookup(name: str) -> list[str]:
        try:
            answers = dns.resolver.resolve(name, "TXT", lifetime=5.0)
        except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer):
            return []
        except dns.exception.DNSException as error:
            raise OSError(str(error)) from error
        return [b"".join(answer.strings).decode("utf-8", "replace") for answer in answers]

    return lookup
