"""Things to arrange a test with: valid by default, override the field the test is about."""

from datetime import UTC, date, datetime
from typing import Any

from digest.model import Interest, Page, Paper, Profile

NOW = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)


def a_paper(number: int = 1, **fields: Any) -> Paper:
    """A paper with its own id and title for each `number`."""
    known: dict[str, Any] = {
        "id": f"arxiv:2602.{number:05d}",
        "title": f"A Careful Study of Subject {number}",
        "abstract": f"We study subject {number} with care and report what we find.",
        "url": f"https://arxiv.org/abs/2602.{number:05d}",
        "published_on": date(2026, 2, 27),
    }
    return Paper(**(known | fields))


def a_profile(**fields: Any) -> Profile:
    """A reader who likes speculative decoding."""
    known: dict[str, Any] = {
        "email": "reader@example.org",
        "interests": (Interest(("speculative decoding", "draft model"), 2.0),),
    }
    return Profile(**(known | fields))


def a_page(body: str | bytes, **fields: Any) -> Page:
    """A page as a folder gives it."""
    raw = body.encode() if isinstance(body, str) else body
    known: dict[str, Any] = {"name": "page.txt", "body": raw, "fetched_at": NOW}
    return Page(**(known | fields))
