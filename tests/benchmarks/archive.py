"""Ingest an archive of daily pages, one day after the other, then again: speed, size, and that nothing changes.

python -m tests.benchmarks.archive ../shared/archive/daily_papers_2024-05-27_2025-12-31.jsonl.gz
"""

import gzip
import json
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from digest.ingest import ingest_pages
from digest.model import Page
from digest.store import Store


def days_of(archive: Path) -> Iterator[tuple[str, bytes]]:
    """Each day of the archive as the page the API gave that day."""
    days: dict[str, list[dict[str, Any]]] = {}
    with gzip.open(archive, "rt", encoding="utf-8") as lines:
        for line in lines:
            record = json.loads(line)
            days.setdefault(record["day"], []).append(_as_entry(record))
    for day, entries in sorted(days.items()):
        yield day, json.dumps(entries).encode()


def _as_entry(record: dict[str, Any]) -> dict[str, Any]:
    paper = {key: record[key] for key in ("id", "title", "upvotes")}
    paper |= {"summary": record["abstract"], "publishedAt": record["published"]}
    paper["authors"] = [{"name": name, "hidden": False} for name in record["authors"]]
    return {
        "paper": paper,
        "title": record["title"],
        "numComments": record["comments"],
        "publishedAt": record["published"],
    }


def dump(store: Store) -> list[tuple[Any, ...]]:
    """Everything that is known of papers, pages and listings."""
    with store.reading() as db:
        return [
            tuple(row)
            for table in ("papers", "pages", "listings")
            for row in db.exec_driver_sql(f"SELECT * FROM {table} ORDER BY 1, 2")
        ]


def main() -> None:
    """One pass, a second one, and how both grow."""
    archive = Path(sys.argv[1])
    with tempfile.TemporaryDirectory() as folder:
        store = Store(f"sqlite:///{folder}/digest.db", secret=b"a benchmark")
        days = list(days_of(archive))
        began, papers = time.perf_counter(), 0
        for number, (day, body) in enumerate(days, 1):
            now = datetime.fromisoformat(day).replace(tzinfo=UTC) + timedelta(hours=8)
            papers += ingest_pages(store, [Page(f"{day}.json", body, now)]).pages[0].new
            if number in (len(days) // 4, len(days) // 2, len(days)):
                spent = time.perf_counter() - began
                size = sum(path.stat().st_size for path in Path(folder).iterdir())
                print(
                    f"{number:5} pages {papers:6} papers {number / spent:8.1f} pages/s {size / papers:8.0f} kB per 1,000 papers"
                )
        before, again = dump(store), time.perf_counter()
        for day, body in days:
            ingest_pages(store, [Page(f"{day}.json", body, datetime(2026, 1, 1, tzinfo=UTC))])
        print(
            f"the second time {len(days) / (time.perf_counter() - again):8.1f} pages/s, changes: {before != dump(store)}"
        )
        store.close()


if __name__ == "__main__":
    main()
