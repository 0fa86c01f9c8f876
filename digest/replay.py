"""The time machine: what the last days would have brought under a profile, and what another profile would change.

It goes through a profile's slots one after the other, as the ledger would have: papers known by then, none shown twice,
the floor learnt from the days before. The scorer is fitted once, to everything there is, so the words it knows are those
of today.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from digest.cadence import lookback, next_issue
from digest.compose import compose
from digest.errors import DigestError
from digest.material import Papers, Reader, materials
from digest.model import Digest, Issue, Paper, Pick, Profile, Skip
from digest.ranking import PaperRanker
from digest.ranking.meaning import Encoder

_LEARNT_FROM = timedelta(days=21)
_FIRST, _LAST = date(1900, 1, 1), date(9000, 1, 1)  # dates that can be reckoned with, in every zone
_LONGEST = timedelta(days=3660)


@dataclass(frozen=True, slots=True)
class Known:
    """A paper, and since when it is known."""

    paper: Paper
    since: datetime


@dataclass(frozen=True, slots=True)
class Day:
    """One slot of the past: what would have been sent, or why nothing."""

    issue: Issue
    outcome: Digest | Skip

    @property
    def picks(self) -> tuple[Pick, ...]:
        """The papers that would have come."""
        return self.outcome.picks if isinstance(self.outcome, Digest) else ()


@dataclass(frozen=True, slots=True)
class Change:
    """What another profile would do to one day: papers it adds, and papers it drops."""

    on: date
    added: tuple[Pick, ...]
    dropped: tuple[Pick, ...]


class TimeMachine:
    """Replays past days over some papers, for any number of profiles. Raises `DigestError` when there are no papers."""

    def __init__(
        self,
        papers: Iterable[Known],
        *,
        daily_lookback: timedelta = timedelta(days=7),
        encoder: Encoder | None = None,
    ) -> None:
        self._papers = sorted(papers, key=lambda known: (known.since, known.paper.id))
        if not self._papers:
            raise DigestError("there are no papers of those days; pick up pages first, or give --page")
        self._lookback = daily_lookback
        self._ranker = PaperRanker(encoder=encoder).fit([known.paper for known in self._papers])

    def replay(self, profile: Profile, *, since: date, until: date) -> list[Day]:
        """Every slot of the profile's cadence from `since` to `until`, both included, in order.

        Raises `DigestError` when there is no slot between them, or too many.
        """
        if since > until:
            raise DigestError(f"{since} is after {until}; give the earlier day as the first")
        if since < _FIRST or until > _LAST or until - since > _LONGEST:
            raise DigestError(
                f"{since} to {until} is longer than anybody has papers for; take at most ten years"
            )
        days: list[Day] = []
        shown: set[str] = set()
        for issue in _slots(profile, since, until):
            days.append(self._day(profile, issue, frozenset(shown)))
            shown.update(pick.paper.id for pick in days[-1].picks)
        if not days:
            raise DigestError(f"the profile has no slot from {since} to {until}; take more days")
        return days

    def _day(self, profile: Profile, issue: Issue, shown: frozenset[str]) -> Day:
        now = issue.due_at
        start = now - lookback(profile.cadence, self._lookback)
        candidates = {known.paper.id: known.paper for known in self._papers if start < known.since <= now}
        past = {
            known.paper.id: (known.since.date(), known.paper)
            for known in self._papers
            if start - _LEARNT_FROM < known.since <= start
        }
        [material] = materials(self._ranker, Papers(candidates, past), [Reader(profile, shown)], now=now)
        return Day(issue, compose(issue, profile, material))


def compare(mine: Sequence[Day], other: Sequence[Day]) -> list[Change]:
    """What the other profile would change, for every date on which either has a slot."""
    ours, theirs = _by_date(mine), _by_date(other)
    changes = []
    for on in sorted({*ours, *theirs}):
        before, after = ours.get(on, {}), theirs.get(on, {})
        added = tuple(pick for paper_id, pick in after.items() if paper_id not in before)
        dropped = tuple(pick for paper_id, pick in before.items() if paper_id not in after)
        changes.append(Change(on, added, dropped))
    return changes


def start_of(on: date) -> datetime:
    """The instant from which something of that day is taken as known."""
    return datetime.combine(on, time(), tzinfo=UTC)


def _by_date(days: Sequence[Day]) -> dict[date, dict[str, Pick]]:
    return {day.issue.on: {pick.paper.id: pick for pick in day.picks} for day in days}


def _slots(profile: Profile, since: date, until: date) -> Iterator[Issue]:
    issue = next_issue(profile.cadence, profile.timezone, start_of(since) - timedelta(days=1))
    while issue.on <= until:
        if issue.on >= since:
            yield issue
        issue = next_issue(profile.cadence, profile.timezone, issue.due_at)
