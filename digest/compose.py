"""Scores and what was already shown -> the Digest of one subscriber, or the reason there is none. Pure."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from digest.model import (
    Digest,
    Issue,
    Paper,
    Pick,
    Profile,
    Score,
    Section,
    Skip,
    SkipReason,
    Standing,
    Update,
)  # fmt: skip

_MOST_UPDATES = 2
# For a reader of some interests a paper counts as popular from this part of what one of the most liked of the corpus
# has; who wants nothing but the popular gets the best there is.
_POPULAR = 1 / 3
# Who wants popular papers this much gets a mail for them alone; to others they come along with what they asked for.
_REASON_ENOUGH = 0.5
# As `Pick._make`, three times faster: it is done ten times for every reader.
_pick_of: Callable[[tuple[Paper, Score, Section]], Pick] = partial(tuple.__new__, Pick)
_ORDER = {section: number for number, section in enumerate(Section)}


@dataclass(frozen=True, slots=True)
class Material:
    """What one reader's digest can be made of."""

    papers: Mapping[str, Paper]  # candidates by id
    ranked: Collection[Standing]  # the best new candidates for this profile, in the order they should be read
    shown: Collection[str] = frozenset()  # ids of papers the reader has had before
    floor: float = 0.1  # a match below this part of a perfect one is none
    wildcard: Standing | None = None  # the paper from outside the profile, if there is one worth it
    updates: Sequence[Update] = ()  # papers of earlier digests that have risen since, the strongest first
    # Gives papers of `ranked`, and the wildcard, their scores with reasons: only those that are picked need any.
    explain: Callable[[Sequence[str]], Sequence[Score]] = lambda _paper_ids: ()


def compose(issue: Issue, profile: Profile, material: Material) -> Digest | Skip:
    """The few papers this reader gets, in reading order; or a Skip that says why there are none.

    At most `max_papers` come in, the one from outside the profile among them. Popular papers that match nothing take at
    most the share of places that the reader's trending dial gives them. News of papers shown before comes along with
    new papers, but is no reason to send a mail.
    """
    picked = _pick(profile, material, material.floor)
    if not picked and profile.quiet_day == "carry-over":
        picked = _pick(profile, material, 0.0)
    candidates = len(material.papers) - sum(paper_id in material.papers for paper_id in material.shown)
    if picked or profile.quiet_day == "note":
        updates = tuple(material.updates[:_MOST_UPDATES]) if picked else ()
        return Digest(issue, profile.email, tuple(picked), candidates, profile, updates)
    if not material.papers:
        return Skip(profile.email, SkipReason.NOTHING_NEW, "no page with papers was picked up lately")
    if all(one.paper_id in material.shown for one in material.ranked):
        seen = "whatever the last days brought was shown before, or is muted"
        return Skip(profile.email, SkipReason.NOTHING_NEW, seen)
    none = "the one new paper does not fit" if candidates == 1 else f"none of {candidates:,} new papers fits"
    return Skip(profile.email, SkipReason.NOTHING_MATCHED, f"{none} the profile well enough")


def kept_out(profile: Profile, material: Material, picks: Sequence[Pick], one: Standing) -> str:
    """Why a candidate is not among the `picks` that were composed of this, as one sentence with the figure that decided."""
    has_interests = any(interest.weight > 0 for interest in profile.interests)
    least = material.floor * (1 - profile.trending)
    if profile.quiet_day == "carry-over" and all(other.interest <= least for other in material.ranked):
        least = 0.0
    if one.interest > least or (not has_interests and one.liked > 0):
        return _outdone(picks, one)
    if not has_interests:
        return "the profile names no interest, and nobody has liked this paper yet"
    return f"its match is {one.interest:.3f}, and only one above {least:.3f} lets a paper in" + (
        _not_popular(profile, one) if one.interest >= 0 else ""
    )


def _outdone(picks: Sequence[Pick], one: Standing) -> str:
    chosen = [pick.score.value for pick in picks if pick.section != Section.WILDCARD]
    if not chosen:
        return f"its score is {one.value:.3f}, and there is no place in the digest"
    if one.value > min(chosen):
        return (
            f"papers much like it come before it: its score of {one.value:.3f} is above that of the last of the"
            f" {len(chosen)} in the digest, {min(chosen):.3f}, but they differ more"
        )
    places = f"the {len(chosen)} places are taken" if len(chosen) > 1 else "the one place is taken"
    return f"{places}: the last of them by a paper with a score of {min(chosen):.3f}, and this one has {one.value:.3f}"


def _not_popular(profile: Profile, one: Standing) -> str:
    least = _POPULAR * profile.trending
    if one.liked < least:
        return f"; its upvotes bring {one.liked:.3f}, and a popular paper needs {least:.3f}"
    places = round(profile.trending * profile.max_papers)
    most = "the one place" if profile.max_papers == 1 else f"{places} of the {profile.max_papers} places"
    return f"; popular papers get at most {most}, and others are ahead"


def _pick(profile: Profile, material: Material, floor: float) -> list[Pick]:
    least, shown = floor * (1 - profile.trending), material.shown
    has_match = any(one.interest > least for one in material.ranked if one.paper_id not in shown)
    wild = material.wildcard if has_match and profile.max_papers > 1 else None
    places = profile.max_papers - (wild is not None)
    liked_from, liked_places = _popular(profile, places, has_match=has_match)
    picked: list[tuple[Section, str]] = []
    for one in material.ranked:
        if len(picked) == places:
            break
        if one.paper_id in shown or (wild and one.paper_id == wild.paper_id):
            continue
        is_match = one.interest > least
        if is_match or (liked_places and liked_from <= one.liked > 0 <= one.interest):
            liked_places -= not is_match
            picked.append((_section(one, is_match), one.paper_id))
    if wild:
        picked.append((Section.WILDCARD, wild.paper_id))
    picked.sort(key=lambda pair: _ORDER[pair[0]])  # stable: the order of reading inside each section
    scores = material.explain([paper_id for _, paper_id in picked])
    return [
        _pick_of((material.papers[paper_id], score, section))
        for (section, paper_id), score in zip(picked, scores, strict=True)
    ]


def _popular(profile: Profile, places: int, *, has_match: bool) -> tuple[float, int]:
    """How well-liked a paper that matches nothing must be, and how many such papers the dial gives places to."""
    if not any(interest.weight > 0 for interest in profile.interests):
        return 0.0, places
    if not has_match and profile.trending < _REASON_ENOUGH:
        return 0.0, 0
    return _POPULAR * profile.trending, round(profile.trending * places)


def _section(one: Standing, is_match: bool) -> Section:
    if one.is_followed:
        return Section.FOLLOWING
    return Section.TOP if is_match else Section.POPULAR
