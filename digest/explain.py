"""Why this paper, for this person: the score with its parts, what was sent, and what stands in the way.

Two figures decide. The *score* puts papers in order. The *match* is the part of it that lets a paper in: what it says of
the profile counts whole, what is only near a keyword half, fitting all keywords together no more than all the rest, and
votes and dates nothing.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from digest.cadence import next_issue
from digest.compose import compose, kept_out
from digest.desk import Limits, back_of, chosen_from, snapshot_at, taste_of
from digest.errors import DigestError
from digest.mail.wording import counted
from digest.material import Papers, Reader, materials
from digest.model import Digest, Paper, Reason, ReasonKind, Score, Section, Standing
from digest.ranking import PaperRanker
from digest.ranking.mute import MuteList
from digest.ranking.reasons import INTERESTS
from digest.ranking.wishes import named_by
from digest.store import Store
from digest.store.history import shown_score
from digest.store.papers import find_paper
from digest.store.people import Subscriber, find_subscriber, shown_among
from digest.store.votes import votes_of

ORDER_AND_ENTRY = (
    "The score puts papers in order, the match lets them in: what is only near a keyword counts half for it, your keywords"
    " together no more than the rest, votes and dates nothing."
)


_AS = {
    Section.FOLLOWING: ", since the profile follows who wrote it",
    Section.TOP: "",
    Section.POPULAR: ", as one that many like",
    Section.WILDCARD: ", as the one from outside the profile",
}


@dataclass(frozen=True, slots=True)
class Part:
    """A reason, and what it adds to each of the two figures."""

    reason: Reason
    score: float
    match: float


@dataclass(frozen=True, slots=True)
class Explanation:
    """What there is to say about one paper and one person."""

    person: Subscriber
    paper: Paper
    score: Score | None  # None: muted
    match: float | None  # the part of the score that decides whether it comes; None: muted
    parts: tuple[Part, ...]  # they add up to the score, and to the match
    rank: int | None  # among the candidates of now; None when it is too old to be one
    candidates: int
    shown: dict[str, Any] | None  # the score it was sent with, the day, and what became of the mail
    verdict: str  # one sentence: that it comes, or what keeps it out, with the figure that decides


def explain(store: Store, email: str, wanted: str, *, limits: Limits, now: datetime) -> Explanation:
    """Rank as `publish` would at `now`, and look up what was sent. `wanted` is an id or a title.

    Raises `DigestError` when there is no such person or paper.
    """
    with store.reading() as db:
        person = find_subscriber(db, email)
        stored = find_paper(db, wanted)
        if person is None:
            raise DigestError(f"nobody is subscribed as {email}; `digest subscribers list` shows who is")
        if stored is None:
            raise DigestError(f"no paper is called {wanted!r}; `digest papers` lists them with their ids")
        shown = shown_score(db, person.id, stored.pk)
        taste = taste_of(votes_of(db, [person.id])[person.id])
        snapshot = snapshot_at(db, limits, now)
        had = shown_among(db, [person.id], {one.pk: one.paper.id for one in snapshot.papers})[person.id]
    paper, back = stored.paper, back_of(person, limits, now)
    papers = chosen_from(snapshot, back, now=now)
    corpus = [one.paper for one in snapshot.papers] or [paper]
    ranker = PaperRanker(encoder=limits.encoder).fit(corpus)
    reader = Reader(person.profile, frozenset(had), taste)
    score, rank, standing = _ranked(ranker, papers, reader, paper, now)
    is_candidate, match = paper.id in papers.candidates, standing and standing.interest
    if shown is not None:
        verdict = f"it came with the digest of {shown['on']}, and a paper comes once"
    elif standing is None:
        verdict = _muted(person, paper)
    elif not is_candidate:
        looks = f"a digest looks back {counted(back.days, 'day')}, to {now - back:%Y-%m-%d}"
        verdict = f"it was last on a page of {stored.last_seen_at:%Y-%m-%d}, and {looks}"
    else:
        verdict = _verdict(ranker, papers, reader, standing, now)
    place = rank if is_candidate else None
    return Explanation(
        person, paper, score, match, _parts(score, match), place, len(papers.candidates), shown, verdict
    )


def _parts(score: Score | None, match: float | None) -> tuple[Part, ...]:
    """The keywords as a whole have no share of their own in the match: to them goes what the others leave of it."""
    if score is None or match is None:
        return ()
    counted_for = [
        reason.contribution * (0.5 if reason.kind == ReasonKind.RELATED else 1.0)
        if reason.kind in INTERESTS and reason.kind != ReasonKind.WHOLE
        else 0.0
        for reason in score.why
    ]
    rest = match - sum(counted_for)
    return tuple(
        Part(reason, reason.contribution, rest if reason.kind == ReasonKind.WHOLE else share)
        for reason, share in zip(score.why, counted_for, strict=True)
    )


def _ranked(
    ranker: PaperRanker, papers: Papers, reader: Reader, paper: Paper, now: datetime
) -> tuple[Score | None, int | None, Standing | None]:
    """Score, rank and standing of the paper among the candidates and itself; nothing when it is muted."""
    listed = list({**papers.candidates, paper.id: paper}.values())
    counter = ranker.lay_out(listed, now=now, sightings=papers.sightings)
    batch = counter.serve(named_by([reader.profile]), [reader.taste], now=now, limit=None)
    standing = next((one for one in batch.standings(0) if one.paper_id == paper.id), None)
    if standing is None:
        return None, None, None
    [column] = batch.columns(0, [paper.id])
    return batch.explain(0, [column])[0], column + 1, standing


def _verdict(ranker: PaperRanker, papers: Papers, reader: Reader, one: Standing, now: datetime) -> str:
    """Whether the next digest, were it made now, has it; else what keeps it out."""
    profile = reader.profile
    [material] = materials(ranker, papers, [reader], now=now)
    issue = next_issue(profile.cadence, profile.timezone, now)
    digest = compose(issue, replace(profile, email=""), material)
    picks = digest.picks if isinstance(digest, Digest) else ()
    its = next((pick for pick in picks if pick.paper.id == one.paper_id), None)
    if its is not None:
        return (
            f"it is in the digest that would be made now, of {counted(len(picks), 'paper')}{_AS[its.section]}"
        )
    return kept_out(profile, material, picks, one)


def _muted(person: Subscriber, paper: Paper) -> str:
    mute = MuteList([paper])
    said = next((keyword for keyword in person.profile.mute if len(mute.places([keyword]))), "")
    return f'it never comes: the profile mutes "{said}", which is in it'
