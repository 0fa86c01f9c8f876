"""VERB 2: whoever is due gets a message in the outbox, or a reason why not.

due subscribers                       the ledger says who, never "the hour equals"
| rank      the candidates of their cadence against their profile, many profiles at a time
| compose   a Digest, or a Skip
| render    the Digest into the bytes that will leave
| enqueue   message + shown papers + next due instant, one transaction a batch
"""

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from functools import cached_property
from typing import Protocol

from sqlalchemy import Connection

from digest.cadence import due_issue, in_words, lookback, next_issue
from digest.compose import Material, compose
from digest.material import FittedOnce, Papers, Reader, materials
from digest.model import Digest, Issue, Message, Skip, SkipReason
from digest.ranking import PaperRanker, Taste, Vote
from digest.ranking.trending import Sighting
from digest.store import Store
from digest.store.outbox import Owed, enqueue_digest
from digest.store.papers import StoredPaper, seen_since, when_counted
from digest.store.people import (
    Subscriber,
    drop_skip,
    due_subscribers,
    move_due,
    not_due,
    queued_dates,
    record_skip,
    shown_papers,
    suppressed,
)
from digest.store.readers import change_subscriber
from digest.store.votes import StoredVote, votes_of
from digest.traces import traced

log = logging.getLogger(__name__)
BATCH = 100  # people in one transaction: a commit costs a disk's patience, a crash costs a batch of work
_LISTED = 200  # people who are not due that a report names one by one
_LEARNT_FROM = timedelta(days=21)  # before the candidates: what an ordinary day is like for a profile
_LOOK_AGAIN = timedelta(
    minutes=15
)  # when there was nothing new at the hour: a late page still makes today's digest


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


@dataclass(slots=True)
class PublishReport:
    """What one round did. `not_due` counts everybody who waits; `skipped` names them where they are few."""

    queued: int = 0
    not_due: int = 0
    skipped: list[Skip] = field(default_factory=list)

    @property
    def has_trouble(self) -> bool:
        """Whether somebody should look: a digest could not be made."""
        return any(skip.why in (SkipReason.FAILED, SkipReason.BROKEN_PROFILE) for skip in self.skipped)


@traced("publish", "queued")
def publish(
    store: Store, writer: Writer, *, limits: Limits, now: datetime, fitted: FittedOnce | None = None
) -> PublishReport:
    """Queue one message for every subscriber who is due at `now`, and say why everybody else gets none.

    Give the same `fitted` to every round of a process: it spares learning the same corpus again.
    """
    report = PublishReport()
    with store.reading() as db:
        waiting = not_due(db, now, _LISTED)
    desk = _Desk(store, writer, limits, now, fitted or FittedOnce())
    for people in _due(store, now):
        for skip in desk.publish(people):
            if skip is None:
                report.queued += 1
            else:
                report.skipped.append(skip)
    report.not_due = len(waiting)
    report.skipped += [_why_not(person) for person in waiting]
    log.info("publish queued=%d skipped=%d", report.queued, len(report.skipped))
    return report


def _due(store: Store, now: datetime) -> Iterator[list[Subscriber]]:
    """Everybody who is due, read once, a batch at a time."""
    after_id = 0
    while True:
        with store.reading() as db:
            people = due_subscribers(db, now, after_id=after_id, limit=BATCH)
        if not people:
            return
        yield people
        after_id = people[-1].id


@dataclass(frozen=True, slots=True)
class _Decision:
    """What is to be done for one person: a finished message, or a Skip."""

    person: Subscriber
    issue: Issue | None  # None when no slot is near enough
    outcome: Owed | Skip


