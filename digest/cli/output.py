"""Answers for people (tables) and for machines (JSON). Words go to standard output, progress and errors elsewhere."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from datetime import date, datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from digest.mail.wording import counted

if TYPE_CHECKING:  # only named here; loading them takes a second that `digest --help` need not wait for
    from digest.deliver import DeliverReport
    from digest.ingest import IngestReport, PageReport
    from digest.model import Paper
    from digest.publish import PublishReport


_MOST_REASONS = 5  # why entries were rejected, a page


def print_json(answer: Any) -> None:
    """One JSON value on standard output."""
    typer.echo(to_json(answer, indent=2))


def to_json(answer: Any, *, indent: int | None = None) -> str:
    """An answer as JSON; on one line unless it is indented."""
    return json.dumps(answer, default=_plain, ensure_ascii=False, indent=indent)


def _plain(value: object) -> object:
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, StrEnum | Path):
        return str(value)
    raise TypeError(f"no JSON for {type(value).__name__}")


def print_table(
    columns: Sequence[str], rows: Iterable[Sequence[object]], *, title: str | None = None, none: str = ""
) -> None:
    """A table as wide as the terminal; one line a row in a pipe. `none` is said in its place when it would be empty."""
    from rich.console import Console
    from rich.table import Table

    rows = list(rows)
    if none and not rows:
        typer.echo(none)
        return
    table = Table(*columns, title=title, title_justify="left", box=None, pad_edge=False, header_style="bold")
    for row in rows:
        table.add_row(*(_escaped(_in_a_cell(cell)) for cell in row))
    console = Console(highlight=False)
    if console.is_terminal:
        console.print(table)
        return
    console.width = 10_000
    with console.capture() as drawn:
        console.print(table)
    typer.echo("\n".join(line.rstrip() for line in drawn.get().splitlines()))


def _in_a_cell(value: object) -> str:
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M:%S} UTC"
    return "" if value is None else str(value)


def _escaped(text: str) -> str:
    from rich.markup import escape

    return escape(text)


def page_as_json(page: "PageReport") -> dict[str, Any]:
    """The contract of `digest ingest --json`."""
    said = {
        "path": page.path,
        "format": page.format,
        "status": page.status,
        "papers": page.papers,
        "new": page.new,
    }
    return {**said, "rejected": [asdict(rejected) for rejected in page.rejected], "reason": page.reason}


def ingest_as_json(report: "IngestReport") -> dict[str, Any]:
    """Pages, and the sources that gave none."""
    unreachable = [{"source": name, "reason": reason} for name, reason in report.unreachable.items()]
    return {"pages": [page_as_json(page) for page in report.pages], "unreachable": unreachable}


def publish_as_json(report: "PublishReport") -> dict[str, Any]:
    """How many digests were queued, and who got none, with the reason."""
    skipped = [{"subscriber": skip.subscriber, "reason": skip.reason} for skip in report.skipped]
    return {"queued": report.queued, "skipped": skipped}


def deliver_as_json(report: "DeliverReport") -> dict[str, Any]:
    """How many messages left, and how many did not."""
    counts = {"sent": report.sent, "deferred": report.deferred + report.waiting, "failed": report.failed}
    return {**counts, "unknown": report.unknown, "suppressed": report.suppressed, "stopped": report.stopped}


def paper_as_json(paper: "Paper", pages: Sequence[str]) -> dict[str, Any]:
    """The contract of `digest papers --json`; null where unknown."""
    return {
        "id": paper.id,
        "title": paper.title,
        "abstract": paper.abstract,
        "url": paper.url,
        "authors": list(paper.authors) or None,
        "authors_count": paper.authors_count,
        "organization": paper.organization,
        "organization_handle": paper.organization_handle,
        "published_on": paper.published_on,
        "fields": list(paper.fields) or None,
        "upvotes": paper.upvotes,
        "comments": paper.comments,
        "pages": list(pages),
    }


def print_ingest(report: "IngestReport") -> None:
    """One line a page that was new, and what to know of the rest."""
    from digest.pages.outcome import in_words

    new = [page for page in report.pages if page.status != "unchanged"]
    for page in new:
        rejected = f", {len(page.rejected)} rejected" if page.rejected else ""
        told = f" - {page.reason}" if page.reason else ""
        typer.echo(
            f"{page.status:<12} {page.path}: {counted(page.papers, 'paper')}, {page.new} new{rejected}{told}"
        )
        said = in_words(page.rejected, told=page.reason)
        for line in said[:_MOST_REASONS]:
            typer.echo(f"{'':<12} {line}")
        if len(said) > _MOST_REASONS:
            typer.echo(
                f"{'':<12} and {counted(len(said) - _MOST_REASONS, 'reason')} more; --json has them all"
            )
    if unchanged := len(report.pages) - len(new):
        typer.echo(f"{'unchanged':<12} {counted(unchanged, 'page')} picked up before")
    for name, reason in report.unreachable.items():
        typer.echo(f"{'no page':<12} {name}: {reason}")
    if not report.pages and not report.unreachable:
        typer.echo("nothing to pick up: no page is in the folders, and no address is due")


def print_publish(report: "PublishReport") -> None:
    """How many are queued, and one line for everybody else."""
    typer.echo(f"queued       {counted(report.queued, 'digest')}")
    if not (report.queued or report.not_due or report.skipped or report.skips):
        typer.echo("nobody       is subscribed; write config/subscribers/NAME.toml")
    for skip in report.skipped:
        typer.echo(f"skipped      {skip.subscriber}: {skip.reason}")


def print_deliver(report: "DeliverReport") -> None:
    """What left and what did not."""
    unknown = f", unknown {report.unknown} (see `digest outbox list`)" if report.unknown else ""
    waiting = f", waiting {report.waiting}" if report.waiting else ""
    typer.echo(
        f"sent         {report.sent}, deferred {report.deferred}, failed {report.failed}{unknown}{waiting}"
    )
    if report.failed:
        typer.echo("failed       `digest outbox list --state failed` says who and why")
    if report.stopped:
        typer.echo(f"stopped      {report.stopped}")
    elif report.deferred:
        typer.echo(
            "later        what is deferred is tried again by itself; `digest outbox list --state deferred` says why"
        )
