"""A Digest as finished values: what templates put into HTML and text alike. No markup, and nothing left to decide.

Every text that came from outside is cleaned here once more, whatever the pages made of it, and every link is checked.
What depends on a paper alone is remembered: the next reader is likely to get it too.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from typing import NamedTuple

from digest.mail.direction import Written
from digest.mail.direction import isolated as isolated  # the pages of the web say names like mails do
from digest.mail.known import Known
from digest.mail.latex import readable
from digest.mail.links import safe_url
from digest.mail.quoted import is_plain
from digest.mail.snippet import snippet_of
from digest.mail.wording import authors_of, counted, day_and_month, interests_of, short_date, votes
from digest.model import Digest, Paper, Profile, Reason, ReasonKind, Section
from digest.text import clean_text

_TITLE = 300
_SUBJECT_TITLE = 60
_NAME = 80
_RAW = 2_000  # characters of a text from outside that are looked at: far more than is ever shown
_CHIPS = 3
_KEYWORD, _RELATED, _TRENDING = ReasonKind.KEYWORD, ReasonKind.RELATED, ReasonKind.TRENDING
_KEPT = 16_384  # texts of each sort
_NEAR = "near your keyword "  # as the scorer says what a related phrase is near to
_LIKE_A_HOST = re.compile(r"\b([A-Za-z][A-Za-z0-9-]*\.)(?=[a-z]{4,}\b)")
_DOT_INSIDE = re.compile(r"\.[a-z]{4}")
# A reason is told when it is worth at least this part of the strongest one.
_TELLING = 0.2

_HEADINGS = {
    Section.TOP: "Closest to your interests",
    Section.FOLLOWING: "From people and labs you follow",
    Section.POPULAR: "Popular right now",
    Section.WILDCARD: "One from outside your interests",
}
NEWS = "Liked since you had them"
# Why a paper came that says too little of each keyword to name one.
_AS_A_WHOLE = ("fits your keywords as a whole",)
_PERIODS = {"week": " this week", "month": " this month"}


@dataclass(frozen=True, slots=True)
class Card:
    """What a paper looks like to everybody."""

    title: Written
    url: str | None
    facts: tuple[str, ...]  # authors, organisation, field, date: those that are known
    snippet: Written


class Why(NamedTuple):
    """What one reader is told about a paper besides."""

    chips: tuple[str, ...]
    votes: str


class Entry(NamedTuple):
    """One paper at its place in one reader's digest."""

    paper: Paper
    heading: str  # "" when it continues a section, or sections would say nothing
    chips: tuple[str, ...]
    says_votes: bool  # a chip does
    term: str  # the keyword or phrase that brought the paper, to be muted; "" when none did


_entry = partial(tuple.__new__, Entry)  # a third of the time of `Entry()`


@lru_cache(maxsize=_KEPT)
def said(text: str, limit: int = _NAME) -> str:
    """A name or keyword from outside, cleaned and kept short."""
    return text if is_plain(text, limit) else clean_text(text[:_RAW], limit=limit)


def _clean(text: str) -> str:
    return text if is_plain(text, _RAW) else clean_text(text)


def unlinked(text: str) -> str:
    """`text` so that no mail program makes a link of a name like Some.world, nor a filter look that place up.

    A word joiner, which nobody sees, stands behind the dot. Shorter endings (a.i., e.g., arxiv.org) stay as they are.
    """
    # To look for a dot inside a word takes a tenth of looking at all words.
    return _LIKE_A_HOST.sub("\\1\u2060", text) if _DOT_INSIDE.search(text) else text


@lru_cache(maxsize=_KEPT)
def short_title(title: str) -> str:
    """A title as a subject or preheader has room for."""
    return clean_text(readable(title[:_RAW]), limit=_SUBJECT_TITLE) or "(no title)"


@lru_cache(maxsize=_KEPT)
def _in_passing(title: str) -> str:
    return isolated(unlinked(short_title(title)))


def card_of(paper: Paper, *, snippet: int) -> Card:
    """The card of `paper` with at most `snippet` characters of what is new in its abstract."""
    named = replace(paper, authors=tuple(said(name) for name in paper.authors if said(name)))
    facts = (
        authors_of(named),
        said(paper.organization or ""),
        *(said(field) for field in paper.fields[:1]),
        short_date(paper.published_on) if paper.published_on else "",
    )
    abstract = readable((paper.abstract or "")[:_RAW])
    return Card(
        title=Written(clean_text(readable(paper.title[:_RAW]), limit=_TITLE) or "(no title)"),
        url=safe_url(paper.url),
        facts=tuple(isolated(fact) for fact in facts if fact),
        snippet=Written(snippet_of(_clean(abstract), snippet) if snippet else ""),
    )


class News(NamedTuple):
    """What became of a paper of an earlier digest."""

    title: Written
    url: str | None
    change: str


def news_of(digest: Digest) -> list[News]:
    """The papers of earlier digests that were liked since."""
    return [
        News(
            Written(clean_text(readable(update.paper.title[:_RAW]), limit=_TITLE) or "(no title)"),
            safe_url(update.paper.url),
            f"{counted(update.paper.upvotes or 0, 'upvote')} now, {update.upvotes_then:,} when it came on "
            f"{day_and_month(update.shown_on)}",
        )
        for update in digest.updates
    ]


