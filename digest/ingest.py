"""VERB 1: pages -> papers in the store.

    sources
    | fetch     what is new since the last time
    | parse     papers, and what was wrong with the rest
    | record    page, papers and listings in one transaction, once for the same bytes

A page, an entry or a source that is broken costs only itself and leaves its reason.
"""

import hashlib
import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Protocol

from digest.errors import SourceError
from digest.model import WEEKDAYS, Page, PageStatus, ParsedPage, Rejected, Weekday
from digest.pages import parse
from digest.pages.archive import unpacked
from digest.pages.calendar import address_of, days_to_ask, is_dated, is_paged
from digest.pages.fetch import Fetched, Validators
from digest.pages.folder import Unreadable
from digest.store import Store
from digest.store.papers import known_page, record_page
from digest.store.sources import (
    SourceState,
    forget_source,
    put_source_state,
    source_state,
    unknown_sources,
)
from digest.traces import traced

log = logging.getLogger(__name__)
_BAD = (PageStatus.BROKEN, PageStatus.UNRECOGNISED)
_FIRST_RETRY = timedelta(minutes=10)
_LAST_RETRY = timedelta(hours=12)
MOST_PARTS = 30  # of one list; a source that never ends is not read for ever


class Fetcher(Protocol):
    """Where pages come from when they come over the network."""

    def fetch(self, url: str, *, source: str, validators: Validators, now: datetime) -> Fetched:
        """The page, or none when it has not changed. Raises `SourceError`."""
        ...


@dataclass(frozen=True, slots=True)
class Source:
    """A configured place that publishes pages, with the ways to reach it already chosen."""

    name: str
    url: str | None = None  # with {date}, {page} or {start}: see pages.calendar
    fetcher: Fetcher | None = None
    path: Path | None = None
    every: timedelta | None = None  # its own pace
    days: tuple[Weekday, ...] = ()  # on which it has pages; all when empty
    catch_up_days: int = 7
    page_size: int = 100

    @property
    def place_hash(self) -> str:
        """Tells two places apart without saying where they are."""
        return hashlib.sha256(str(self.url or self.path).encode()).hexdigest()[:16]


FolderReader = Callable[[Source, datetime], Iterable[Page | Unreadable]]


@dataclass(frozen=True, slots=True)
class PageReport:
    """What became of one page."""

    path: str
    format: str | None
    status: PageStatus
    papers: int = 0
    new: int = 0
    rejected: tuple[Rejected, ...] = ()
    reason: str | None = None
    known_as: PageStatus | None = None  # of an unchanged page: what it was found to be


@dataclass(frozen=True, slots=True)
class IngestReport:
    """What one round gave. `unreachable` names the sources that gave nothing, with the reason."""

    pages: tuple[PageReport, ...] = ()
    unreachable: dict[str, str] = field(default_factory=dict)

    @property
    def has_trouble(self) -> bool:
        """Whether somebody should look: a source failed, or a page could not be read."""
        return bool(self.unreachable) or any(page.status in _BAD for page in self.pages)


@traced("ingest")
def ingest(
    store: Store, sources: Sequence[Source], read_folder: FolderReader, *, every: timedelta, now: datetime
) -> IngestReport:
    """Look at every folder, and at every address whose time has come.

    `every` is the pause after a success; failures wait longer and longer.
    """
    reports: list[PageReport] = []
    unreachable: dict[str, str] = {}
    for source in sources:
        with store.reading() as db:
            before = _as_it_stands(source, source_state(db, source.name), now)
        if source.path is None and not _is_due(source, before, now):
            continue
        try:
            found, validators = _look(store, source, before, read_folder, now)
        except SourceError as error:
            unreachable[source.name] = str(error)
            after = _after_failure(before, error, now)
        else:
            reports += found
            after = replace(
                _after_success(source, before, found, now), next_try_at=now + (source.every or every)
            )
            after = replace(after, etag=validators.etag, last_modified=validators.last_modified)
        with store.writing() as tx:
            put_source_state(tx, replace(after, place_hash=source.place_hash))
        log.info("ingest source=%s state=%s papers=%d", source.name, after.state, after.papers)
    return IngestReport(tuple(reports), unreachable)


def forget_dropped(store: Store, sources: Sequence[Source]) -> None:
    """Forget how sources fared that are configured no more, lest somebody is told for ever that they give nothing."""
    with store.reading() as db:
        dropped = unknown_sources(db, {source.name for source in sources})
    for name in dropped:
        with store.writing() as tx:
            forget_source(tx, name)


def ingest_pages(store: Store, pages: Iterable[Page | Unreadable]) -> IngestReport:
    """Pages somebody named by hand. A page that could not be read the last time is tried again."""
    return IngestReport(tuple(_each(store, pages, again=True)))


def _look(
    store: Store, source: Source, before: SourceState, read_folder: FolderReader, now: datetime
) -> tuple[list[PageReport], Validators]:
    """What the source has for us now, recorded, and the validators for the next request."""
    if source.path is not None:
        return list(_each(store, read_folder(source, now), again=False)), Validators()
    known = Validators(before.etag, before.last_modified)
    if not (is_dated(source.url or "") or is_paged(source.url or "")):
        pages, validators = _fetch(source, source.url or "", known, now)
        return list(_each(store, pages, again=False)), validators
    return list(_look_at_parts(store, source, before, now)), Validators()


