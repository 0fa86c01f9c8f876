"""Which addresses of a source to ask: one, or one a day for the days that were missed."""

from collections.abc import Sequence
from datetime import date, timedelta

from digest.model import WEEKDAYS, Weekday

# Placeholders of a source's address.
DATE = "{date}"  # 2026-03-02
PAGE = "{page}"  # 0, 1, 2, ... until a page lists nothing
START = "{start}"  # 0, page_size, 2 * page_size, ...


def is_dated(template: str) -> bool:
    """Whether the address names a day."""
    return DATE in template


def is_paged(template: str) -> bool:
    """Whether the address names a part of a longer list."""
    return PAGE in template or START in template


def days_to_ask(last: date | None, today: date, *, days: Sequence[Weekday], at_most: int) -> list[date]:
    """The days to ask for, the oldest first: those since `last`, that day too, since its votes still move.

    Bounded to the newest `at_most` days and today; only the weekdays in `days` (all when empty). Without `last`, today
    and the last such day before it.
    """
    first = max(last or today - timedelta(days=4), today - timedelta(days=at_most))
    span = [first + timedelta(days=n) for n in range((today - first).days + 1)]
    wanted = [day for day in span if not days or WEEKDAYS[day.weekday()] in days]
    return wanted if last else wanted[-2:]


def address_of(template: str, *, day: date, page: int, page_size: int) -> str:
    """The address of one part of one day."""
    filled = template.replace(DATE, day.isoformat()).replace(PAGE, str(page))
    return filled.replace(START, str(page * page_size))


def better_address(url: str) -> str:
    """The address a program should ask instead of the page a person looks at, where one is known.

    Hugging Face's Daily Papers have an API with a day and pages of 100; an arXiv listing has a feed.
    """
    plain = url.rstrip("/").partition("?")[0]
    if plain in (
        "https://huggingface.co/papers",
        "https://huggingface.co/api/daily_papers",
    ) or plain.startswith(
        (
            "https://huggingface.co/papers/date/",
            "https://huggingface.co/papers/week/",
            "https://huggingface.co/papers/month/",
        )
    ):
        if "?q=" in url:
            return url
        return "https://huggingface.co/api/daily_papers?date={date}&limit=100&p={page}"
    if plain.startswith("https://arxiv.org/list/"):
        return f"https://rss.arxiv.org/rss/{plain.removeprefix('https://arxiv.org/list/').partition('/')[0]}"
    return url
