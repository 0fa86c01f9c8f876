"""One moment's digests: rank, compose, render and owe, for any number of people, a batch at a time."""

import logging
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cache, cached_property, partial
from typing import Protocol

from sqlalchemy import Connection

from digest.cadence import due_issue, lookback, next_issue
from digest.compose import Material, compose
from digest.garbage import undisturbed
from digest.material import FittedOnce, Papers, Reader, materials
from digest.model import Digest, Issue, Message, Paper, Skip, SkipReason, Update
from digest.ranking import PaperRanker, Taste, Vote
from digest.ranking.meaning import Encoder
from digest.ranking.risen import has_risen, much_liked
from digest.ranking.trending import Sighting
from digest.store import Store
from digest.store.due import lock_due, move_due, record_skips
from digest.store.owing import Owed, owe_digests
from digest.store.people import Subscriber, queued_on, shown_among, suppressed
from digest.store.readers import change_subscriber
from digest.store.snapshots import Snapshot, take_snapshot
from digest.store.updates import shown_before
from digest.store.votes import StoredVote, votes_of

log = logging.getLogger(__name__)
_LEARNT_FROM = timedelta(days=21)  # before the candidates: what an ordinary day is like for a profile
# When there was nothing new at the hour: a late page still makes today's digest.
_LOOK_AGAIN = timedelta(minutes=15)


class Writer(Protocol):
    """Turns a Digest into the message that will leave."""

    def write(self, digest: Digest, subscriber: Subscriber, *, now: datetime) -> Message:
        """The message, the same bytes for the same arguments."""
        ...

    def catch_up(self, digest: Digest, subscriber: Subscriber, *, since: datetime, now: datetime) -> Message:
        """The message to somebody who is back from a pause, the same bytes for the same arguments."""
        ...


@dataclass(frozen=True, slots=True)
class Limits:
    """What may enter a digest, and what the scorer learns from."""

    lookback: timedelta = timedelta(days=7)
    corpus: timedelta = timedelta(days=90)
    corpus_papers: int = 20_000
    encoder: Encoder | None = None  # a model of language, when the scorer may use one


def snapshot_at(db: Connection, limits: Limits, now: datetime) -> Snapshot:
    """What digests of this moment are made from: the recent papers, of whole days, so that it changes only when they do."""
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    longest = max(limits.corpus, timedelta(days=40))
    return take_snapshot(db, midnight - longest, limit=limits.corpus_papers)


def back_of(person: Subscriber, limits: Limits, now: datetime) -> timedelta:
    """How far this person's digest looks back; back from a pause, what was missed is new."""
    usual = lookback(person.profile.cadence, limits.lookback)
    if person.catch_up_since is None:
        return usual
    return max(usual, timedelta(days=(now - person.catch_up_since).days + 1))


def chosen_from(snapshot: Snapshot, back: timedelta, *, now: datetime) -> Papers:
    """What a digest that looks back so far is chosen from."""
    since = now - back
    seen = snapshot.papers
    candidates = {one.paper.id: one.paper for one in seen if one.last_seen_at > since}
    past = {
        one.paper.id: (one.last_seen_at.date(), one.paper)
        for one in seen
        if since - _LEARNT_FROM < one.last_seen_at <= since
    }
    return Papers(candidates, past, sightings_of(snapshot.counted))


@dataclass(frozen=True, slots=True)
class _Decision:
    """What is to be done for one person: a finished message, or a Skip."""

    person: Subscriber
    issue: Issue | None  # None when no slot is near enough
    outcome: Owed | Skip


