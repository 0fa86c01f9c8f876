"""A house with something to lose, and ways to tell whether anything in it changed."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path

from sqlalchemy import select
from starlette.testclient import TestClient

from digest.app import App
from digest.model import Digest, Pick, Reason, ReasonKind, Score, Section
from digest.store.feeds import renew_feed
from digest.store.owing import Owed, owe_digests
from digest.store.papers import find_paper
from digest.store.schema import metadata
from digest.web.operator.password import make_hash
from digest.web.reading import feed_urls
from digest.web.site import make_site
from tests.builders import a_paper, an_issue
from tests.web import URL, Clock, a_site, fresh, join, joined, path_in, sent_mails, who

PASSWORD = "four quite unrelated words"
HASH = make_hash(PASSWORD)
METRICS = "a token for the figures"
DAY = date(2026, 3, 2)
READER = "reader@example.org"
# A token opens more than one page; `{}` stands for it.
PAGES = {
    "unsubscribe": ("/u/{}",),
    "preferences": ("/p/{}",),
    "web": (f"/w/{{}}/{DAY}",),
    "feedback": tuple(f"/f/{{}}/{what}" for what in (f"more/{a_paper(1).id}", f"less/{a_paper(1).id}", "mute/survey")),
    "feed": ("/feed/{}.atom", "/feed/{}.json"),
    "settings": tuple(
        f"/s/{{}}{page}" for page in ("", "/preview", "/export.json", "/profile.toml", "/address", "/erase", "/archive")
    ),
    "confirm": ("/c/{}",),
    "address": ("/a/{}",),
    "stop": ("/x/{}",),
}  # fmt: skip
# What the open forms may write without a token: somebody asks for a mail, somebody tries a password.
OPEN_TABLES = frozenset({"requests", "asks", "subscribers", "deliveries", "messages", "audit"})


class Fortress:
    """The house, a browser, and one good path for each kind of link."""

    def __init__(self, app: App, clock: Clock, browser: TestClient, database: Path) -> None:
        self.app = app
        self.clock = clock
        self.browser = browser
        self.links = _links(app, clock, browser)  # kind -> path
        self._watch = sqlite3.connect(database, isolation_level=None, check_same_thread=False)
        self._requests = 0

    def version(self) -> int:
        """Changes whenever anybody commits anything."""
        return int(self._watch.execute("PRAGMA data_version").fetchone()[0])

    def elsewhere(self) -> None:
        """Come from another network after some requests, so that limits are met now and then, and not always."""
        self._requests += 1
        network = self._requests // 40
        self.browser._transport.client = (f"198.51.{network % 250}.{network // 250 % 250}", 1)  # type: ignore[attr-defined]

    def close(self) -> None:
        """Stop watching."""
        self._watch.close()

    def dump(self) -> dict[str, list[tuple[object, ...]]]:
        """Everything in the database."""
        with self.app.store.reading() as db:
            return {
                table.name: [tuple(row) for row in db.execute(select(table)).all()]
                for table in metadata.sorted_tables
            }

    def token(self, kind: str) -> str:
        """The good token of this kind."""
        return self.links[kind].split("/")[2].removesuffix(".atom")

    def routes(self) -> list[tuple[str, frozenset[str]]]:
        """Every path with its methods, as the site knows them."""
        return [(route.path, frozenset(route.methods or ())) for route in self.browser.app.routes]  # type: ignore[attr-defined]


@contextmanager
def fortress(home: Path) -> Iterator[Fortress]:
    """One with a reader who was sent a digest, somebody who has yet to confirm, an operator, and figures."""
    (home / ".env").write_text(f"DIGEST_OPERATOR_HASH={HASH}\nDIGEST_METRICS_TOKEN={METRICS}\n")
    with a_site(home, Clock(), papers=20) as (app, clock, browser):
        joined(app, browser, clock, READER)
        join(browser, clock, "waiting@example.net")
        _send_digest(app, clock)
        built = Fortress(app, clock, browser, home / "data" / "digest.db")
        yield built
        built.close()


def other_browser(built: Fortress, network: str) -> TestClient:
    """Somebody else, elsewhere."""
    site = make_site(built.app, clock=built.clock)
    return TestClient(site, base_url=URL, client=(network, 1), follow_redirects=False)


def _send_digest(app: App, clock: Clock) -> None:
    person = who(app, READER)
    with app.store.writing() as tx:
        stored = find_paper(tx, a_paper(1).id)
        assert stored is not None
        score = Score(stored.paper.id, 1.0, (Reason(ReasonKind.KEYWORD, "speculative decoding", 1.0),))
        digest = Digest(
            an_issue(DAY), person.email, (Pick(stored.paper, score, Section.TOP),), 9, person.profile
        )
        message = app.letters.write(digest, person, now=clock())
        owe_digests(tx, [Owed(digest, message, person, (stored.pk,))], now=clock())


def _links(app: App, clock: Clock, browser: TestClient) -> dict[str, str]:
    browser.post(f"{fresh(app, clock, READER)}/address", data={"email": "elsewhere@example.com"})
    person, secrets = who(app, READER), app.office.secrets
    ways = app.letters.links(person, Digest(an_issue(DAY), person.email, (), 0, person.profile))
    with app.store.writing() as tx:
        feed = feed_urls(URL, secrets, person.id, renew_feed(tx, person.id, now=clock()))
    confirm = [mail for mail in sent_mails(app, "confirm") if mail[1] == "waiting@example.net"]
    urls = {
        "unsubscribe": ways.unsubscribe_url,
        "preferences": ways.preferences_url,
        "web": ways.web_url,
        "feedback": f"{ways.feedback_url}/more/{a_paper(1).id}",
        "feed": feed["atom"],
        "settings": URL + fresh(app, clock, READER),
        "confirm": URL + path_in(confirm[-1][2], "c"),
        "address": URL + path_in(sent_mails(app, "address")[-1][2], "a"),
        "stop": URL + path_in(sent_mails(app, "moving")[-1][2], "x"),
    }
    return {kind: str(url).removeprefix(URL) for kind, url in urls.items()}
