"""Dates as pages print them, with and without a year."""

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_PRINTED = re.compile(r"(?P<month>[A-Z][a-z]{2,8})\.? (?P<day>\d{1,2})(?:, (?P<year>\d{4}))?")
_RFC_5322 = re.compile(
    r"(?:[A-Za-z]{2,9},?\s+)?(?P<day>\d{1,2})\s+(?P<month>[A-Za-z]{3,9})\s+(?P<year>\d{4}|\d\d)\b"
)
_ISO = re.compile(r"(?<!\d)(\d{4})-(\d\d)-(\d\d)(?!\d)")


@dataclass(frozen=True, slots=True)
class PrintedDate:
    """A date as a page shows it: `Apr 29`, or `Aug 2, 2024`."""

    month: int
    day: int
    year: int | None = None

    def on_or_before(self, limit: date) -> date | None:
        """This date; where the year is not printed, the latest such date not after `limit`. None if there is none."""
        if self.year is not None:
            return day_of(self.year, self.month, self.day)
        # 29 February may be eight years away (1896 to 1904, 2096 to 2104).
        years = range(limit.year, limit.year - 9, -1)
        found = (day_of(year, self.month, self.day) for year in years)
        return next((on for on in found if on and on <= limit), None)


def printed_date(text: str) -> PrintedDate | None:
    """`Apr 29`, `April 29` or `Aug 2, 2024`, and nothing else around it; None for any other text."""
    match = _PRINTED.fullmatch(text.strip())
    if match is None or match["month"].lower()[:3] not in _MONTHS:
        return None
    month = _MONTHS.index(match["month"].lower()[:3]) + 1
    day, year = int(match["day"]), int(match["year"]) if match["year"] else None
    return PrintedDate(month, day, year) if day_of(2000 if year is None else year, month, day) else None


def page_day(
    printed: PrintedDate | None, on_papers: Iterable[PrintedDate], fetched_on: date
) -> tuple[date | None, date]:
    """When a page was rendered: the day it prints, with its year; and the latest day a paper on it can have.

    The site prints the year of every paper that is not of the current year. So where at least ten years are printed, the
    page was rendered in the year after the latest of them, unless that would be after it was fetched.
    """
    years = [on.year for on in on_papers if on.year is not None]
    limit = fetched_on
    if len(years) >= 10 and date(min(max(years) + 1, 9999), 1, 1) <= fetched_on:
        limit = min(fetched_on, date(min(max(years) + 1, 9999), 12, 31))
    rendered_on = printed.on_or_before(limit) if printed else None
    return rendered_on, rendered_on or limit


def iso_day(text: str) -> date | None:
    """The day in an ISO 8601 time stamp, an address or a file name; None when there is none, or more than one."""
    found = {day_of(*map(int, match.groups())) for match in _ISO.finditer(text[:1000])} - {None}
    return found.pop() if len(found) == 1 else None


def feed_day(text: str) -> date | None:
    """The day of a time stamp as feeds write it, ISO 8601 or RFC 5322, in the writer's own zone."""
    text = text.strip()[:100]
    if found := iso_day(text[:10]):
        return found
    if match := _RFC_5322.match(text):
        month = match["month"].lower()[:3]
        year = int(match["year"]) + (0 if len(match["year"]) == 4 else 2000)
        return day_of(year, _MONTHS.index(month) + 1, int(match["day"])) if month in _MONTHS else None
    return None


def commonest_day(days: Iterable[date | None]) -> date | None:
    """The day more than half of the entries name, if there is one."""
    counted = Counter(day for day in days if day is not None)
    if not counted:
        return None
    day, times = counted.most_common(1)[0]
    return day if 2 * times > counted.total() else None


def day_of(year: int, month: int, day: int) -> date | None:
    """The date, or None if the calendar has no such day."""
    try:
        return date(year, month, day)
    except (ValueError, OverflowError):
        return None
