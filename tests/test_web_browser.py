"""The front door in a real browser, with mails through a real server: with and without scripts, by keyboard, for everybody."""

import json
import re
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass

import pytest
import uvicorn
from sqlalchemy import text

from digest.app import App
from digest.web.site import make_site
from tests.builders import record
from tests.mail_tools import axe, chromium
from tests.servers import Mailbox, free_port, smtp_server
from tests.web import Clock, plain_of, some_papers, who

pytestmark = pytest.mark.browser
sync_api = pytest.importorskip(
    "playwright.sync_api", reason="needs Playwright: pip install paper-digest[browser]"
)

READER = "reader@example.org"
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
_CONFIG = """\
[sender]
address = "digest@papers.example.org"
[delivery]
transport = "smtp"
[smtp]
host = "127.0.0.1"
port = {port}
security = "none"
[web]
url = "{url}"
posts_per_minute = 10000
"""


@dataclass
class House:
    """A home that serves pages and sends mail, both for real."""

    app: App
    clock: Clock
    url: str
    mailbox: Mailbox

    def deliver(self) -> None:
        """Send what is queued."""
        self.clock.move(seconds=20)
        self.app.deliver(clock=self.clock)

    def last_link(self, path: str) -> str:
        """The newest link to a page below `path` that arrived anywhere."""
        for _, _, raw in reversed(self.mailbox.received):
            found = re.search(rf"{self.url}/{path}/[^\s<>\"]+", plain_of(raw))
            if found:
                return found[0]
        raise AssertionError(f"no mail has a link to /{path}/")

    def dump(self) -> dict[str, list[tuple[object, ...]]]:
        """Every row of every table."""
        with self.app.store.reading() as db:
            names = list(db.execute(text("SELECT name FROM sqlite_master WHERE type = 'table'")).scalars())
            return {name: [tuple(row) for row in db.execute(text(f"SELECT * FROM {name}"))] for name in names}


@contextmanager
def served(site, port):
    """The site behind a real server, in a thread."""
    server = uvicorn.Server(
        uvicorn.Config(site, host="127.0.0.1", port=port, log_config=None, access_log=False, lifespan="off")
    )
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        while not server.started:
            assert thread.is_alive()
            time.sleep(0.01)
        yield
    finally:
        server.should_exit = True
        thread.join()


@pytest.fixture
def house(tmp_path):
    clock, mailbox, port = Clock(), Mailbox(), free_port()
    url = f"http://127.0.0.1:{port}"
    with smtp_server(mailbox) as smtp_port:
        (tmp_path / "config").mkdir()
        (tmp_path / "config" / "digest.toml").write_text(_CONFIG.format(port=smtp_port, url=url))
        with App.open(tmp_path) as app:
            record(app.store, *some_papers(), at=clock.now)
            clock.move(hours=1)
            with served(make_site(app, clock=clock), port):
                yield House(app, clock, url, mailbox)


@pytest.fixture(scope="module")
def chrome():
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture(params=[True, False], ids=["with scripts", "without scripts"])
def scripts(request):
    return request.param


@pytest.fixture
def page(chrome, scripts):
    """A page that must not complain of anything."""
    context = chrome.new_context(
        java_script_enabled=scripts, timezone_id="Europe/Berlin", accept_downloads=True
    )
    context.set_default_timeout(30_000)
    opened = context.new_page()
    complaints: list[str] = []
    opened.on(
        "console", lambda said: complaints.append(said.text) if said.type in ("error", "warning") else None
    )
    opened.on("pageerror", lambda error: complaints.append(str(error)))
    yield opened
    context.close()
    assert complaints == []


def subscribe(house, page, *, topics="speculative decoding"):
    """From the first page to the confirmed subscription, as a person does it."""
    page.goto(house.url)
    page.get_by_label("Your topics").fill(topics)
    page.get_by_label("Your address").fill(READER)
    house.clock.move(seconds=8)
    page.get_by_role("button", name="Email me a confirmation link").click()
    page.get_by_role("heading", name="Check your inbox").wait_for()
    house.deliver()
    page.goto(house.last_link("c"))
    page.get_by_role("button", name="Confirm").click()
    page.get_by_role("heading", name="You are in").wait_for()
    house.deliver()


