"""Every field of a profile as a form, and back."""

from dataclasses import replace
from typing import Any

from digest.model import Interest, Profile
from digest.profiles import MAX_KEYWORDS
from digest.text import clean_text
from digest.web.forms import Form
from digest.web.profile_form import bounded_number, count_words, read_rhythm, read_words, split_words

_ROWS = 60
_SPARE = 2  # empty rows, for those who have no script to add more
QUIET_DAYS = {"skip": "nothing", "note": "a short note", "carry-over": "the nearest there is"}
WEIGHTS = {"0.5": "a little", "1": "as usual", "2": "twice as much", "4": "above all", "-1": "less of it"}


def fields_of(profile: Profile) -> dict[str, Any]:
    """The fields of the form, filled in."""
    rows = [(", ".join(one.keywords), f"{one.weight:g}") for one in profile.interests]
    cadence = profile.cadence
    return {
        "rows": [*rows, *[("", "1")] * _SPARE],
        "mute": ", ".join(profile.mute),
        "authors": ", ".join(profile.follow_authors),
        "organizations": ", ".join(profile.follow_organizations),
        "every": cadence.every,
        "day": (cadence.days or ("mon",))[0],
        "days": cadence.days if cadence.every == "days" else (),
        "at": f"{cadence.at:%H:%M}",
        "zone": profile.timezone,
        "max_papers": str(profile.max_papers),
        "trending": str(round(profile.trending * 100)),
        "wildcard": profile.wildcard,
        "quiet_day": profile.quiet_day,
    }


def weights_with(profile_rows: list[tuple[str, str]]) -> dict[str, str]:
    """The weights to choose from, with those a profile has from elsewhere."""
    others = {weight: f"weight {weight}" for _, weight in profile_rows if weight not in WEIGHTS}
    return WEIGHTS | others


def read_profile_form(form: Form, before: Profile) -> tuple[Profile, dict[str, str]]:
    """The profile that was typed, and what is wrong with it, by field. What the form does not have stays as before."""
    wrong: dict[str, str] = {}
    interests = _interests(form, wrong)
    mute = read_words(form.raw("mute"), "mute", wrong)
    if count_words(interests, mute) > MAX_KEYWORDS:
        wrong["interests"] = f"At most {MAX_KEYWORDS} keywords make a profile."
        interests = interests[:1]
    cadence, zone = read_rhythm(form, wrong)
    quiet = form.line("quiet_day")
    wanted = replace(
        before,
        interests=interests,
        mute=mute,
        follow_authors=_names(form.raw("authors")),
        follow_organizations=_names(form.raw("organizations")),
        cadence=cadence,
        timezone=zone,
        max_papers=round(bounded_number(form.line("max_papers"), 1, 50, before.max_papers)),
        trending=bounded_number(form.line("trending"), 0, 100, before.trending * 100) / 100,
        wildcard="wildcard" in form,
        quiet_day=quiet if quiet in QUIET_DAYS else before.quiet_day,  # type: ignore[arg-type]  # its keys
    )
    return wanted, wrong


def _interests(form: Form, wrong: dict[str, str]) -> tuple[Interest, ...]:
    found = []
    for row in range(_ROWS):
        typed = form.raw(f"keywords_{row}")
        words = read_words(typed, f"keywords_{row}", wrong)
        weight = bounded_number(form.line(f"weight_{row}"), -10, 10, 1.0)
        if words:
            found.append(Interest(words, weight))
    known = {word for one in found for word in one.keywords}
    offered = [word for word in form.lines("add") if word not in known]
    found += [Interest((word,)) for word in read_words(",".join(offered), "interests", wrong)]
    return tuple(found)


def _names(typed: str) -> tuple[str, ...]:
    names = (clean_text(name, limit=120) for name in split_words(typed[:20_000]))
    return tuple(dict.fromkeys(name for name in names if name))[:200]