def entries_of(digest: Digest) -> list[Entry]:
    """The papers in reading order, with the heading of a section where one begins."""
    weighed = {
        word: _named[word] + _weights[interest.weight]
        for interest in digest.profile.interests
        if interest.weight != 1
        for word in interest.keywords
    }
    sections = [pick.section for pick in digest.picks]
    # One section needs no heading: nothing stands beside it.
    section = sections[0] if sections and sections[1:] == sections[:-1] else None
    entries = []
    for pick in digest.picks:
        heading = "" if pick.section is section else _HEADINGS[pick.section]
        section = pick.section
        chips, says_votes, term = _told(pick.score.why, weighed)
        if not chips and section is Section.TOP:
            chips = _AS_A_WHOLE
        entries.append(_entry((pick.paper, heading, chips, says_votes, term)))
    return entries


def why_of(entry: Entry) -> Why:
    """What is told besides: votes only where no chip says them."""
    return Why(entry.chips, "" if entry.says_votes else votes(entry.paper.upvotes, entry.paper.comments))


def chips_of(why: tuple[Reason, ...], weights: Mapping[str, float], section: Section) -> tuple[str, ...]:
    """The reasons worth telling in a few words each, in the scorer's order; last, what spoke against the paper."""
    chips = _told(why, {word: _named[word] + _weights[weight] for word, weight in weights.items()})[0]
    return chips or (_AS_A_WHOLE if section is Section.TOP else ())


def _told(why: tuple[Reason, ...], weighed: Mapping[str, str]) -> tuple[tuple[str, ...], bool, str]:
    """The chips, whether one says the votes, and the term that did most. It runs for every paper of every mail."""
    least = _most(why) * _TELLING
    helped: list[str] = []
    against: tuple[str, ...] = ()
    popular, strongest, term = _CHIPS, 0.0, ""
    for kind, words, worth in why:
        if worth >= least:
            if kind is _TRENDING:
                popular = len(helped)
            chip = weighed.get(words) or _named[words] if kind is _KEYWORD else _chips[kind][words]
            if chip and chip not in helped:
                helped.append(chip)
            if worth > strongest and (kind is _KEYWORD or kind is _RELATED):
                strongest, term = worth, words
        elif worth < 0:
            against = (f"despite {_named[words]}",)
    chips = tuple(helped[:_CHIPS])
    return chips + against if against else chips, popular < _CHIPS, term and _terms[term]


def _most(why: tuple[Reason, ...]) -> float:
    most = 0.0
    for _, _, worth in why:
        if worth > most:  # noqa: PLR1730  a third of the time of max()
            most = worth
    return most


def _term_of(reason: str) -> str:
    phrase, _, keyword = reason.rpartition(_NEAR)
    term = _clean((phrase.removesuffix(", ") or keyword)[:_RAW])
    return term if len(term) <= _NAME else ""


_named = Known[str, str](lambda term: isolated(said(term)), _KEPT)
_weights = Known[float, str](lambda weight: f", weight {weight:g}" if weight != 1 else "", _KEPT)
_popular = Known[str, str](lambda term: f"popular: {isolated(said(term))}", _KEPT)
_followed = Known[str, str](lambda term: f"{isolated(said(term))}, followed", _KEPT)
_untold = Known[str, str](lambda _: "", _KEPT)
_chips: dict[ReasonKind, Known[str, str]] = {
    _KEYWORD: _named,
    _RELATED: _named,
    ReasonKind.TASTE: _named,
    ReasonKind.AUTHOR: _followed,
    ReasonKind.ORGANIZATION: _followed,
    _TRENDING: _popular,
    ReasonKind.RECENT: _untold,
    ReasonKind.WHOLE: _untold,
}
_terms = Known(_term_of, _KEPT)


class Opening(NamedTuple):
    """What a reader sees first of a digest."""

    titles: tuple[str, ...]  # short, the strongest paper's first
    more: int  # how many papers there are besides that one
    scale: str  # 8 of 412 new papers, matched to speculative decoding and neural compression.
    preheader: str  # what a mailbox shows beside the subject: two more titles, or else the scale


def opening_of(digest: Digest) -> Opening:
    """Subject, preheader and the line at the top, as far as they are the digest's own."""
    scale = _scale(len(digest.picks), digest.candidates, digest.profile)
    if not digest.picks:
        return Opening((), 0, scale, scale)
    values = [pick.score.value for pick in digest.picks]
    strongest = digest.picks[values.index(max(values))]
    others = [pick.paper.title for pick in digest.picks[:3] if pick is not strongest][:2]
    titles = tuple([short_title(title) for title in (strongest.paper.title, *others)])
    preheader = f"Also: {' · '.join([_in_passing(title) for title in others])}" if others else scale
    return Opening(titles, len(digest.picks) - 1, scale, preheader)


def _scale(shown: int, candidates: int, profile: Profile) -> str:
    wanted = interests_of(profile, said)
    period = _PERIODS.get(profile.cadence.every, "")
    if not shown and not candidates:
        return "No new papers were picked up since your last digest."
    if not shown:
        none = (
            "The one new paper did not come" if candidates == 1 else f"None of {candidates:,} new papers came"
        )
        return f"{none} close to {wanted or 'what the community likes'}."
    why = f"matched to {wanted}." if wanted else "the ones the community likes most."
    return f"{_shown_of(shown, max(candidates, shown))}{period}, {why}"


@lru_cache(maxsize=1024)
def _shown_of(shown: int, candidates: int) -> str:
    return f"{shown:,} of {candidates:,} new papers" if candidates > 1 else "The one new paper"
