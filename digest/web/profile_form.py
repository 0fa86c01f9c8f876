"""The fields of a form <-> a Profile. Every mistake is told beside its field; what was typed is never lost."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import time
from zoneinfo import available_timezones

from pydantic import TypeAdapter, ValidationError

from digest.model import WEEKDAYS, Cadence, Interest, Profile
from digest.profiles import MAX_KEYWORDS, Keyword, checked_address
from digest.web.forms import Form

MOST_TRIED = 40  # keywords in one preview by somebody nobody knows
_CLOCK = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)")
_BETWEEN = re.compile(r"[,;\n]")
_MINUS = re.compile(r"^[-\u2010-\u2015\u2212]\s*(?=\S)")
_KEYWORD: TypeAdapter[str] = TypeAdapter(Keyword)
# Where somebody lives, without the names that only machines have.
ZONES = (
    "UTC",
    *sorted(z for z in available_timezones() if "/" in z and not z.startswith(("Etc/", "SystemV/"))),
)
CADENCES = {
    "weekday": "every weekday",
    "day": "every day",
    "week": "once a week",
    "month": "once a month",
    "days": "on certain days",
}
DAY_NAMES = dict(
    zip(WEEKDAYS, ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"), strict=True)
)


@dataclass(slots=True)
class Fields:
    """What was typed, and what is wrong with it, by the name of the field."""

    values: dict[str, str]
    wrong: dict[str, str] = field(default_factory=dict)

    def __getitem__(self, name: str) -> str:
        return self.values.get(name, "")


def split_words(typed: str) -> list[str]:
    """What stands between commas, semicolons and line ends."""
    return [word.strip() for word in _BETWEEN.split(typed) if word.strip()]


def read_words(typed: str, name: str, wrong: dict[str, str]) -> tuple[str, ...]:
    """The keywords of a field; the first that cannot be one is told in `wrong`."""
    words: dict[str, None] = {}
    for word in split_words(typed[: 100 * MAX_KEYWORDS]):
        try:
            words[_KEYWORD.validate_python(word)] = None
        except ValidationError as error:
            said = error.errors(include_url=False)[0]["msg"].removeprefix("Value error, ")
            wrong.setdefault(name, f"“{word[:40]}”: {said}")
    return tuple(words)


def read_topics(typed: str, wrong: dict[str, str]) -> tuple[tuple[Interest, ...], tuple[str, ...]]:
    """Topics as one field: each an interest of its own, those with a minus are muted."""
    words = split_words(typed[: 100 * MAX_KEYWORDS])
    wanted = ",".join(word for word in words if not _MINUS.match(word))
    unwanted = ",".join(_MINUS.sub("", word) for word in words if _MINUS.match(word))
    interests = tuple(Interest((word,)) for word in read_words(wanted, "topics", wrong))
    return interests, read_words(unwanted, "topics", wrong)


def read_address(typed: str, wrong: dict[str, str], name: str = "email") -> str:
    """The address, or "" and the reason in `wrong`."""
    if not typed:
        wrong[name] = "Your address is missing: where should the digest go?"
        return ""
    if typed.count("@") != 1:
        signs = "no @ sign" if "@" not in typed else "more than one @ sign"
        wrong[name] = f"That does not look like an address: it has {signs}."
        return ""
    try:
        return checked_address(typed)
    except ValueError:
        wrong[name] = "That does not look like an address. Write it like name@example.org."
        return ""


def read_rhythm(form: Form, wrong: dict[str, str]) -> tuple[Cadence, str]:
    """How often, at which hour, in which zone."""
    every = form.line("every") or "weekday"
    days = tuple(day for day in WEEKDAYS if day in form.lines("days"))
    if every not in CADENCES:
        wrong["every"] = "Choose how often."
        every = "weekday"
    if every == "days" and not days:
        wrong["days"] = "Choose at least one day."
        every = "weekday"
    found = _CLOCK.match(form.line("at") or "07:30")
    if not found:
        wrong["at"] = "Write the hour like 07:30."
    at = time(int(found[1]), int(found[2])) if found else time(7, 30)
    zone = form.line("zone") or "UTC"
    if zone not in ZONES:
        wrong["zone"] = "Choose a time zone from the list."
        zone = "UTC"
    day = form.line("day")
    chosen = {"week": (day,) if day in WEEKDAYS else (), "days": days}.get(every, ())
    return Cadence(every, at, chosen), zone  # type: ignore[arg-type]  # every is one of CADENCES


def bounded_number(typed: str, least: float, most: float, otherwise: float) -> float:
    """A number of a slider or list, kept inside its bounds."""
    try:
        number = float(typed)
    except ValueError:
        return otherwise
    return min(max(number, least), most) if number == number else otherwise  # noqa: PLR0124  # NaN


def topics_of(profile: Profile) -> str:
    """A simple profile's interests as one field."""
    words = [word for interest in profile.interests for word in interest.keywords]
    return ", ".join([*words, *(f"-{word}" for word in profile.mute)])


def count_words(interests: Sequence[Interest], mute: Sequence[str]) -> int:
    """How many keywords there are."""
    return sum(len(interest.keywords) for interest in interests) + len(mute)
