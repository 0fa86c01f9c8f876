"""How this program says dates, numbers, names and rhythms. English, and the same on every machine."""

from collections.abc import Callable, Sequence
from datetime import date, timedelta
from functools import lru_cache
from operator import attrgetter

from digest.model import Cadence, Paper, Profile

_MONTHS = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
]
_DAYS = {
    "mon": "Monday",
    "tue": "Tuesday",
    "wed": "Wednesday",
    "thu": "Thursday",
    "fri": "Friday",
    "sat": "Saturday",
    "sun": "Sunday",
}
_NAMED_AUTHORS = 3
_NAMED_INTERESTS = 3
_weight_of = attrgetter("weight")


@lru_cache(maxsize=256)
def long_date(day: date) -> str:
    """Thursday, 5 March 2026."""
    return f"{list(_DAYS.values())[day.weekday()]}, {day.day} {_MONTHS[day.month - 1]} {day.year}"


def day_and_month(day: date) -> str:
    """5 March."""
    return f"{day.day} {_MONTHS[day.month - 1]}"


def short_date(day: date) -> str:
    """5 Mar 2026, with spaces at which a line does not break."""
    return f"{day.day}\u00a0{_MONTHS[day.month - 1][:3]}\u00a0{day.year}"


def counted(number: int, noun: str, plural: str | None = None) -> str:
    """1 upvote, 1,204 upvotes; `plural` where it is not the noun with an s."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def lasting(time: timedelta) -> str:
    """3 days, 1 hour, 20 minutes: whole ones, in the largest unit that is reached."""
    minutes = max(int(time.total_seconds()) // 60, 1)
    for size, noun in ((24 * 60, "day"), (60, "hour")):
        if minutes >= size:
            return counted(minutes // size, noun)
    return counted(minutes, "minute")


def listed(items: Sequence[str]) -> str:
    """a; a and b; a, b and c."""
    return " and ".join([", ".join(items[:-1]), items[-1]]) if len(items) > 1 else "".join(items)


def authors_of(paper: Paper) -> str:
    """Up to three names and how many more; only how many when no name is known; "" when nothing is."""
    if not paper.authors:
        return counted(paper.authors_count, "author") if paper.authors_count else ""
    named = paper.authors[:_NAMED_AUTHORS]
    more = max(paper.authors_count or 0, len(paper.authors)) - len(named)
    return ", ".join(named) + (f" +{more}" if more > 0 else "")


@lru_cache(maxsize=4096)
def votes(upvotes: int | None, comments: int | None) -> str:
    """41 upvotes, 3 comments, each kept on one line; zero and unknown are left out."""
    figures = ((upvotes, "upvote"), (comments, "comment"))
    return ", ".join(counted(number, noun).replace(" ", "\u00a0") for number, noun in figures if number)


def interests_of(profile: Profile, said: Callable[[str], str]) -> str:
    """The first keyword of each wanted interest, `said` as it may be shown, the heaviest first; "" when there are none."""
    wanted = [interest for interest in profile.interests if interest.weight > 0 and interest.keywords]
    wanted.sort(key=_weight_of, reverse=True)
    named = [said(interest.keywords[0]) for interest in wanted[:_NAMED_INTERESTS]]
    more = len(wanted) - len(named)
    return listed([*named, f"{more} more"] if more else named)


def rhythm_of(profile: Profile) -> str:
    """every weekday at 07:30 (Europe/London)."""
    return _rhythm(profile.cadence, profile.timezone)


@lru_cache(maxsize=4096)
def _rhythm(cadence: Cadence, timezone: str) -> str:
    return f"{_how_often(cadence)} at {cadence.at:%H:%M} ({timezone})"


def _how_often(cadence: Cadence) -> str:
    if cadence.every in ("week", "days"):
        return "every " + listed([_DAYS[day] for day in cadence.days or ("mon",)])
    return f"every {cadence.every}"