def open_settings(house, page):
    """By a fresh link, asked for and mailed."""
    page.goto(f"{house.url}/link")
    page.get_by_label("Your address").fill(READER)
    page.get_by_role("button", name="Mail me a link").click()
    page.get_by_role("heading", name="Check your inbox").wait_for()
    house.deliver()
    page.goto(house.last_link("s"))


def first_digest(house):
    """Let the next morning come."""
    house.clock.now = who(house.app).next_due_at
    house.clock.move(minutes=1)
    assert house.app.publish(now=house.clock()).queued == 1
    house.deliver()


def test_a_newcomer_gets_from_the_first_page_to_the_first_digest(house, page, scripts):
    began = time.monotonic()
    page.goto(house.url)
    page.get_by_label("Your topics").fill("audio codec")
    if not scripts:
        page.get_by_role("button", name="Show my digest").click()
    page.get_by_role("heading", name="Your digest today").wait_for()
    page.get_by_role("link", name="Audio Codec for Everybody").first.wait_for()
    subscribe(house, page, topics="audio codec")
    first_digest(house)
    [digest] = [plain_of(raw) for _, to, raw in house.mailbox.received if to == READER][-1:]
    assert "Audio Codec for Everybody" in " ".join(digest.split())
    assert time.monotonic() - began < 60
    if scripts:
        assert who(house.app).profile.timezone == "Europe/Berlin"


def test_what_is_offered_joins_the_topics(house, page):
    page.goto(house.url)
    page.get_by_label("Your topics").fill("speculative decodng")
    if page.get_by_role("button", name="Show my digest").is_visible():
        page.get_by_role("button", name="Show my digest").click()
    page.get_by_role("button", name="speculative decoding").first.click()
    page.get_by_text("papers in 30 days").first.wait_for()
    assert "speculative decoding" in page.get_by_label("Your topics").input_value()


def test_papers_one_likes_become_topics(house, page, scripts):
    page.goto(house.url)
    page.get_by_text("Start from papers you like").click()
    page.get_by_label("Titles, arXiv links").fill(
        "https://arxiv.org/abs/2602.00001\nhttps://arxiv.org/abs/2602.00011"
    )
    page.get_by_role("button", name="Propose topics").click()
    page.get_by_role("checkbox", name="speculative", exact=False).first.click()
    if not scripts:
        page.get_by_role("button", name="Add them to my topics").click()
    assert "speculative" in page.get_by_label("Your topics").input_value().lower()


def test_settings_are_changed_and_undone(house, page):
    subscribe(house, page)
    open_settings(house, page)
    page.get_by_label("Words of topic 1", exact=True).fill("protein folding")
    page.get_by_label("At most").select_option("5")
    if page.get_by_role("button", name="Show it").is_visible():
        page.get_by_role("button", name="Show it").click()
    page.get_by_role("link", name="Protein Folding for Everybody").first.wait_for()
    page.get_by_role("button", name="Save", exact=True).click()
    page.get_by_text("Saved.").wait_for()
    assert who(house.app).profile.interests[0].keywords == ("protein folding",)
    assert who(house.app).profile.max_papers == 5
    page.get_by_role("button", name="Undo").click()
    page.get_by_text("as they were before").wait_for()
    assert who(house.app).profile.interests[0].keywords == ("speculative decoding",)


def test_a_word_from_the_mail_changes_the_next_digest(house, page):
    subscribe(house, page)
    first_digest(house)
    page.goto(house.last_link("f"))
    page.get_by_role("button", name=re.compile("More like this|Less like this|Never show")).click()
    page.get_by_text("Your next digest:").wait_for()
    page.get_by_role("button", name="Undo").click()
    page.get_by_text("Taken back. Your next digest").wait_for()


def test_leaving_is_one_press_and_can_be_undone(house, page):
    subscribe(house, page)
    first_digest(house)
    page.goto(house.last_link("u"))
    page.get_by_role("button", name="Unsubscribe").click()
    page.get_by_text("You will get nothing more").wait_for()
    assert who(house.app).status == "unsubscribed"
    page.get_by_role("button", name="Undo").click()
    page.get_by_text("You are back").wait_for()
    assert who(house.app).status == "active"


