"""What the operator should look at, mailed to `[alerts] to`: at most once an hour, and the same words once a day.

An alert is a delivery like any other, so that it leaves once and survives a crash. Trouble with the mail server itself is
none of it (it would wait for that very server), nor is an alert that could not be sent: those stand in `digest status`.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Protocol

from sqlalchemy import Connection, func, select

from digest.mail.mistrust import remedy_for
from digest.mail.notices import Trouble
from digest.mail.wording import counted, lasting
from digest.model import Message
from digest.store import Store
from digest.store.dialect import alone
from digest.store.front import enqueue_notice
from digest.store.halt import current_halt
from digest.store.history import count_deliveries, failed_since
from digest.store.outages import current_outage
from digest.store.returned import last_policy
from digest.store.room import shortage_of
from digest.store.rounds import every_round
from digest.store.schema import deliveries, sources, subscribers
from digest.tables import AlertSettings

_PAUSE = timedelta(hours=1)
_AGAIN = timedelta(days=1)
_LATE = timedelta(hours=2)
_FEW = 5
_OPEN = ("queued", "deferred")


class Letters(Protocol):
    """Writes the mail."""

    def alert(self, address: str, troubles: Sequence[Trouble], *, now: datetime) -> Message:
        """To the operator, the most urgent first."""
        ...


def alert(store: Store, letters: Letters, wanted: AlertSettings, home: Path, *, now: datetime) -> int:
    """Queue a mail about everything that needs a look, when it is time for one. Returns how many things are in it."""
    if wanted.to is None:
        return 0
    with store.reading() as db:
        found = list(troubles(db, wanted, home, now=now))
    if not found:
        return 0
    message = letters.alert(wanted.to, found, now=now)
    with store.writing() as tx:
        alone(tx, "alert")
        if _was_told(tx, message.subject, now):
            return 0
        hashed = store.address_hash(wanted.to)
        enqueue_notice(tx, message, kind="alert", address_hash=hashed, due_at=now, now=now)
    return len(found)


def _was_told(db: Connection, subject: str, now: datetime) -> bool:
    """Whether there was an alert within the hour, or this one within the day."""
    recent = select(deliveries.c.queued_at, deliveries.c.subject).where(
        deliveries.c.kind == "alert", deliveries.c.queued_at > now - _AGAIN
    )
    return any(row.subject == subject or row.queued_at > now - _PAUSE for row in db.execute(recent))


def hindrances(db: Connection, wanted: AlertSettings, home: Path) -> Iterator[Trouble]:
    """What stops mail from leaving or from being read at the moment, and anything new from being taken in."""
    halt, outage, mailbox = current_halt(db), current_outage(db), current_outage(db, "mailbox")
    if halt is not None:
        said = f"Since {halt.began_at:%Y-%m-%d %H:%M} UTC: {halt.reason}"
        yield Trouble("Sending is halted", said, "`digest operator resume` lets it go on.")
    if outage is not None:
        said = f"Since {outage.began_at:%Y-%m-%d %H:%M} UTC: {outage.reason}"
        again = f"{outage.next_probe_at:%H:%M} UTC is the next try; `digest outbox retry` tries at once."
        yield Trouble("The mail server takes nothing", said, again)
    if mailbox is not None:
        said = f"Since {mailbox.began_at:%Y-%m-%d %H:%M} UTC: {mailbox.reason}"
        yield Trouble("The mailbox cannot be read", said, "See [mailbox] in config/digest.toml, and .env.")
    if short := shortage_of(db, home, wanted.least_free_mb):
        yield Trouble("The disk is nearly full", short, "Free some space.")


def troubles(db: Connection, wanted: AlertSettings, home: Path, *, now: datetime) -> Iterator[Trouble]:
    """What needs a look at `now`, the most urgent first."""
    short = shortage_of(db, home, wanted.least_free_mb)
    if short is not None:
        yield Trouble("The disk is nearly full", short, "Free some space.")
    yield from _mails(db, now)
    yield from _returned(db, now)
    yield from _mailbox(db, now)
    yield from _sources(db, timedelta(days=wanted.source_days), now)
    yield from _verbs(db)
    yield from _files(db)


def _mails(db: Connection, now: datetime) -> Iterator[Trouble]:
    counts = count_deliveries(db)
    if counts.get("unknown"):
        said = f"{counted(counts['unknown'], 'message')} may have been sent, nobody knows."
        yield Trouble(
            "Mails are in doubt", said, "`digest outbox list --state unknown`, then `digest outbox resolve`."
        )
    mine = deliveries.c.kind != "alert"
    failed, last = failed_since(db, now - _AGAIN)
    if failed:
        said = f"{failed} within a day; the last one: {last}"
        remedy = (
            "`digest outbox list --state failed` shows them, `digest subscribers list` who gets nothing more."
        )
        yield Trouble("Mails could not be sent", said, remedy)
    waiting = (mine, deliveries.c.state.in_(_OPEN))
    oldest = db.execute(select(func.min(deliveries.c.queued_at)).where(*waiting)).scalar()
    if oldest is not None and now - oldest > _LATE and current_outage(db) is None:
        its = select(deliveries.c.last_reply).where(deliveries.c.queued_at == oldest, *waiting)
        reply = db.execute(its.limit(1)).scalar()
        said = f"The oldest has waited for {lasting(now - oldest)}{f': {reply}' if reply else '.'}"
        yield Trouble("Mails wait too long", said, "`digest outbox list --state deferred` says why.")


def _returned(db: Connection, now: datetime) -> Iterator[Trouble]:
    """Mail that our server took, and that came back for what is no reader's fault."""
    count, status, words = last_policy(db, now - _AGAIN)
    if count:
        remedy = remedy_for(status, words) or "`digest doctor mail` looks for what they may not like"
        said = f"{count} came back within a day; the last one: {words}"
        yield Trouble("Receivers refuse our mail", said, f"{remedy[0].upper()}{remedy[1:]}.")


