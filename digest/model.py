"""The nouns, in the order a paper meets them. Frozen values: whoever needs another makes a new one with `replace`."""

import hashlib
import json
from dataclasses import asdict, dataclass, field
from datetime import date, datetime, time
from enum import StrEnum
from functools import cached_property, lru_cache
from typing import Any, Literal, NamedTuple

from digest.writing import Writing


@dataclass(frozen=True)
class Page:
    """One document as it was retrieved, before anybody understood it."""

    name: str  # where it came from, as a person would say it: a path or an address
    body: bytes
    fetched_at: datetime  # aware, UTC
    source: str = "by hand"  # name of the configured source
    media_type: str | None = None  # as the server declared it, without parameters

    @cached_property
    def content_hash(self) -> str:
        """SHA-256 of the body: two pages with the same bytes are one page."""
        return hashlib.sha256(self.body).hexdigest()


@dataclass(frozen=True, slots=True)
class Paper:
    """One work. Everything but its identity and title may be unknown (None, or an empty tuple)."""

    id: str  # "arxiv:2503.01234" where a page has the id, else "title:" + 16 hex digits of the title key's SHA-256
    title: str
    abstract: str | None = None
    url: str | None = None  # where a reader finds it; a search link when nothing better is known
    authors: tuple[str, ...] = ()
    authors_count: int | None = None  # may exceed len(authors), or be known without any name
    organization: str | None = None  # display name
    organization_handle: str | None = None
    published_on: date | None = None  # when the work appeared, not when a page listed it
    fields: tuple[str, ...] = ()  # subjects by name ("Computer Vision"), never codes
    upvotes: int | None = None  # newest known
    comments: int | None = None  # newest known


@dataclass(frozen=True, slots=True)
class Rejected:
    """An entry of a page that is not a paper we can use."""

    where: str  # "entry 14", "line 212"
    reason: str


class PageStatus(StrEnum):
    """What a page turned out to be. A valid empty day, a broken page and an unknown format are three different things."""

    OK = "ok"
    EMPTY = "empty"  # a well-formed page of a known format that lists nothing
    BROKEN = "broken"  # a known format, but cut, damaged or a challenge page
    UNRECOGNISED = "unrecognised"
    UNCHANGED = "unchanged"  # the same bytes were picked up before


@dataclass(frozen=True, slots=True)
class ParsedPage:
    """What a page says. `papers` keeps the page's order."""

    format: str | None  # "huggingface-text", "huggingface-json", ...; None when unrecognised
    status: PageStatus
    papers: tuple[Paper, ...] = ()
    rejected: tuple[Rejected, ...] = ()
    reason: str | None = None  # why it is broken, empty or unrecognised, and what to do
    listed_on: date | None = None  # the day the page is about, where it says so


Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
WEEKDAYS: tuple[Weekday, ...] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


@dataclass(frozen=True, slots=True)
class Interest:
    """Keywords that mean one thing to a reader. A keyword may be a phrase, or end in `*`."""

    keywords: tuple[str, ...]
    weight: float = 1.0  # negative: less of this


@dataclass(frozen=True, slots=True)
class Cadence:
    """How often, and at which local time."""

    every: Literal["day", "weekday", "week", "month", "days"] = "day"
    at: time = time(7, 30)
    days: tuple[Weekday, ...] = ()  # for "days"; for "week" the one day, Monday when empty


# One for all who want the same.
_cadence = lru_cache(1_000)(lambda every, at, days: Cadence(every, time.fromisoformat(at), days))
QuietDay = Literal["skip", "note", "carry-over"]


@dataclass(frozen=True, slots=True)
class Profile:
    """What one subscriber wants."""

    email: str
    name: str | None = None
    timezone: str = "UTC"  # IANA name
    cadence: Cadence = Cadence()
    max_papers: int = 10
    quiet_day: QuietDay = "skip"
    trending: float = 0.3  # 0 = only my interests, 1 = only what the community likes
    wildcard: bool = True  # one labelled paper from outside the profile
    interests: tuple[Interest, ...] = ()
    mute: tuple[str, ...] = ()  # keywords that keep a paper out, whatever else speaks for it
    follow_authors: tuple[str, ...] = ()
    follow_organizations: tuple[str, ...] = ()

    def to_json(self) -> str:
        """The profile as one line of JSON, for the store. `from_json` is its inverse."""
        return json.dumps(asdict(self), default=str, ensure_ascii=False, sort_keys=True)

    @staticmethod
    def from_json(text: str) -> "Profile":
        """Read what `to_json` wrote."""
        raw: dict[str, Any] = json.loads(text)
        said = raw["cadence"]
        raw["cadence"] = _cadence(said["every"], said["at"], tuple(said["days"]))
        raw["interests"] = tuple([Interest(tuple(i["keywords"]), i["weight"]) for i in raw["interests"]])
        raw |= {key: tuple(raw[key]) for key in ("mute", "follow_authors", "follow_organizations")}
        return Profile(**raw)


