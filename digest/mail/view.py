"""A Digest as finished values: what templates put into HTML and text alike. No markup, and nothing left to decide.

Every text that came from outside is cleaned here once more, whatever the pages made of it, and every link is checked.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache

from digest.mail.latex import readable
from digest.mail.links import Feedback, Links, safe_url
from digest.mail.wording import authors_of, counted, interests_of, short_date, votes_of
from digest.model import Digest, Paper, Pick, Profile, Reason, ReasonKind, Section
from digest.text import clean_text, shorten

_TITLE = 300
_RAW = 2_000  # characters of a text from outside that are looked at: far more than is ever shown
_SUBJECT_TITLE = 60
_NAME = 80
_CHIPS = 3
# A reason is told when it is worth at least this part of the strongest one.
_TELLING = 0.2

_HEADINGS = {
    Section.TOP: "Closest to your interests",
    Section.FOLLOWING: "From people and labs you follow",
    Section.POPULAR: "Popular right now",
    Section.WILDCARD: "One from outside your interests",
}


@dataclass(frozen=True, slots=True)
class Card:
    """What a paper looks like to everybody."""

    title: str
    url: str | None
    facts: tuple[str, ...]  # authors, organisation, field, date: those that are known
    snippet: str


@dataclass(frozen=True, slots=True)
class Why:
    """What one reader is told about a paper besides."""

    chips: tuple[str, ...]
    votes: str
    feedback: Feedback | None


@dataclass(frozen=True, slots=True)
class Entry:
    """One paper at its place in one reader's digest."""

    paper: Paper
    heading: str  # "" when it continues a section, or sections would say nothing
    why: Why


@lru_cache(maxsize=4096)
def said(text: str, limit: int = _NAME) -> str:
    """A name or keyword from outside, cleaned and kept short."""
    return clean_text(text, limit=limit)


def card_of(paper: Paper, *, snippet: int) -> Card:
    """The card of `paper` with at most `snippet` characters of its abstract."""
    title = clean_text(readable(paper.title[:_RAW]), limit=_TITLE) or "(no title)"
    named = replace(paper, authors=tuple(said(name) for name in paper.authors if said(name)))
    facts = (
        authors_of(named),
        said(paper.organization or ""),
        *(said(field) for field in paper.fields[:1]),
        short_date(paper.published_on) if paper.published_on else "",
    )
    abstract = clean_text(readable((paper.abstract or "")[:_RAW]))
    return Card(
        title,
        safe_url(paper.url),
        tuple(fact for fact in facts if fact),
        shorten(abstract, snippet) if snippet else "",
    )


class DigestView:
    """One reader's digest, ready to be written down."""

    def __init__(self, digest: Digest, links: Links) -> None:
        self._digest = digest
        self._links = links
        self._weights = weights_of(digest.profile)

    @cached_property
    def entries(self) -> tuple[Entry, ...]:
        """The papers in reading order."""
        has_sections = len({pick.section for pick in self._digest.picks}) > 1
        entries, open_section = [], None
        for pick in self._digest.picks:
            heading = _HEADINGS[pick.section] if has_sections and pick.section != open_section else ""
            open_section = pick.section
            entries.append(Entry(pick.paper, heading, self._why(pick)))
        return tuple(entries)

    def _why(self, pick: Pick) -> Why:
        chips = chips_of(pick, self._weights)
        popular = any(chip.startswith("popular") for chip in chips)
        asked = self._links.feedback(pick.paper) if self._links.feedback else None
        urls = (safe_url(asked.more_url), safe_url(asked.less_url)) if asked else (None, None)
        feedback = Feedback(urls[0], urls[1]) if urls[0] and urls[1] else None
        return Why(chips, "" if popular else votes_of(pick.paper), feedback)

    @cached_property
    def titles(self) -> tuple[str, ...]:
        """Short titles, the strongest paper's first."""
        strongest = sorted(self._digest.picks, key=lambda pick: -pick.score.value)
        return tuple(
            clean_text(readable(pick.paper.title[:_RAW]), limit=_SUBJECT_TITLE) for pick in strongest
        )

    @property
    def more(self) -> int:
        """How many papers there are besides the strongest."""
        return max(len(self._digest.picks) - 1, 0)

    @cached_property
    def scale(self) -> str:
        """8 of 412 new papers, matched to speculative decoding and neural compression."""
        candidates, shown = self._digest.candidates, len(self._digest.picks)
        wanted = said(interests_of(self._digest.profile), 3 * _NAME)
        if not shown:
            return _nothing(candidates, wanted)
        scale = f"{shown:,} of {counted(max(candidates, shown), 'new paper')}"
        return f"{scale}, matched to {wanted}." if wanted else f"{scale}, the ones the community likes most."

    @property
    def preheader(self) -> str:
        """What a mailbox shows beside the subject: two more titles, or else the scale."""
        return f"Also: {' · '.join(self.titles[1:3])}" if self.more else self.scale


def _nothing(candidates: int, wanted: str) -> str:
    if not candidates:
        return "No new papers were picked up since your last digest."
    return f"None of {counted(candidates, 'new paper')} came close to {wanted or 'what the community likes'}."


def weights_of(profile: Profile) -> Mapping[str, float]:
    """The weight of each keyword as the reader typed it."""
    return {word: interest.weight for interest in profile.interests for word in interest.keywords}


def chips_of(pick: Pick, weights: Mapping[str, float]) -> tuple[str, ...]:
    """The reasons worth telling, the strongest first, each in a few words; last, what spoke against the paper."""
    why = sorted(pick.score.why, key=lambda reason: -reason.contribution)
    least = _TELLING * max((reason.contribution for reason in why), default=0.0)
    helped = [_chip(reason, weights) for reason in why if 0 < reason.contribution >= least]
    against = [f"despite {said(reason.term)}" for reason in why if reason.contribution < 0]
    return (*list(dict.fromkeys(filter(None, helped)))[:_CHIPS], *against[-1:])


def _chip(reason: Reason, weights: Mapping[str, float]) -> str:
    term = said(reason.term)
    if reason.kind is ReasonKind.KEYWORD:
        weight = weights.get(reason.term, 1.0)
        return term if weight == 1 else f"{term}, weight {weight:g}"
    worded = {
        ReasonKind.AUTHOR: f"{term}, followed",
        ReasonKind.ORGANIZATION: f"{term}, followed",
        ReasonKind.TRENDING: f"popular: {term}",
        ReasonKind.RELATED: term,
        ReasonKind.TASTE: term,
    }
    return worded.get(reason.kind, "")