def _mailbox(db: Connection, now: datetime) -> Iterator[Trouble]:
    outage = current_outage(db, "mailbox")
    if outage is not None and now - outage.began_at > _PAUSE:
        yield Trouble(
            "The mailbox cannot be read",
            f"Since {outage.began_at:%Y-%m-%d %H:%M} UTC: {outage.reason}",
            "See [mailbox] in config/digest.toml, and .env; until then nobody can subscribe or leave by mail.",
        )


def _sources(db: Connection, patience: timedelta, now: datetime) -> Iterator[Trouble]:
    """Sources that gave nothing for too long, and those whose format is another one, at once."""
    for row in db.execute(select(sources).order_by(sources.c.name)):
        is_changed = row.state == "changed"
        is_silent = row.failures > 0 and (row.succeeded_at is None or now - row.succeeded_at > patience)
        if is_changed or is_silent:
            since = f"since {row.succeeded_at:%Y-%m-%d}" if row.succeeded_at else "from the beginning"
            what = "has changed its format" if is_changed else f"gave nothing {since}"
            said = row.reason or str(row.state)
            yield Trouble(
                f"The source {row.name} {what}", said, f"`digest sources test {row.name}` shows more."
            )


def _verbs(db: Connection) -> Iterator[Trouble]:
    for verb, last in every_round(db).items():
        if last.last_error is not None and verb != "deliver":  # what keeps mail from leaving cannot be mailed
            yield Trouble(
                f"The last {verb} failed", last.last_error, f"Mend it; `digest {verb}` tries at once."
            )


def _files(db: Connection) -> Iterator[Trouble]:
    broken = select(subscribers.c.file, subscribers.c.profile_error).where(
        subscribers.c.profile_error.is_not(None)
    )
    for row in db.execute(broken.order_by(subscribers.c.id).limit(_FEW)):
        remedy = "Mend the file; its owner is served by the last good version meanwhile."
        yield Trouble(f"The profile {row.file} is broken", str(row.profile_error), remedy)