def test_a_pause_ends_with_what_was_missed(house, page):
    subscribe(house, page)
    first_digest(house)
    page.goto(house.last_link("p"))
    page.get_by_label("for a week").check()
    page.get_by_role("button", name="Pause").click()
    page.get_by_text("It is paused until").wait_for()
    record(house.app.store, *some_papers(50), name="later.json", at=house.clock.now)
    house.clock.move(days=8)
    house.app.publish(now=house.clock())
    house.deliver()
    assert who(house.app).status == "active"
    assert "Welcome back" in plain_of(house.mailbox.received[-1][2])


def test_everything_is_taken_along_and_then_erased(house, page):
    subscribe(house, page)
    open_settings(house, page)
    with page.expect_download() as download:
        page.get_by_role("link", name="Everything kept about me").click()
    kept = json.loads(download.value.path().read_text())
    assert kept["subscriber"]["email"] == READER
    page.get_by_role("link", name="Erase me").click()
    page.get_by_label("Type your address").fill(READER)
    page.get_by_role("button", name="Erase me").click()
    page.get_by_role("heading", name="You are forgotten").wait_for()
    assert not any(READER in str(rows) for rows in house.dump().values())


@pytest.mark.parametrize("scripts", [True], indirect=True)
def test_a_keyboard_is_enough(house, page):
    page.goto(house.url)

    def to(role_or_id):
        for _ in range(60):
            page.keyboard.press("Tab")
            if page.evaluate(
                "(id) => document.activeElement.id === id || document.activeElement.value === id", role_or_id
            ):
                return
        raise AssertionError(f"Tab never reaches {role_or_id}")

    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    to("topics")
    page.keyboard.type("audio codec")
    to("email")
    page.keyboard.type(READER)
    house.clock.move(seconds=8)
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="Check your inbox").wait_for()
    house.deliver()
    page.goto(house.last_link("c"))
    to("confirm")
    outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
    assert outline != "none"
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="You are in").wait_for()


def every_page(house, page):
    """Something of each kind, filled with what a reader has."""
    subscribe(house, page)
    first_digest(house)
    page.goto(house.last_link("p"))
    page.get_by_role("button", name="Mail me a link").click()
    house.deliver()
    settings = house.last_link("s")
    page.goto(f"{settings}/address")
    page.get_by_label("New address").fill("new@example.com")
    page.get_by_role("button", name="Mail both addresses").click()
    house.deliver()
    for path in ("f", "u", "p", "a", "x", "c", "w"):
        yield house.last_link(path)
    yield from (settings, f"{settings}/address", f"{settings}/erase")
    for path in ("", "sent", "link", "privacy", "trending", "nowhere", "u/wrong"):
        yield f"{house.url}/{path}"


@pytest.mark.parametrize("scripts", [True], indirect=True)
def test_a_browser_that_looks_at_everything_and_presses_nothing_changes_nothing(house, page):
    pages = list(every_page(house, page))
    before = house.dump()
    looking = page.context.browser.new_context().new_page()
    for address in pages:
        looking.goto(address)
        looking.mouse.wheel(0, 2_000)
        looking.evaluate("document.querySelectorAll('a,button,input').forEach((one) => one.focus())")
    looking.wait_for_timeout(500)
    looking.context.close()
    assert house.dump() == before


@pytest.mark.parametrize("scripts", [True], indirect=True)
def test_every_page_is_for_everybody(house, page):
    source = axe()
    for address in every_page(house, page):
        if "/w/" in address:
            continue  # a mail: it has tests of its own
        for width in (320, 1280):
            for scheme in ("light", "dark"):
                looking = page.context.browser.new_context(
                    viewport={"width": width, "height": 800}, color_scheme=scheme
                ).new_page()
                looking.goto(address)
                assert not looking.evaluate("document.documentElement.scrollWidth > innerWidth"), (
                    address,
                    width,
                )
                looking.evaluate(source)
                found = looking.evaluate("(tags) => axe.run({runOnly: tags})", RULES)
                told = [f"{one['id']}: {one['nodes'][0]['html'][:200]}" for one in found["violations"]]
                assert told == [], (address, width, scheme)
                looking.context.close()
