"""`config/subscribers/*.toml` <-> `Profile`. One file a person; a broken file costs only its owner."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import time
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from zoneinfo import available_timezones

from email_validator import EmailNotValidError, validate_email
from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from digest.errors import Mistake, SettingsError
from digest.model import Cadence, Interest, Profile, Weekday
from digest.settings import read_table
from digest.tables import Strict
from digest.text import clean_text

MAX_KEYWORDS = 200
_CLOCK = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)")
# What no address of a reader needs, and what has been used to smuggle a second recipient into a header.
_NEVER_IN_ADDRESS = re.compile(r"""[\x00-\x20\x7f"'`|%!<>()\[\],;:\\]|=\?|^-""")


def checked_address(text: str) -> str:
    """An address that means the same in the envelope, in the header and to the person who typed it.

    Quoted local parts, routes, encoded words, domain literals and single-label domains are refused; an international
    domain becomes its ASCII form. Raises `ValueError` with the remedy.
    """
    if _NEVER_IN_ADDRESS.search(text):
        raise ValueError(f"{text[:80]!r} is not a plain address like reader@example.org")
    try:
        found = validate_email(
            text, check_deliverability=False, strict=True, allow_smtputf8=False, test_environment=True
        )
    except EmailNotValidError as error:
        raise ValueError(f"{text[:80]!r} is not a valid address: {error}") from error
    address = found.ascii_email or found.normalized
    if "." not in address.rpartition("@")[2]:
        raise ValueError(f"{text[:80]!r} has no domain a mail could travel to")
    return address


@cache
def _zones() -> frozenset[str]:
    """Every zone this machine knows. Asking takes longer than reading a profile, and a folder may hold thousands."""
    return frozenset(available_timezones())


def _zone(name: str) -> str:
    if name not in _zones():
        raise ValueError(f'{name[:60]!r} is not a time zone: write it like "Europe/London" or "UTC"')
    return name


def _clock(value: Any) -> Any:
    if isinstance(value, str) and (found := _CLOCK.fullmatch(value.strip())):
        return time(int(found[1]), int(found[2]))
    if isinstance(value, time):
        return value.replace(second=0, microsecond=0)
    raise ValueError(f'{value!r} is not a time of day: write it like "07:30"')


def _keyword(text: str) -> str:
    cleaned = clean_text(text, limit=80)
    if not any(letter.isalnum() for letter in cleaned):
        raise ValueError("a keyword needs at least one letter or digit")
    if "*" in cleaned.rstrip("*") or cleaned.endswith("**"):
        raise ValueError(f'{cleaned!r}: "*" may stand only once, at the end of a word')
    return cleaned


Keyword = Annotated[str, Field(max_length=1000), AfterValidator(_keyword)]
Words = Annotated[str, Field(min_length=1, max_length=120), AfterValidator(clean_text)]


class CadenceTable(Strict):
    """How often, and at which local time."""

    every: Literal["day", "weekday", "week", "month"] | None = Field(
        None, description="day | weekday | week | month"
    )
    days: tuple[Weekday, ...] = Field(
        (), description='instead of every: ["mon", "thu"]; with "week": the one day'
    )
    at: Annotated[time, BeforeValidator(_clock)] = Field(time(7, 30), description="local time")

    @model_validator(mode="after")
    def _every_or_days(self) -> Self:
        if self.days and self.every not in (None, "week"):
            raise ValueError(f'every = "{self.every}" and days together are ambiguous: keep one of them')
        if self.every == "week" and len(self.days) > 1:
            raise ValueError('every = "week" takes one day; for several days leave "every" out')
        return self

    def to_cadence(self) -> Cadence:
        """The value the rest of the program knows."""
        return Cadence(
            self.every or ("days" if self.days else "day"), self.at, tuple(dict.fromkeys(self.days))
        )


class InterestTable(Strict):
    """Keywords that mean one thing to a reader."""

    keywords: Annotated[tuple[Keyword, ...], Field(min_length=1)]
    weight: float = Field(
        1.0, description="how much it counts; negative: less of this", ge=-10, le=10, allow_inf_nan=False
    )


class MuteTable(Strict):
    """What keeps a paper out."""

    keywords: tuple[Keyword, ...] = ()


class FollowTable(Strict):
    """Who is always of interest."""

    authors: tuple[Words, ...] = ()
    organizations: tuple[Words, ...] = ()


