"""Is it due, and which Issue is it? The only file that knows time zones.

The rule: the Issue of a moment is the last slot at or before it, keyed by the slot's local date. A slot that a clock
change skips moves forward by the gap, one that happens twice counts once (the earlier), so every matching local date
has exactly one slot, whatever the zone does.
"""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from digest.model import WEEKDAYS, Cadence, Issue

# How long after its slot a digest is still worth sending. A laptop that sleeps through the hour sends when it wakes up;
# one that sleeps through the day waits for the next slot, whose digest then holds the papers of both days.
_WORTH_SENDING = {
    "day": timedelta(hours=12),
    "weekday": timedelta(hours=12),
    "days": timedelta(hours=12),
    "week": timedelta(days=3),
    "month": timedelta(days=7),
}
_LONGEST_CADENCE = 32  # days that hold at least one slot of every cadence


def zone_of(name: str) -> ZoneInfo:
    """The zone of this name; UTC where this machine does not know it (`digest doctor` tells whose), so that a reader from
    a machine with newer zones costs nobody else their digest."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return ZoneInfo("UTC")


def due_issue(cadence: Cadence, timezone: str, now: datetime) -> Issue | None:
    """The Issue whose slot has come and is still worth sending at `now`, or None.

    It says nothing about whether that Issue was sent: the ledger knows.
    """
    issue = _slot_at_or_before(cadence, zone_of(timezone), now)
    return issue if issue and now - issue.due_at <= _WORTH_SENDING[cadence.every] else None


def next_issue(cadence: Cadence, timezone: str, after: datetime) -> Issue:
    """The first Issue whose slot lies strictly after `after`."""
    zone = zone_of(timezone)
    start = after.astimezone(zone).date() - timedelta(days=1)
    for on in (start + timedelta(days=n) for n in range(2 * _LONGEST_CADENCE)):
        if _has_slot(cadence, on) and (slot := _issue(cadence, zone, on)).due_at > after:
            return slot
    raise AssertionError(f"a cadence without slots: {cadence}")


def lookback(cadence: Cadence, daily: timedelta) -> timedelta:
    """How far back a digest of this cadence looks: `daily` for anything up to a few days, else a whole period and a bit."""
    return max(daily, {"week": timedelta(days=9), "month": timedelta(days=33)}.get(cadence.every, daily))


def in_words(issue: Issue, timezone: str) -> str:
    """The slot as its reader would say it: `Tue 3 Mar 07:30 Europe/London`."""
    local = issue.due_at.astimezone(zone_of(timezone))
    return f"{local:%a} {local.day} {local:%b %H:%M} {timezone}"


def _slot_at_or_before(cadence: Cadence, zone: ZoneInfo, now: datetime) -> Issue | None:
    # The local date may run ahead of the slot's own date by a day where a zone skipped a day.
    start = now.astimezone(zone).date() + timedelta(days=1)
    for on in (start - timedelta(days=n) for n in range(_LONGEST_CADENCE + 2)):
        if _has_slot(cadence, on) and (slot := _issue(cadence, zone, on)).due_at <= now:
            return slot
    return None


def _issue(cadence: Cadence, zone: ZoneInfo, on: date) -> Issue:
    # fold=0 (PEP 495): the earlier of two, and in a gap the offset before it, which moves the slot forward by the gap.
    due_at = datetime.combine(on, cadence.at, tzinfo=zone).astimezone(UTC)
    return Issue(key=f"{on.isoformat()}/{cadence.every}", on=on, due_at=due_at)


def _has_slot(cadence: Cadence, on: date) -> bool:
    if cadence.every == "day":
        return True
    if cadence.every == "weekday":
        return on.weekday() < 5
    if cadence.every == "month":
        return on.day == 1
    days = cadence.days or ("mon",)
    return WEEKDAYS[on.weekday()] in days