class ReasonKind(StrEnum):
    """Where a part of a score comes from."""

    KEYWORD = "keyword"  # term: the keyword as the reader typed it
    RELATED = "related"  # term: "KV cache, near your keyword attention"
    AUTHOR = "author"
    ORGANIZATION = "organization"
    TRENDING = "trending"  # term: "41 upvotes"
    RECENT = "recent"
    TASTE = "taste"  # learnt from votes
    WHOLE = "whole"  # fits the keywords as a whole: too little of each to name one

    __hash__ = str.__hash__  # that of `Enum` takes ten times as long, and reasons are many


class Reason(NamedTuple):
    """One signed part of a score; all parts of a score add up to it. A tuple, for there are many."""

    kind: ReasonKind
    term: str
    contribution: float


class Score(NamedTuple):
    """How well one paper fits one profile, and why."""

    paper_id: str
    value: float
    why: tuple[Reason, ...] = ()


class Standing(NamedTuple):
    """How one paper stands with one profile, before anybody asks why. A tuple, for there are many."""

    paper_id: str
    value: float
    interest: float  # how well it fits what the reader asked for
    liked: float  # the part from what the community likes
    is_followed: bool = False  # by somebody the reader follows


@dataclass(frozen=True, slots=True)
class Issue:
    """One dated run of a cadence. Its key makes publishing idempotent."""

    key: str  # "2026-03-05/day"
    on: date  # the local date of the slot
    due_at: datetime  # aware, UTC


class Section(StrEnum):
    """Groups of a digest that mean something to the reader, in their fixed order."""

    TOP = "top"  # best matches
    FOLLOWING = "following"  # from people and organisations the reader follows
    POPULAR = "popular"  # liked by the community today
    WILDCARD = "wildcard"  # one from outside the profile

    __hash__ = str.__hash__  # as above


class Pick(NamedTuple):
    """A paper in a digest. A tuple, for there are many."""

    paper: Paper
    score: Score
    section: Section


@dataclass(frozen=True, slots=True)
class Update:
    """News of a paper the reader had in an earlier digest: the community has come to like it. Told once, in one line."""

    paper: Paper  # with its upvotes of now
    shown_on: date  # the local date of that digest
    upvotes_then: int


@dataclass(frozen=True, slots=True)
class Digest:
    """One subscriber's part of an Issue: values, no markup."""

    issue: Issue
    subscriber: str  # address
    picks: tuple[Pick, ...]  # in reading order; empty only for a quiet-day note
    candidates: int  # papers that were considered
    profile: Profile
    updates: tuple[Update, ...] = ()  # at most two, and only beside picks; a paper comes so once


class SkipReason(StrEnum):
    """Why somebody got no mail this time."""

    NOT_DUE = "not due"
    ALREADY_QUEUED = "already queued"
    NOTHING_NEW = "nothing new"
    NOTHING_MATCHED = "nothing matched"
    PAUSED = "paused"
    UNSUBSCRIBED = "unsubscribed"
    PENDING = "not confirmed"
    SUPPRESSED = "address suppressed"
    BROKEN_PROFILE = "profile file broken"
    FAILED = "could not be composed"


@dataclass(frozen=True, slots=True)
class Skip:
    """A decision not to send, always with a reason a person can read."""

    subscriber: str
    why: SkipReason
    detail: str = ""

    @property
    def reason(self) -> str:
        """The reason as one sentence."""
        return f"{self.why}: {self.detail}" if self.detail else str(self.why)


@dataclass(frozen=True, slots=True)
class Envelope:
    """What is said to the next server (RFC 5321); the headers inside the message are another matter."""

    mail_from: str
    rcpt_to: str


@dataclass(frozen=True, slots=True)
class Message:
    """The bytes that leave (RFC 5322, CRLF), written once and stored: a retry sends the same ones."""

    message_id: str  # with angle brackets
    envelope: Envelope
    subject: str
    writing: Writing = field(repr=False)

    @property
    def raw(self) -> bytes:
        """Those bytes."""
        return self.writing.raw


class DeliveryState(StrEnum):
    """One outbox row's fate: queued -> sending -> sent | deferred | failed | suppressed | unknown; held by the operator."""

    QUEUED = "queued"
    SENDING = "sending"  # claimed, with a lease
    SENT = "sent"  # accepted by the next server
    DEFERRED = "deferred"  # to be tried again
    FAILED = "failed"
    SUPPRESSED = "suppressed"
    UNKNOWN = "unknown"  # its end was sent and no answer came; policy "hold" leaves it to the operator
    HELD = "held"  # the operator keeps it back


@dataclass(frozen=True, slots=True)
class Delivery:
    """A claimed outbox row: the message, and the lease under which it may be sent."""

    id: int
    message_id: str
    envelope: Envelope
    attempt: int  # 1 for the first; the fencing number of this claim
    queued_at: datetime
    raw: bytes = field(default=b"", repr=False)  # put together when its turn comes