class Desk:
    """Digests of one moment: what they are made from is read and fitted once, and only when somebody is due.

    The same people on another desk with the same `snapshot` and moment get the same bytes.
    """

    def __init__(
        self,
        store: Store,
        writer: Writer,
        limits: Limits,
        now: datetime,
        fitted: FittedOnce,
        snapshot: Snapshot | None = None,
    ) -> None:
        self._fitted = fitted
        self._store = store
        self._writer = writer
        self._limits = limits
        self._now = now
        self._given = snapshot
        self._voted: dict[int, Paper] = {}  # papers of the past that people spoke of, read once
        self._following = cache(partial(next_issue, after=now))
        self._issue = cache(partial(due_issue, now=now))
        self._papers = cache(lambda back: chosen_from(self._snapshot, back, now=now))

    @cached_property
    def _snapshot(self) -> Snapshot:
        if self._given is not None:
            return self._given
        with self._store.reading() as db:
            return snapshot_at(db, self._limits, self._now)

    @cached_property
    def _pks(self) -> dict[str, int]:
        return {one.paper.id: one.pk for one in self._snapshot.papers}

    def learn(self) -> None:
        """Fit the scorer now, not when the first digest needs it."""
        _ = self._ranker

    @cached_property
    def _ranker(self) -> PaperRanker:
        return self._fitted([stored.paper for stored in self._snapshot.papers], self._limits.encoder)

    @undisturbed()
    def publish(
        self, people: Sequence[Subscriber], *, first: Callable[[Connection], None] = lambda _tx: None
    ) -> list[Skip | None]:
        """Decide outside the transaction, write inside it. One entry a person: None for a queued digest, else the Skip.

        `first` speaks first in that transaction; when it raises, nothing is written.
        """
        decisions = list(self._decide(people))
        with self._store.writing() as tx:
            first(tx)
            return self._record(tx, decisions)

    def _record(self, tx: Connection, decisions: Sequence[_Decision]) -> list[Skip | None]:
        there = lock_due(tx, [one.person.id for one in decisions], self._now)
        owed = [one.outcome for one in decisions if isinstance(one.outcome, Owed) and one.person.id in there]
        queued = owe_digests(tx, owed, now=self._now)
        said: list[Skip | None] = []
        skips, following = [], {}
        for decision in decisions:
            person, issue, outcome = decision.person, decision.issue, decision.outcome
            if person.id in queued and person.catch_up_since is not None:
                change_subscriber(tx, person.id, self._now, catch_up_since=None)
            following[person.id] = self._following(person.profile.cadence, person.profile.timezone).due_at
            if isinstance(outcome, Owed):
                said.append(None if person.id in queued else _too_late(decision, is_due=person.id in there))
                continue
            said.append(outcome)
            if issue is not None and person.id in there and outcome.why != SkipReason.ALREADY_QUEUED:
                skips.append((person.id, issue.on, outcome))
                if outcome.why == SkipReason.NOTHING_NEW:
                    following[person.id] = min(following[person.id], self._now + _LOOK_AGAIN)
        record_skips(tx, skips, self._now)
        move_due(tx, following, now=self._now)
        return said

    def _decide(self, people: Sequence[Subscriber]) -> Iterator[_Decision]:
        issues = [self._issue(person.profile.cadence, person.profile.timezone) for person in people]
        with self._store.reading() as db:
            barred = suppressed(db, [person.address_hash for person in people])
            queued = queued_on(db, [one.id for one in people], {issue.on for issue in issues if issue})
        wanted: dict[timedelta, list[tuple[Subscriber, Issue]]] = {}
        for person, issue in zip(people, issues, strict=True):
            if issue is None:
                late = "the last slot is too long ago; its papers come with the next digest"
                yield _Decision(person, None, Skip(person.email, SkipReason.NOT_DUE, late))
            elif person.address_hash in barred:
                skip = Skip(person.email, SkipReason.SUPPRESSED, barred[person.address_hash])
                yield _Decision(person, issue, skip)
            elif (person.id, issue.on) in queued:
                skip = Skip(person.email, SkipReason.ALREADY_QUEUED, f"the digest of {issue.on}")
                yield _Decision(person, issue, skip)
            else:
                wanted.setdefault(back_of(person, self._limits, self._now), []).append((person, issue))
        for back, group in wanted.items():
            yield from self._decide_group(group, back)

    def _decide_group(
        self, group: Sequence[tuple[Subscriber, Issue]], back: timedelta
    ) -> Iterator[_Decision]:
        """People who look back equally far share their candidates and one ranking."""
        papers = self._papers(back)
        by_pk = {self._pks[paper_id]: paper_id for paper_id in papers.candidates}
        numbers = [person.id for person, _ in group]
        with self._store.reading() as db:
            shown = shown_among(db, numbers, by_pk)
            votes = votes_of(db, numbers, self._voted)
            news = self._news(db, shown, papers)
        readers = [
            Reader(p.profile, frozenset(shown[p.id]), taste_of(votes[p.id]), tuple(news[p.id]))
            for p, _ in group
        ]
        chosen = materials(self._ranker, papers, readers, now=self._now)
        for (person, issue), material in zip(group, chosen, strict=True):
            yield _Decision(person, issue, self._finish(person, issue, material))

    def _news(self, db: Connection, shown: Mapping[int, Set[str]], papers: Papers) -> dict[int, list[Update]]:
        """For each of these people, which papers they were shown have risen since, the most liked first."""
        scale, known = self._ranker.trend_scale_, papers.candidates
        liked = {self._pks[p.id]: p for p in known.values() if (p.upvotes or 0) >= much_liked(scale)}
        names = {paper.id for paper in liked.values()}
        numbers = [number for number, had in shown.items() if not names.isdisjoint(had)]
        news: dict[int, list[Update]] = defaultdict(list)
        for one in shown_before(db, numbers, liked):
            paper = liked[one.paper_pk]
            if has_risen(one.upvotes, paper.upvotes or 0, scale):
                news[one.subscriber_id].append(Update(paper, one.shown_on, one.upvotes))
        for told in news.values():
            told.sort(key=lambda update: (-(update.paper.upvotes or 0), update.paper.id))
        return news

    def _write(self, digest: Digest, person: Subscriber) -> Message:
        since = person.catch_up_since
        if since is None or not digest.picks:
            return self._writer.write(digest, person, now=self._now)
        return self._writer.catch_up(digest, person, since=since, now=self._now)

    def _finish(self, person: Subscriber, issue: Issue, material: Material) -> Owed | Skip:
        """One person's digest as a finished message. Whatever goes wrong here costs nobody else."""
        try:
            digest = compose(issue, person.profile, material)
            if isinstance(digest, Skip):
                return digest
            message = self._write(digest, person)
        except Exception as error:
            log.exception("publish subscriber_id=%d failed", person.id)
            return Skip(person.email, SkipReason.FAILED, f"{type(error).__name__}: {error}; see the log")
        picked, told = (
            tuple([self._pks[one.paper.id] for one in some]) for some in (digest.picks, digest.updates)
        )
        return Owed(digest, message, person, picked, told)


def _too_late(decision: _Decision, *, is_due: bool) -> Skip:
    """Why a finished digest is not queued."""
    if not is_due:
        gone = "they left, paused or chose another time while it was made"
        return Skip(decision.person.email, SkipReason.NOT_DUE, gone)
    on = decision.issue.on if decision.issue else ""
    return Skip(decision.person.email, SkipReason.ALREADY_QUEUED, f"the digest of {on}")


def sightings_of(counted: Mapping[str, tuple[date, datetime]]) -> dict[str, Sighting]:
    """When papers were listed and their votes counted, as the scorer wants it; a list is made at the start of its day."""
    return {
        paper_id: Sighting(min(datetime.combine(on, time(), tzinfo=UTC), counted_at), counted_at)
        for paper_id, (on, counted_at) in counted.items()
    }


def taste_of(votes: Sequence[StoredVote]) -> Taste | None:
    """What the scorer learns from a person's votes; None when there are none."""
    if not votes:
        return None
    liked, disliked = (
        tuple(Vote(vote.paper, vote.voted_at) for vote in votes if vote.direction == direction)
        for direction in ("more", "less")
    )
    return Taste(liked, disliked)
