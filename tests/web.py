"""What the tests of the pages share: a home with papers, and a browser of its own for each test."""

import html
import re
from contextlib import contextmanager
from datetime import datetime, timedelta

from starlette.testclient import TestClient

from digest.app import App
from digest.web.site import make_site
from tests.builders import NOW, a_paper, record

URL = "https://papers.example.org"
TOPICS = ("speculative decoding", "draft model", "audio codec", "protein folding", "state space model")


class Clock:
    """A clock that moves when it is told to."""

    def __init__(self, now: datetime = NOW) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    def move(self, **by: float) -> None:
        """Go on by so much."""
        self.now += timedelta(**by)


def some_papers(number: int = 40):
    """Papers about a handful of topics, each with its votes."""
    for place in range(number):
        topic, other = TOPICS[place % len(TOPICS)], TOPICS[(place // 7) % len(TOPICS)]
        yield a_paper(
            place + 1,
            title=f"Paper {place + 1}: {topic.title()} for Everybody",
            abstract=f"We present a method for {topic}. It is compared with {other} on {place + 3} benchmarks.",
            authors=("Ada Example", "Ben Sample"),
            upvotes=(place * 7) % 45,
        )


@contextmanager
def a_site(home, clock: Clock | None = None, *, papers: int = 40):
    """(app, clock, browser) of a home with papers."""
    (home / "config").mkdir(parents=True, exist_ok=True)
    file = home / "config" / "digest.toml"
    if not file.exists():
        file.write_text('[sender]\naddress = "digest@papers.example.org"\n')
    moves = clock or Clock()
    with App.open(home, web_url=URL) as app:
        record(app.store, *some_papers(papers), at=moves.now - timedelta(hours=3))
        with TestClient(make_site(app, clock=moves), base_url=URL, follow_redirects=False) as browser:
            yield app, moves, browser


def hidden(page: str, name: str) -> str:
    """The value of a hidden field."""
    found = re.search(rf'name="{name}" value="([^"]*)"', page)
    assert found, f"no field {name}"
    return html.unescape(found[1])


def words_of(page: str) -> str:
    """What a reader reads: without markup, on one line."""
    text = re.sub(r"<(script|style).*?</\1>|<[^>]+>", " ", page, flags=re.S)
    return " ".join(html.unescape(text).split())