class _Desk:
    """One round: what all its digests are made from, read and fitted once, and only when somebody is due."""

    def __init__(
        self, store: Store, writer: Writer, limits: Limits, now: datetime, fitted: FittedOnce
    ) -> None:
        self._fitted = fitted
        self._store = store
        self._writer = writer
        self._limits = limits
        self._now = now

    @cached_property
    def _corpus(self) -> list[StoredPaper]:
        """Recent papers, the newest first."""
        longest = max(self._limits.corpus, timedelta(days=40))
        with self._store.reading() as db:
            return seen_since(db, self._now - longest, limit=self._limits.corpus_papers)

    @cached_property
    def _ranker(self) -> PaperRanker:
        return self._fitted([stored.paper for stored in self._corpus])

    def publish(self, people: Sequence[Subscriber]) -> list[Skip | None]:
        """Decide outside the transaction, write inside it. One entry a person: None for a queued digest, else the Skip."""
        decisions = list(self._decide(people))
        with self._store.writing() as tx:
            return [self._record(tx, decision) for decision in decisions]

    def _record(self, tx: Connection, decision: _Decision) -> Skip | None:
        person, outcome = decision.person, decision.outcome
        following = next_issue(person.profile.cadence, person.profile.timezone, self._now).due_at
        if isinstance(outcome, Owed):
            if person.catch_up_since is not None:
                change_subscriber(tx, person.id, self._now, catch_up_since=None)
            drop_skip(tx, person.id, outcome.digest.issue)
            if enqueue_digest(tx, outcome, now=self._now) is None:
                outcome = Skip(
                    person.email, SkipReason.ALREADY_QUEUED, f"the digest of {outcome.digest.issue.on}"
                )
        elif decision.issue is not None and outcome.why != SkipReason.ALREADY_QUEUED:
            record_skip(tx, person.id, decision.issue, outcome, self._now)
            if outcome.why == SkipReason.NOTHING_NEW:
                following = min(following, self._now + _LOOK_AGAIN)
        move_due(tx, person.id, following)
        return outcome if isinstance(outcome, Skip) else None

    def _decide(self, people: Sequence[Subscriber]) -> Iterator[_Decision]:
        with self._store.reading() as db:
            barred = suppressed(db, [person.address_hash for person in people])
            queued = queued_dates(
                db, [person.id for person in people], (self._now - timedelta(days=40)).date()
            )
        wanted: dict[timedelta, list[tuple[Subscriber, Issue]]] = {}
        for person in people:
            issue = due_issue(person.profile.cadence, person.profile.timezone, self._now)
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
                back = lookback(person.profile.cadence, self._limits.lookback)
                if person.catch_up_since is not None:  # back from a pause: what was missed is new
                    back = max(back, self._now - person.catch_up_since)
                wanted.setdefault(back, []).append((person, issue))
        for back, group in wanted.items():
            yield from self._decide_group(group, back)

    def _decide_group(
        self, group: Sequence[tuple[Subscriber, Issue]], back: timedelta
    ) -> Iterator[_Decision]:
        """People who look back equally far share their candidates and one ranking."""
        since = self._now - back
        stored = {one.paper.id: one for one in self._corpus if one.last_seen_at > since}
        past = {
            one.paper.id: (one.last_seen_at.date(), one.paper)
            for one in self._corpus
            if since - _LEARNT_FROM < one.last_seen_at <= since
        }
        with self._store.reading() as db:
            counted = when_counted(db, since)
            shown = shown_papers(db, [person.id for person, _ in group], since)
            votes = votes_of(db, [person.id for person, _ in group])
        candidates = {paper_id: one.paper for paper_id, one in stored.items()}
        papers = Papers(candidates, past, sightings_of(counted))
        readers = [Reader(p.profile, frozenset(shown[p.id]), taste_of(votes[p.id])) for p, _ in group]
        chosen = materials(self._ranker, papers, readers, now=self._now)
        for (person, issue), material in zip(group, chosen, strict=True):
            yield _Decision(person, issue, self._finish(person, issue, material, stored))

    def _write(self, digest: Digest, person: Subscriber) -> Message:
        since = person.catch_up_since
        if since is None or not digest.picks:
            return self._writer.write(digest, person, now=self._now)
        return self._writer.catch_up(digest, person, since=since, now=self._now)

    def _finish(
        self, person: Subscriber, issue: Issue, material: Material, stored: dict[str, StoredPaper]
    ) -> Owed | Skip:
        """One person's digest as a finished message. Whatever goes wrong here costs nobody else."""
        try:
            digest = compose(issue, person.profile, material)
            if isinstance(digest, Skip):
                return digest
            message = self._write(digest, person)
        except Exception as error:
            log.exception("publish subscriber_id=%d failed", person.id)
            return Skip(person.email, SkipReason.FAILED, f"{type(error).__name__}: {error}; see the log")
        return Owed(digest, message, person, tuple(stored[pick.paper.id].pk for pick in digest.picks))


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


def _why_not(person: Subscriber) -> Skip:
    reasons = {
        "paused": SkipReason.PAUSED,
        "unsubscribed": SkipReason.UNSUBSCRIBED,
        "pending": SkipReason.PENDING,
    }
    if person.status in reasons:
        return Skip(person.email, reasons[person.status], person.status_reason or "")
    upcoming = next_issue(
        person.profile.cadence, person.profile.timezone, person.next_due_at - timedelta(seconds=1)
    )
    return Skip(
        person.email, SkipReason.NOT_DUE, f"next digest {in_words(upcoming, person.profile.timezone)}"
    )