def _as_it_stands(source: Source, before: SourceState | None, now: datetime) -> SourceState:
    """How the source fared; one that moved to another place waits no longer, and is not taken for what was at the old one."""
    if before is None:
        return SourceState(source.name, "new", now, now)
    if before.place_hash in (None, source.place_hash):
        return before
    return replace(before, next_try_at=now, failures=0, etag=None, last_modified=None)


def _is_due(source: Source, before: SourceState, now: datetime) -> bool:
    return before.next_try_at <= now and (
        not source.days or WEEKDAYS[now.weekday()] in source.days or is_dated(source.url or "")
    )


def _look_at_parts(store: Store, source: Source, before: SourceState, now: datetime) -> Iterator[PageReport]:
    """A source with an address a day, or a list in parts: every missed day, every part until one lists nothing.

    A day without a list (404) is a day without papers, as long as another day has one.
    """
    template, last = source.url or "", before.succeeded_at.date() if before.succeeded_at else None
    dated = is_dated(template)
    days = (
        days_to_ask(last, now.date(), days=source.days, at_most=source.catch_up_days)
        if dated
        else [now.date()]
    )
    missing: list[SourceError] = []
    for day in days:
        for part in range(MOST_PARTS):
            address = address_of(template, day=day, page=part, page_size=source.page_size)
            try:
                pages, _ = _fetch(source, address, Validators(), now)
            except SourceError as error:
                if not (dated and error.state == "broken" and part == 0):
                    raise
                missing.append(error)
                break
            reports = list(_each(store, pages, again=False))
            yield from (report for report in reports if part == 0 or report.status != PageStatus.EMPTY)
            if not is_paged(template) or not any(report.papers for report in reports):
                break
    if missing and len(missing) == len(days):
        raise missing[-1]


def _fetch(
    source: Source, address: str, known: Validators, now: datetime
) -> tuple[list[Page | Unreadable], Validators]:
    """The pages at an address, out of their archive if they are in one."""
    assert source.fetcher is not None
    fetched = source.fetcher.fetch(address, source=source.name, validators=known, now=now)
    return ([] if fetched.page is None else list(unpacked(fetched.page))), fetched.validators


def _each(store: Store, pages: Iterable[Page | Unreadable], *, again: bool) -> Iterator[PageReport]:
    for page in pages:
        if isinstance(page, Unreadable):
            yield PageReport(page.name, None, PageStatus.BROKEN, reason=page.reason)
        else:
            yield _record(store, page, again=again)


def _record(store: Store, page: Page, *, again: bool) -> PageReport:
    """One page: parsed outside the transaction, recorded inside it."""
    with store.reading() as db:
        known = known_page(db, page.content_hash)
    if known is not None and not (again and known.status in _BAD):
        before = "these bytes were picked up before"
        unchanged = PageReport(page.name, known.format, PageStatus.UNCHANGED, known.papers, reason=before)
        return replace(unchanged, known_as=PageStatus(known.status))
    parsed = parse(page)
    with store.writing() as tx:
        new = record_page(tx, page, parsed)
    log.info(
        "page name=%s format=%s status=%s papers=%d new=%d",
        page.name,
        parsed.format,
        parsed.status,
        len(parsed.papers),
        new,
    )
    return _report(page, parsed, new)


def _report(page: Page, parsed: ParsedPage, new: int) -> PageReport:
    return PageReport(
        page.name, parsed.format, parsed.status, len(parsed.papers), new, parsed.rejected, parsed.reason
    )


def _after_success(
    source: Source, before: SourceState, found: Sequence[PageReport], now: datetime
) -> SourceState:
    """The source answered; whether what it said was any good is another matter."""
    if not found or all(page.status == PageStatus.UNCHANGED for page in found):
        # What a page said stands as long as the page does; what kept us from it is over.
        after = replace(before, tried_at=now, succeeded_at=now, failures=0)
        is_good = before.state in ("ok", "empty")
        is_there = source.path is None or any(page.known_as in _BAD for page in found)
        is_kept = is_good or (before.state in ("broken", "unrecognised", "changed") and is_there)
        return after if is_kept and not before.failures else replace(after, state="ok", reason=None)
    worst = next((page for page in found if page.status in _BAD), None)
    papers = sum(page.papers for page in found)
    state = str(worst.status if worst else (PageStatus.OK if papers else PageStatus.EMPTY))
    reason = f"{worst.path}: {worst.reason}" if worst else None
    if worst and worst.status == PageStatus.UNRECOGNISED and before.papers and not papers:
        state, reason = (
            "changed",
            f"{worst.path}: it had papers before, now its format is another one; {worst.reason}",
        )
    return replace(
        before,
        state=state,
        reason=reason,
        tried_at=now,
        succeeded_at=now,
        failures=0,
        papers=papers or before.papers,
    )


def _after_failure(before: SourceState, error: SourceError, now: datetime) -> SourceState:
    """Wait longer after each failure in a row, or as long as the server asked."""
    asked = error.retry_after
    wait = (
        timedelta(seconds=asked) if asked else min(_FIRST_RETRY * 2 ** min(before.failures, 10), _LAST_RETRY)
    )
    return replace(
        before,
        state=error.state,
        reason=str(error),
        tried_at=now,
        next_try_at=now + wait,
        failures=before.failures + 1,
    )
