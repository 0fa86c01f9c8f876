"""What should be looked at, the most urgent first, each with what to do about it."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from sqlalchemy import Connection, select

from digest.mail.notices import Trouble
from digest.store.figures import source_rows, waiting
from digest.store.halt import current_halt
from digest.store.history import count_deliveries
from digest.store.outages import current_outage
from digest.store.papers import pages_with_trouble
from digest.store.rounds import every_round
from digest.store.schema import subscribers

_LATE = timedelta(hours=2)
_SILENT = timedelta(days=1)
_FEW = 5


def troubles(db: Connection, *, now: datetime) -> list[Trouble]:
    """Everything that is not as it should be at `now`; an empty list is good news."""
    return [*_sending(db, now), *_verbs(db, now), *_sources(db), *_pages(db), *_files(db)]


def _sending(db: Connection, now: datetime) -> Iterator[Trouble]:
    halt, outage, counts, open_ = current_halt(db), current_outage(db), count_deliveries(db), waiting(db)
    if halt is not None:
        yield Trouble(
            "Sending is halted",
            f"since {_at(halt.began_at)}: {halt.reason}",
            "Resume it below when it may go on.",
        )
    if outage is not None:
        detail = f"since {_at(outage.began_at)}: {outage.reason}; next try {_at(outage.next_probe_at)}"
        yield Trouble(
            "The mail server takes nothing", detail, "Mend what it says, then press “Try the server now”."
        )
    if counts.get("unknown"):
        detail = f"{counts['unknown']:,} mails may have been sent, nobody knows"
        yield Trouble("Mails in doubt", detail, "Open each and say what became of it.")
    if open_.oldest_at is not None and now - open_.oldest_at > _LATE and halt is None and outage is None:
        hours = (now - open_.oldest_at).total_seconds() / 3600
        detail = f"{open_.count:,} wait, the oldest for {hours:.1f} hours"
        yield Trouble(
            "Mails wait too long", detail, "Is “digest run” or “digest serve” running? Look at the outbox."
        )


def _verbs(db: Connection, now: datetime) -> Iterator[Trouble]:
    for verb, last in every_round(db).items():
        if last.last_error is not None:
            detail = f"{_at(last.last_ended_at)}: {last.last_error}"
            yield Trouble(
                f"The last {verb} failed", detail, f"Mend what it says; “digest {verb}” tries at once."
            )
        elif now - last.last_ended_at > _SILENT:
            detail = f"the last time was {_at(last.last_ended_at)}"
            yield Trouble(f"No {verb} for a day", detail, "Is “digest run” or “digest serve” running?")


def _sources(db: Connection) -> Iterator[Trouble]:
    for row in source_rows(db):
        if row["failures"]:
            detail = f"{row['failures']} times in a row: {row['reason'] or row['state']}"
            remedy = f"“digest sources test {row['name']}” shows what is understood of it."
            yield Trouble(f"Source {row['name']} is {row['state']}", detail, remedy)


def _pages(db: Connection) -> Iterator[Trouble]:
    for row in pages_with_trouble(db, _FEW):
        remedy = "Look at the page; if it is whole, its format has changed: tell the makers of this program."
        yield Trouble(
            f"A page of {row['source']} is {row['status']}", f"{row['name']}: {row['reason']}", remedy
        )


def _files(db: Connection) -> Iterator[Trouble]:
    broken = select(subscribers.c.file, subscribers.c.profile_error).where(
        subscribers.c.profile_error.is_not(None)
    )
    for row in db.execute(broken.order_by(subscribers.c.id).limit(_FEW)):
        remedy = "Mend the file; its owner is served by the last good version meanwhile."
        yield Trouble(f"Profile file {row.file} is broken", str(row.profile_error), remedy)


def _at(instant: datetime) -> str:
    return f"{instant:%Y-%m-%d %H:%M} UTC"
