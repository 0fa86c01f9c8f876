"""What should be looked at, the most urgent first, each with what to do about it: what is mailed as alerts, and more."""

import re
from collections.abc import Iterator
from datetime import datetime, timedelta

from markupsafe import Markup, escape
from sqlalchemy import Connection

from digest.alerts import hindrances, troubles
from digest.mail.notices import Trouble
from digest.settings import Settings
from digest.store.rounds import every_round
from digest.store.sources import pages_with_trouble

_SILENT = timedelta(days=1)
_WEEK = timedelta(days=7)  # an older page is looked into by nobody any more
_FEW = 5


def troubles_now(db: Connection, settings: Settings, *, now: datetime) -> list[Trouble]:
    """Everything that is not as it should be at `now`; an empty list is good news."""
    wanted, home = settings.file.alerts, settings.home
    found = [
        *hindrances(db, wanted, home),
        *troubles(db, wanted, home, now=now),
        *_silence(db, now),
        *_pages(db, now),
    ]
    first = {trouble.what: trouble for trouble in reversed(found)}  # a full disk is in both of the lists
    return [trouble for trouble in found if trouble is first[trouble.what]]


def coded(text: str) -> Markup:
    """`text` for a page, with what stands between backticks as code."""
    return Markup(re.sub(r"`([^`]+)`", r"<code>\1</code>", str(escape(text))))  # noqa: S704  escaped just here


def _silence(db: Connection, now: datetime) -> Iterator[Trouble]:
    for verb, last in every_round(db).items():
        if now - last.last_ended_at > _SILENT:
            said = f"The last time was {last.last_ended_at:%Y-%m-%d %H:%M} UTC."
            yield Trouble(f"No {verb} for a day", said, "Is `digest run` or `digest serve` running?")


def _pages(db: Connection, now: datetime) -> Iterator[Trouble]:
    for row in pages_with_trouble(db, now - _WEEK, _FEW):
        remedy = "Look at the page; if it is whole, its format has changed: tell the makers of this program."
        yield Trouble(
            f"A page of {row['source']} is {row['status']}", f"{row['name']}: {row['reason']}", remedy
        )
