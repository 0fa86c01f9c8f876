"""The four ends a page can come to, and how the entries of a page become its papers."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import date
from itertools import islice

from digest.model import PageStatus, Paper, ParsedPage, Rejected
from digest.pages.entry import Entry, settle
from digest.pages.identity import title_id
from digest.works import best_of

MOST_ENTRIES = 10_000  # of one page; a year of Daily Papers has half as many
MOST_REJECTED = 200  # reasons kept of one page; the rest is counted


def listed(
    format_name: str,
    entries: Iterable[Entry | Rejected],
    *,
    listed_on: date | None = None,
    reason: str | None = None,
) -> ParsedPage:
    """What a page with entries comes to: OK when one paper at least can be used, otherwise broken.

    `reason` is what the parser noticed about the page as a whole, such as a missing end.
    """
    entries = iter(entries)
    settled = [
        settle(entry) if isinstance(entry, Entry) else entry for entry in islice(entries, MOST_ENTRIES)
    ]
    papers = _once_each(one for one in settled if isinstance(one, Paper))
    rejected = _bounded([one for one in settled if isinstance(one, Rejected)])
    if next(entries, None) is not None:
        note = f"Only its first {MOST_ENTRIES} entries were read; split it into days."
        rejected = (*rejected, Rejected("the page", note))
    if papers:
        return ParsedPage(format_name, PageStatus.OK, papers, rejected, reason, listed_on)
    why = f"None of its entries can be used: {rejected[0].reason}" if rejected else "It lists no paper."
    return ParsedPage(format_name, PageStatus.BROKEN, (), rejected, reason or why, listed_on)


def empty(format_name: str, reason: str, *, listed_on: date | None = None) -> ParsedPage:
    """A well-formed page of a known format that lists nothing: no fault, no papers."""
    return ParsedPage(format_name, PageStatus.EMPTY, reason=reason, listed_on=listed_on)


def broken(format_name: str, reason: str) -> ParsedPage:
    """A page of a known format that is cut, damaged, or not the page at all."""
    return ParsedPage(format_name, PageStatus.BROKEN, reason=reason)


def unrecognised(reason: str) -> ParsedPage:
    """A document no parser knows."""
    return ParsedPage(None, PageStatus.UNRECOGNISED, reason=reason)


def in_words(rejected: Sequence[Rejected], *, told: str | None = None) -> list[str]:
    """One line a reason, with the entries it is about; none for a reason that the page as a whole was `told` to have."""
    places: dict[str, list[str]] = {}
    for one in rejected:
        places.setdefault(one.reason, []).append(one.where)
    return [
        f"{where[0]}{f' and {len(where) - 1} more' if len(where) > 1 else ''}: {reason}"
        for reason, where in places.items()
        if not (told and told.endswith(reason))
    ]


def _bounded(rejected: list[Rejected]) -> tuple[Rejected, ...]:
    if len(rejected) <= MOST_REJECTED:
        return tuple(rejected)
    note = f"{len(rejected) - MOST_REJECTED} more entries were rejected like these."
    return (*rejected[:MOST_REJECTED], Rejected("the page", note))


def _once_each(papers: Iterable[Paper]) -> tuple[Paper, ...]:
    """Every paper once, in the order of first appearance, also where it is listed with its id and by its title alone."""
    by_id: dict[str, Paper] = {}
    for paper in papers:
        _keep(by_id, paper)
    with_id: dict[str, str] = {}
    for paper in by_id.values():
        if not paper.id.startswith("title:"):
            with_id.setdefault(title_id(paper.title), paper.id)
    merged: dict[str, Paper] = {}
    for paper in by_id.values():
        _keep(merged, replace(paper, id=with_id.get(paper.id, paper.id)))
    return tuple(merged.values())


def _keep(papers: dict[str, Paper], paper: Paper) -> None:
    known = papers.get(paper.id)
    papers[paper.id] = best_of(known, paper) if known else paper
