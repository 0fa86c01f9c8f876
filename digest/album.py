"""Folders somebody opens in a browser: days that were replayed, and every mail in every theme."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template

from digest.letters import Letters
from digest.mail.catalogue import sample
from digest.mail.direction import isolated
from digest.mail.render import KINDS, Renderer
from digest.mail.themes import THEMES, build_theme
from digest.mail.view import chips_of
from digest.mail.wording import counted, long_date
from digest.model import Digest, Pick, Profile
from digest.preview import write_into
from digest.replay import Change, Day
from digest.shipped import shipped

_INDEX = "index.html"


@dataclass(frozen=True, slots=True)
class _Line:
    sign: str  # "+", "−" or nothing
    title: str
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Entry:
    name: str  # of the day
    file: str | None  # its mail
    why_not: str | None
    lines: tuple[_Line, ...]


def write_days(
    profile: Profile, days: Sequence[Day], out: Path, *, theme: str, profile_file: str
) -> list[Path]:
    """Write each day's mail and `index.html`, which lists them with their papers and reasons.

    Raises `DigestError`, and `SettingsError` for a theme there is not.
    """
    letters = Letters.for_preview(theme)
    files: dict[str, bytes] = {}
    entries = []
    for day in days:
        name = f"{day.issue.on}.html"
        if isinstance(day.outcome, Digest):
            rendered, _ = letters.preview(day.outcome, profile_file=profile_file, now=day.issue.due_at)
            files[name] = rendered.html.encode()
            entries.append(_Entry(long_date(day.issue.on), name, None, _lines("", day.picks, profile)))
        else:
            entries.append(_Entry(long_date(day.issue.on), None, f"Nothing: {day.outcome.reason}.", ()))
    papers = sum(len(day.picks) for day in days)
    scale = f"{counted(papers, 'paper')} on {counted(len(days), 'day')}, as this profile would have had them."
    page = _days_page("What these days would have brought", scale, entries, theme)
    return write_into(out, {_INDEX: page, **files})


def write_changes(
    profile: Profile, other: Profile, changes: Sequence[Change], out: Path, *, theme: str
) -> list[Path]:
    """Write `index.html`: day by day, what the other profile adds and drops. Raises `DigestError`, `SettingsError`."""
    entries = [
        _Entry(
            long_date(change.on),
            None,
            None if change.added or change.dropped else "No difference.",
            (*_lines("+", change.added, other), *_lines("−", change.dropped, profile)),
        )
        for change in changes
    ]
    added, dropped = (sum(len(getattr(one, name)) for one in changes) for name in ("added", "dropped"))
    scale = f"{counted(len(changes), 'day')}: +{added}, −{counted(dropped, 'paper')}."
    return write_into(out, {_INDEX: _days_page("What the other profile would change", scale, entries, theme)})


def write_looks(out: Path, *, width: int = 400) -> list[Path]:
    """Write every kind of mail in every theme, and `index.html`, which shows them side by side. Raises `DigestError`."""
    files = {}
    for name in THEMES:
        renderer = Renderer(theme=THEMES[name])
        for kind in KINDS:
            files[f"{kind}-{name}.html"] = sample(kind, renderer).html.encode()
    page = _template("looks.html").render(kinds=KINDS, themes=list(THEMES), width=width)
    return write_into(out, {_INDEX: page.encode(), **files})


def _lines(sign: str, picks: Sequence[Pick], profile: Profile) -> tuple[_Line, ...]:
    weights = {keyword: interest.weight for interest in profile.interests for keyword in interest.keywords}
    return tuple(
        _Line(sign, isolated(pick.paper.title), chips_of(pick.score.why, weights, pick.section))
        for pick in picks
    )


def _days_page(title: str, scale: str, days: Sequence[_Entry], theme: str) -> bytes:
    look = build_theme(theme)
    page = _template("days.html").render(
        title=title, scale=scale, days=days, light=look.light, dark=look.dark
    )
    return page.encode()


def _template(name: str) -> Template:
    environment = Environment(
        loader=FileSystemLoader(shipped("templates") / "preview"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template(name)
