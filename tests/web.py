"""What the tests of the pages share: a home with papers, and a browser of its own for each test."""

import html
import re
from contextlib import contextmanager
from datetime import datetime, timedelta
from email import message_from_bytes
from email.policy import default

from starlette.testclient import TestClient

from digest.app import App
from digest.store.people import Subscriber, find_subscriber
from digest.web.site import make_site
from tests.builders import NOW, a_paper, kept_mails, record

URL = "https://papers.example.org"
TOPICS = (
    "speculative decoding", "draft model", "audio codec", "protein folding", "state space model", "graph matching",
    "robot grasping", "weather forecast", "sparse attention", "image matting",
)  # fmt: skip


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
        topic = TOPICS[place % len(TOPICS)]
        yield a_paper(
            place + 1,
            title=f"Paper {place + 1}: {topic.title()} for Everybody",
            abstract=f"We present a method for {topic}. It is measured on {place + 3} benchmarks.",
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
    text = re.sub(r"<(script|style).*?</\1>|<[^>]+>", " ", page, flags=re.DOTALL)
    return " ".join(html.unescape(text).split())


def sent_mails(app: App, kind: str | None = None) -> list[tuple[str, str, str]]:
    """What was queued, the oldest first: (kind, to, readable text of the plain part)."""
    return [
        (row.kind, row.rcpt_to, plain_of(raw))
        for row, raw in kept_mails(app.store)
        if kind is None or row.kind == kind
    ]


def plain_of(raw: bytes) -> str:
    """The plain part of a message."""
    part = message_from_bytes(raw, policy=default).get_body(("plain",))
    assert part is not None
    return str(part.get_content())


def path_in(text: str, path: str) -> str:
    """The first link to a page below `path` in a text."""
    found = re.search(rf"{URL}(/{path}/[^\s<>\"]+)", text)
    assert found, f"no link to /{path}/ in {text}"
    return found[1]


def join(browser, clock: Clock, email: str = "reader@example.org", **fields):
    """Send the form of the first page."""
    page = browser.get("/").text
    clock.move(seconds=5)
    asked = {"topics": "speculative decoding", "every": "weekday", "at": "07:30", "zone": "Europe/Berlin"}
    stamp = {"stamp": hidden(page, "stamp"), "email": email, "act": "subscribe"}
    return browser.post("/", data=asked | stamp | fields)


def joined(app: App, browser, clock: Clock, email: str = "reader@example.org", **fields) -> Subscriber:
    """Somebody who subscribed on the pages and confirmed from the mail."""
    assert join(browser, clock, email, **fields).status_code == 303
    path = path_in([mail for mail in sent_mails(app, "confirm") if mail[1] == email][-1][2], "c")
    assert browser.post(path, data={"act": "confirm"}).status_code == 200
    clock.move(seconds=30)
    return who(app, email)


def who(app: App, email: str = "reader@example.org") -> Subscriber:
    """The subscriber with this address."""
    with app.store.reading() as db:
        person = find_subscriber(db, email)
    assert person is not None
    return person


def fresh(app: App, clock: Clock, email: str = "reader@example.org") -> str:
    """The path of a fresh link to somebody's settings."""
    return app.office.settings_link(who(app, email), now=clock()).removeprefix(URL)


def lasting(app: App, name: str, email: str = "reader@example.org") -> str:
    """The path of a link in somebody's digests: unsubscribe_url, preferences_url or feedback_url."""
    return str(getattr(app.letters.links(who(app, email)), name)).removeprefix(URL)