class ProfileFile(Strict):
    """One file of `config/subscribers/` as it is written."""

    email: Annotated[str, AfterValidator(checked_address)] = Field(description="where the digest goes")
    name: Annotated[str, AfterValidator(clean_text)] | None = Field(
        None, description="used in To", max_length=80
    )
    timezone: Annotated[str, AfterValidator(_zone)] = Field("UTC", description="IANA name")
    cadence: CadenceTable = CadenceTable()
    max_papers: int = Field(10, description="papers in one digest", ge=1, le=50)
    quiet_day: Literal["skip", "note", "carry-over"] = Field("skip", description="skip | note | carry-over")
    trending: float = Field(
        0.3, description="0 = only my interests, 1 = only what the community likes", ge=0, le=1
    )
    wildcard: bool = Field(True, description="one labelled paper from outside the profile")
    interest: tuple[InterestTable, ...] = ()
    mute: MuteTable = MuteTable()
    follow: FollowTable = FollowTable()

    @model_validator(mode="after")
    def _bounded(self) -> Self:
        count = sum(len(interest.keywords) for interest in self.interest) + len(self.mute.keywords)
        if count > MAX_KEYWORDS:
            raise ValueError(f"{count} keywords; at most {MAX_KEYWORDS} make a profile")
        return self

    def to_profile(self) -> Profile:
        """The value the rest of the program knows."""
        return Profile(
            email=self.email,
            name=self.name,
            timezone=self.timezone,
            cadence=self.cadence.to_cadence(),
            max_papers=self.max_papers,
            quiet_day=self.quiet_day,
            trending=self.trending,
            wildcard=self.wildcard,
            interests=tuple(Interest(tuple(dict.fromkeys(i.keywords)), i.weight) for i in self.interest),
            mute=tuple(dict.fromkeys(self.mute.keywords)),
            follow_authors=tuple(dict.fromkeys(self.follow.authors)),
            follow_organizations=tuple(dict.fromkeys(self.follow.organizations)),
        )


def profile_to_toml(profile: Profile) -> str:
    """`profile` as a file of `config/subscribers/`; `read_profile` is the inverse."""
    cadence = profile.cadence
    rhythm = [] if cadence.every == "days" else [f"every = {_toml(cadence.every)}"]
    rhythm += [f"days = {_toml(cadence.days)}"] if cadence.days else []
    rhythm += [f"at = {_toml(f'{cadence.at:%H:%M}')}"]
    lines = [f"email = {_toml(profile.email)}"]
    lines += [f"name = {_toml(profile.name)}"] if profile.name else []
    lines += [
        f"timezone = {_toml(profile.timezone)}",
        f"cadence = {{ {', '.join(rhythm)} }}",
        *(
            f"{key} = {_toml(getattr(profile, key))}"
            for key in ("max_papers", "quiet_day", "trending", "wildcard")
        ),
    ]
    for interest in profile.interests:
        lines += [
            "",
            "[[interest]]",
            f"keywords = {_toml(interest.keywords)}",
            f"weight = {interest.weight!r}",
        ]
    if profile.mute:
        lines += ["", "[mute]", f"keywords = {_toml(profile.mute)}"]
    follow = {"authors": profile.follow_authors, "organizations": profile.follow_organizations}
    if any(follow.values()):
        lines += ["", "[follow]", *(f"{key} = {_toml(names)}" for key, names in follow.items() if names)]
    return "\n".join(lines) + "\n"


def _toml(value: Any) -> str:
    """A value of a profile in TOML. JSON spells strings, lists, numbers and booleans just so, but for DEL."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


@dataclass(frozen=True, slots=True)
class ProfileRead:
    """What one file of the folder gave: a profile, or the mistakes that keep it from being one."""

    path: Path
    profile: Profile | None
    mistakes: tuple[Mistake, ...] = ()


def read_profile(path: Path) -> Profile:
    """The profile in one file. Raises `SettingsError` with every mistake in it."""
    table, mistakes = read_table(path, ProfileFile)
    if table is None:
        raise SettingsError(mistakes)
    return table.to_profile()


def read_profiles(folder: Path) -> list[ProfileRead]:
    """Every `*.toml` of `folder`, in name order. Two files with one address: the first keeps it, the second is a mistake."""
    owners: dict[str, Path] = {}
    return [_one_owner(read, owners) for read in _read_each(folder)]


def _read_each(folder: Path) -> Iterator[ProfileRead]:
    for path in sorted(folder.glob("*.toml")):
        if path.name.startswith("."):
            continue
        try:
            yield ProfileRead(path, read_profile(path))
        except SettingsError as error:
            yield ProfileRead(path, None, tuple(error.mistakes))


def _one_owner(read: ProfileRead, owners: dict[str, Path]) -> ProfileRead:
    if read.profile is None:
        return read
    owner = owners.setdefault(read.profile.email.lower(), read.path)
    if owner == read.path:
        return read
    twice = Mistake(
        str(read.path), "email", f"{read.profile.email} already belongs to {owner.name}: remove one of them"
    )
    return ProfileRead(read.path, None, (twice,))
