"""Every zone of the world over years of clock changes: each local date has exactly one Issue, at its own hour."""

import random
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo, available_timezones

from digest.cadence import due_issue, next_issue
from digest.model import Cadence

HOURS = (time(0, 30), time(1, 30), time(2, 30), time(7, 30), time(23, 30))

_WIDEST_JUMP = timedelta(hours=2)  # of Troll, in Antarctica


@dataclass
class Dates:
    """How the dates fared."""

    zones: int = 0
    dates: int = 0
    wrong: int = 0
    examples: list[str] = field(default_factory=list)


def run(zones: int | None = None, *, years: int = 3, seed: int = 1) -> Dates:
    """All zones, or so many of them chosen at random, from 2026 on."""
    known = sorted(available_timezones())
    chosen = known if zones is None else random.Random(seed).sample(known, zones)
    found = Dates(len(chosen))
    for name in chosen:
        for hour in HOURS:
            _walk(found, name, hour, date(2026 + years, 1, 1))
    return found


def _walk(found: Dates, name: str, hour: time, until: date) -> None:
    zone, cadence = ZoneInfo(name), Cadence("day", hour)
    moment, expected = datetime(2025, 12, 31, tzinfo=UTC), None
    while expected is None or expected < until:
        issue = next_issue(cadence, name, moment)
        local = issue.due_at.astimezone(zone)
        late = local.replace(tzinfo=None) - datetime.combine(issue.on, hour)
        # An hour that the clock jumps over comes as much later as the jump is wide, in Nuuk even after midnight.
        widest = _WIDEST_JUMP if _is_missing(issue.on, hour, zone) else timedelta()
        right = (
            issue.due_at > moment
            and issue.on == (expected or issue.on)
            and timedelta() <= late <= widest
            and due_issue(cadence, name, issue.due_at) == issue
        )
        found.dates += 1
        if not right:
            found.wrong += 1
            found.examples.append(f"{name} at {hour}: {issue}, expected {expected}, local {local}")
        moment, expected = issue.due_at, issue.on + timedelta(days=1)


def _is_missing(on: date, hour: time, zone: ZoneInfo) -> bool:
    """Whether the clock jumps over this hour on that day."""
    local = datetime.combine(on, hour, zone)
    return local.astimezone(UTC).astimezone(zone).replace(tzinfo=None) != local.replace(tzinfo=None)
