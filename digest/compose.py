"""Scores and what was already shown -> the Digest of one subscriber, or the reason there is none. Pure."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from digest.model import (
    Digest,
    Issue,
    Paper,
    Pick,
    Profile,
    ReasonKind,
    Score,
    Section,
    Skip,
    SkipReason,
    Update,
)

_FOLLOWED = {ReasonKind.AUTHOR, ReasonKind.ORGANIZATION}
_OF_INTEREST = _FOLLOWED | {ReasonKind.KEYWORD, ReasonKind.RELATED, ReasonKind.TASTE}
_LIKED = {ReasonKind.TRENDING}
_MOST_UPDATES = 2


@dataclass(frozen=True, slots=True)
class Material:
    """What one reader's digest can be made of."""

    papers: Mapping[str, Paper]  # candidates by id
    ranked: Sequence[Score]  # the best new candidates for this profile, in the order they should be read
    shown: Collection[str] = frozenset()  # ids of papers the reader has had before
    floor: float = 0.1  # a match below this part of a perfect one is none
    wildcard: Score | None = None  # the paper from outside the profile, if there is one worth it
    updates: Sequence[Update] = ()  # papers of earlier digests that have risen since, the strongest first


def compose(issue: Issue, profile: Profile, material: Material) -> Digest | Skip:
    """The few papers this reader gets, in reading order; or a Skip that says why there are none.

    At most `max_papers` come in, the one from outside the profile among them. Popular papers that match nothing take at
    most the share of places that the reader's trending dial gives them. News of papers shown before comes along with
    new papers, but is no reason to send a mail.
    """
    new = [score for score in material.ranked if score.paper_id not in material.shown]
    picked = _pick(profile, new, material, material.floor)
    if not picked and profile.quiet_day == "carry-over":
        picked = _pick(profile, new, material, 0.0)
    candidates = sum(paper_id not in material.shown for paper_id in material.papers)
    if picked or profile.quiet_day == "note":
        updates = tuple(material.updates[:_MOST_UPDATES]) if picked else ()
        return Digest(issue, profile.email, tuple(picked), candidates, profile, updates)
    if not material.papers:
        return Skip(profile.email, SkipReason.NOTHING_NEW, "no page with papers was picked up lately")
    if not new:
        seen = f"all {len(material.papers)} papers of the last days were shown before, or are muted"
        return Skip(profile.email, SkipReason.NOTHING_NEW, seen)
    return Skip(
        profile.email,
        SkipReason.NOTHING_MATCHED,
        f"none of {candidates} new papers fits the profile well enough",
    )


def _pick(profile: Profile, new: Sequence[Score], material: Material, floor: float) -> list[Pick]:
    matched = [score for score in new if interest_of(score) > floor * (1 - profile.trending)]
    wild = [material.wildcard] if material.wildcard and matched and profile.max_papers > 1 else []
    kept_for_wild = {score.paper_id for score in wild}
    outside = [
        score
        for score in new
        if interest_of(score) <= 0 < liked_of(score) and score.paper_id not in kept_for_wild
    ]
    places = profile.max_papers - len(wild)
    popular = set(outside[: places if not profile.interests else round(profile.trending * places)])
    best = [
        score
        for score in new
        if score in popular or (score in matched and score.paper_id not in kept_for_wild)
    ][:places]
    sections = [(score, _section(score)) for score in best] + [(score, Section.WILDCARD) for score in wild]
    order = list(Section)
    sections.sort(key=lambda pair: order.index(pair[1]))  # stable: the order of reading inside each section
    return [Pick(material.papers[score.paper_id], score, section) for score, section in sections]


def _section(score: Score) -> Section:
    if any(reason.kind in _FOLLOWED and reason.contribution > 0 for reason in score.why):
        return Section.FOLLOWING
    return Section.TOP if interest_of(score) > 0 else Section.POPULAR


def interest_of(score: Score) -> float:
    """The part of a score that comes from what the reader asked for."""
    return sum(reason.contribution for reason in score.why if reason.kind in _OF_INTEREST)


def liked_of(score: Score) -> float:
    """The part of a score that comes from what the community likes."""
    return sum(reason.contribution for reason in score.why if reason.kind in _LIKED)
