"""Digests as a page shows them: the same cards and reasons as in the mail."""

from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

from digest.cadence import zone_of
from digest.mail.view import Card, card_of, entries_of, opening_of, why_of
from digest.mail.wording import counted
from digest.model import Paper
from digest.ranking.advice import KeywordAdvice
from digest.web.shelf import Sample

_SNIPPET = 240
_NEAR = 3


@dataclass(frozen=True, slots=True)
class Line:
    """One paper of a sample."""

    card: Card
    heading: str
    chips: tuple[str, ...]
    votes: str


@dataclass(frozen=True, slots=True)
class Found:
    """What one keyword finds."""

    typed: str
    said: str  # "41 papers in 30 days, 2 in this digest"
    hint: str  # what to do about it; "" when all is well
    offers: tuple[str, ...]  # keywords that may be added


@dataclass(frozen=True, slots=True)
class Shown:
    """A sample, ready for its template."""

    scale: str
    lines: tuple[Line, ...]
    found: tuple[Found, ...]
    starters: tuple[str, ...]  # topics of these papers, for somebody who has named none
    has_papers: bool  # whether there was anything to choose from
    had_papers: bool  # whether there was, in the last month


def shown(sample: Sample) -> Shown:
    """Everything a page says of a sample."""
    lines = tuple(
        Line(_card(entry.paper), entry.heading, *why_of(entry)) for entry in entries_of(sample.digest)
    )
    typed = {advice.typed for advice in sample.advice}
    found = tuple(_found(advice, sample, typed) for advice in sample.advice if sample.corpus)
    scale = opening_of(sample.digest).scale
    return Shown(
        scale,
        lines,
        found,
        sample.starters,
        has_papers=sample.digest.candidates > 0,
        had_papers=sample.corpus > 0,
    )


@lru_cache(maxsize=4_096)
def _card(paper: Paper) -> Card:
    return card_of(paper, snippet=_SNIPPET)


def _found(advice: KeywordAdvice, sample: Sample, typed: set[str]) -> Found:
    said = f"{counted(advice.hits, 'paper')} in 30 days"
    picked = sample.picked(advice.typed)
    if picked:
        said += f", {picked} in this digest"
    near = advice.near[:_NEAR] if advice.hits else advice.suggestions
    offers = tuple(offer for offer in near if offer not in typed)
    hint = ""
    if not advice.hits:
        hint = "nothing says this; try" if offers else "nothing says this at the moment"
    elif advice.is_too_common:
        hint = "so common that it hardly orders them"
    return Found(advice.typed, said, hint, offers)


def local_time(instant: datetime, zone: str) -> str:
    """Tue 24 Nov, 07:30 (Europe/London)."""
    local = instant.astimezone(zone_of(zone))
    return f"{local:%a} {local.day} {local:%b}, {local:%H:%M} ({zone})"


def hidden_address(email: str) -> str:
    """An address its owner recognises and nobody else learns: m•••@example.org."""
    local, _, domain = email.rpartition("@")
    return f"{local[:1]}•••@{domain}"
