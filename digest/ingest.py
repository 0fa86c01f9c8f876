"""VERB 1: pages -> papers in the store.

    sources
    | fetch     what is new since the last time
    | parse     papers, and what was wrong with the rest
    | record    page, papers and listings in one transaction, once for the same bytes

A page, an entry or a source that is broken costs only itself and leaves its reason.
"""

import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Protocol

from digest.errors import SourceError
from digest.model import Page, PageStatus, ParsedPage, Rejected
from digest.pages import parse
from digest.pages.fetch import Fetched, Validators
from digest.pages.folder import Unreadable
from digest.store import Store
from digest.store.papers import known_page, record_page
from digest.store.sources import SourceState, put_source_state, source_state

log = logging.getLogger(__name__)
_FIRST_RETRY = timedelta(minutes=10)
_LAST_RETRY = timedelta(hours=12)


class Fetcher(Protocol):
    """Where pages come from when they come over the network."""

    def fetch(self, url: str, *, source: str, validators: Validators, now: datetime) -> Fetched:
        """The page, or none when it has not changed. Raises `SourceError`."""
        ...


@dataclass(frozen=True, slots=True)
class Source:
    """A configured place that publishes pages, with the ways to reach it already chosen."""

    name: str
    url: str | None = None
    fetcher: Fetcher | None = None
    path: Path | None = None


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


@dataclass(frozen=True, slots=True)
class IngestReport:
    """What one round gave. `unreachable` names the sources that gave nothing, with the reason."""

    pages: tuple[PageReport, ...] = ()
    unreachable: dict[str, str] = field(default_factory=dict)

    @property
    def has_trouble(self) -> bool:
        """Whether somebody should look: a source failed, or a page could not be read."""
        trouble = (PageStatus.BROKEN, PageStatus.UNRECOGNISED)
        return bool(self.unreachable) or any(page.status in trouble for page in self.pages)


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
            before = source_state(db, source.name) or SourceState(source.name, "new", now, now)
        if source.path is None and before.next_try_at > now:
            continue
        try:
            found, validators = _look(store, source, before, read_folder, now)
        except SourceError as error:
            unreachable[source.name] = str(error)
            after = _after_failure(before, error, now)
        else:
            reports += found
            pause = (
                timedelta(0) if source.path else every
            )  # a folder is looked at in every round: it costs nothing
            after = replace(_after_success(before, found, now), next_try_at=now + pause)
            after = replace(after, etag=validators.etag, last_modified=validators.last_modified)
        with store.writing() as tx:
            put_source_state(tx, after)
        log.info("ingest source=%s state=%s papers=%d", source.name, after.state, after.papers)
    return IngestReport(tuple(reports), unreachable)


def ingest_pages(store: Store, pages: Iterable[Page | Unreadable]) -> IngestReport:
    """Pages somebody named by hand. A page that could not be read the last time is tried again."""
    return IngestReport(tuple(_each(store, pages, again=True)))


def _look(
    store: Store, source: Source, before: SourceState, read_folder: FolderReader, now: datetime
) -> tuple[list[PageReport], Validators]:
    """What the source has for us now, recorded, and the validators for the next request."""
    if source.path is not None:
        return list(_each(store, read_folder(source, now), again=False)), Validators()
    assert source.url is not None
    assert source.fetcher is not None
    known = Validators(before.etag, before.last_modified)
    fetched = source.fetcher.fetch(source.url, source=source.name, validators=known, now=now)
    pages = [] if fetched.page is None else [fetched.page]
    return list(_each(store, pages, again=False)), fetched.validators


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
    if known is not None and not (again and known.status in (PageStatus.BROKEN, PageStatus.UNRECOGNISED)):
        before = "these bytes were picked up before"
        return PageReport(page.name, known.format, PageStatus.UNCHANGED, known.papers, reason=before)
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


def _after_success(before: SourceState, found: Sequence[PageReport], now: datetime) -> SourceState:
    """The source answered; whether what it said was any good is another matter."""
    if not found or all(page.status == PageStatus.UNCHANGED for page in found):
        kept = before.state in ("ok", "empty", "broken", "unrecognised")
        return replace(
            before, state=before.state if kept else "ok", tried_at=now, succeeded_at=now, failures=0
        )
    worst = next(
        (page for page in found if page.status in (PageStatus.BROKEN, PageStatus.UNRECOGNISED)), None
    )
    papers = sum(page.papers for page in found)
    state = worst.status if worst else (PageStatus.OK if papers else PageStatus.EMPTY)
    reason = f"{worst.path}: {worst.reason}" if worst else None
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
