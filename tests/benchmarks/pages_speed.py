"""Pages parsed per second, beside reading the same JSON with the standard library alone."""

import json
import time
from datetime import UTC, datetime
from pathlib import Path

from digest.model import Page
from digest.pages import parse
from digest.shipped import shipped

NOW = datetime(2026, 3, 3, 9, 0, tzinfo=UTC)
SHARED = Path(__file__).resolve().parents[3] / "shared" / "pages"


def pages_at_hand() -> list[Page]:
    """The demo's pages, and the real ones where they are at hand."""
    paths = [*(shipped("config") / "demo" / "pages").iterdir()]
    paths += [*SHARED.glob("seeds/*.txt"), *SHARED.glob("hf_api/*.json"), *SHARED.glob("hf_html/*.html")]
    return [Page(path.name, path.read_bytes(), NOW) for path in sorted(paths)]


def rate(pages: list[Page], seconds: float = 1.0) -> tuple[float, float]:
    """Pages and papers per second."""
    began, count, papers = time.perf_counter(), 0, 0
    while time.perf_counter() - began < seconds:
        for page in pages:
            papers += len(parse(page).papers)
            count += 1
    spent = time.perf_counter() - began
    return count / spent, papers / spent


def main() -> None:
    """One line a family of pages."""
    pages = pages_at_hand()
    for suffix in (".txt", ".json", ".html"):
        family = [page for page in pages if page.name.endswith(suffix)]
        if family:
            size = sum(len(page.body) for page in family) / len(family) / 1000
            per_second, papers = rate(family)
            print(
                f"pages parsed, {suffix:<6} {size:5.0f} kB each {per_second:24.0f} pages/s {papers:10.0f} papers/s"
            )
    bodies = [page.body for page in pages if page.name.endswith(".json")]
    began, count = time.perf_counter(), 0
    while time.perf_counter() - began < 1.0:
        for body in bodies:
            json.loads(body)
            count += 1
    print(
        f"  reference: json.loads of the .json pages alone {count / (time.perf_counter() - began):12.0f} pages/s"
    )


if __name__ == "__main__":
    main()
