"""The operator's and the reading pages in a real browser: with and without scripts, by keyboard alone, and without barriers."""

import threading
import time
from datetime import timedelta

import pytest
import uvicorn
from sqlalchemy import select

from digest.app import App
from digest.store.feeds import renew_feed
from digest.store.outages import note_outage
from digest.store.people import find_subscriber
from digest.store.rounds import Run, note_round
from digest.store.schema import deliveries
from digest.store.sources import SourceState, put_source_state
from digest.web.operator.password import make_hash
from digest.web.reading import feed_urls
from digest.web.site import make_site
from tests.builders import NOW, owe, record
from tests.mail_tools import axe, chromium
from tests.web import some_papers

pytestmark = pytest.mark.browser
sync_api = pytest.importorskip(
    "playwright.sync_api", reason="needs Playwright: pip install paper-digest[browser]"
)

PASSWORD = "four quite unrelated words"
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
LATER = NOW + timedelta(minutes=20)
PAGES = (
    "/operator/login",
    "/operator",
    "/operator/mails",
    "/operator/mails/1",
    "/operator/readers",
    "/operator/readers/1?paper=2602.00001",
    "/trending",
)


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    """(address, app) of a served home in which something is wrong."""
    home = tmp_path_factory.mktemp("house")
    (home / ".env").write_text(f"DIGEST_OPERATOR_HASH={make_hash(PASSWORD)}\n")
    with App.open(home, web_url="http://127.0.0.1:1") as app:
        record(app.store, *some_papers(20), at=NOW)
        for number in range(9):
            owe(app.store, number, now=NOW - timedelta(days=number % 4))
        with app.store.writing() as tx:
            tx.execute(
                deliveries.update().where(deliveries.c.id > 4).values(state="sent", last_reply="250 ok")
            )
            tx.execute(
                deliveries.update().where(deliveries.c.id == 2).values(state="deferred", last_reply="451")
            )
            state = SourceState(
                "papers", "unreachable", NOW, LATER, reason="the site answered 503", failures=3
            )
            put_source_state(tx, state)
            note_round(tx, "deliver", NOW, NOW + timedelta(seconds=2), Run("the server is down"))
            note_outage(tx, "the server is down", now=NOW, pause=timedelta(hours=1))
        server = uvicorn.Server(
            uvicorn.Config(make_site(app, clock=lambda: LATER), port=0, log_level="error", lifespan="off")
        )
        thread = threading.Thread(target=server.run, daemon=True)
        thread.start()
        while not server.started:
            time.sleep(0.02)
        port = server.servers[0].sockets[0].getsockname()[1]
        yield f"http://127.0.0.1:{port}", app
        server.should_exit = True
        thread.join()


@pytest.fixture(scope="module")
def browser():
    with sync_api.sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=chromium(), args=["--no-sandbox"])
        yield opened
        opened.close()


@pytest.fixture
def visit(browser, house):
    """Opens a new browser of its own; log_in=True shows it the operator's pages."""
    contexts = []

    def visiting(*, log_in=False, **options):
        context = browser.new_context(base_url=house[0], **options)
        contexts.append(context)
        page = context.new_page()
        page.troubles = []
        page.on(
            "console", lambda message: page.troubles.append(message.text) if message.type == "error" else None
        )
        page.on("pageerror", lambda error: page.troubles.append(str(error)))
        if log_in:
            page.goto("/operator/login")
            page.fill("#password", PASSWORD)
            page.press("#password", "Enter")
            page.wait_for_url("**/operator")
        return page

    yield visiting
    for context in contexts:
        context.close()


def state_of(app, number):
    with app.store.reading() as db:
        return db.execute(select(deliveries.c.state).where(deliveries.c.id == number)).scalar()


def archive_of(app, email):
    """Where somebody's past digests are listed, behind a fresh link."""
    with app.store.reading() as db:
        person = find_subscriber(db, email)
    assert person is not None
    return "/s/" + app.office.settings_link(person, now=LATER).partition("/s/")[2] + "/archive"


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [320, 1280])
def test_no_page_has_a_barrier_that_axe_can_find_or_scrolls_sideways(visit, house, width, scheme):
    page = visit(log_in=True, viewport={"width": width, "height": 900}, color_scheme=scheme, bypass_csp=True)
    found = {}
    for path in (*PAGES, archive_of(house[1], "reader1@example.org")):
        page.goto(path)
        assert page.evaluate("document.documentElement.scrollWidth") == width, path
        page.evaluate(axe())
        seen = page.evaluate("(tags) => axe.run({runOnly: {type: 'tag', values: tags}})", RULES)
        assert seen["passes"]
        if seen["violations"]:
            found[path] = [(v["id"], [node["html"] for node in v["nodes"]][:3]) for v in seen["violations"]]
    assert found == {}


@pytest.mark.parametrize("scripts", [True, False])
def test_the_operator_logs_in_and_sends_a_mail_again(visit, house, scripts):
    number = 6 if scripts else 7
    page = visit(log_in=True, java_script_enabled=scripts)
    page.click("text=Mails")
    page.click(f"a[href='/operator/mails/{number}']")
    assert "sent" in page.inner_text("main")
    page.click("text=Send the same mail again")
    page.wait_for_url(f"**/mails/{number}")
    assert state_of(house[1], number) == "queued"
    page.goto("/operator")
    assert "again" in page.inner_text("main")
    assert page.troubles == []


def test_the_operator_works_by_keyboard_alone(visit, house):
    page = visit()
    page.goto("/operator/login")
    _tab_to(page, "password")
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url("**/operator")
    _tab_to(page, "reason")
    page.keyboard.type("a mistake")
    with page.expect_navigation():
        page.keyboard.press("Enter")
    assert "Sending is halted" in page.inner_text("main")
    for _ in range(60):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.textContent.trim()") == "Resume sending":
            break
    outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
    assert outline == "solid"
    with page.expect_navigation():
        page.keyboard.press("Enter")
    assert "Sending is halted" not in page.inner_text("main")


def _tab_to(page, wanted):
    for _ in range(80):
        if page.evaluate("document.activeElement.id") == wanted:
            return
        page.keyboard.press("Tab")
    pytest.fail(f"no way by keyboard to #{wanted}")


@pytest.mark.parametrize("scripts", [True, False])
def test_whoever_logs_out_is_out(visit, scripts):
    page = visit(log_in=True, java_script_enabled=scripts)
    page.click("text=Log out")
    page.wait_for_url("**/operator/login")
    page.goto("/operator/mails")
    assert "Password" in page.inner_text("main")


def test_charts_are_drawn_and_read_out(visit):
    page = visit(log_in=True)
    charts = page.locator("svg.chart")
    assert charts.count() == 2
    assert charts.first.get_by_role("img").count() or page.get_by_role("img").count() >= 2
    bar = page.locator(".chart .part-sent").first
    assert bar.bounding_box()["height"] > 5
    assert (
        page.evaluate("getComputedStyle(document.querySelector('.chart .part-sent')).fill") != "rgb(0, 0, 0)"
    )
    page.click("text=The same as a table >> nth=0")
    assert page.locator("figure table").first.is_visible()


@pytest.mark.parametrize("scripts", [True, False])
def test_everybody_reads_what_is_liked_and_finds_the_feeds(visit, scripts):
    page = visit(java_script_enabled=scripts)
    page.goto("/trending")
    assert page.locator(".papers > li").count() == 20
    feed = page.request.get("/trending.atom")
    assert feed.ok
    assert b"<feed" in feed.body()
    again = page.request.get(
        "/trending.json", headers={"If-None-Match": page.request.get("/trending.json").headers["etag"]}
    )
    assert again.status == 304
    assert page.troubles == []


def test_a_mail_on_the_web_is_shut_in_but_readable(visit, house):
    page = visit(log_in=True)
    _, app = house
    with app.store.writing() as tx:
        person = find_subscriber(tx, "reader1@example.org")
        assert person is not None
        feed = feed_urls("", app.office.secrets, person.id, renew_feed(tx, person.id, now=NOW))
    mail = app.letters.alert("me@example.org", [], now=NOW)
    with app.store.writing() as tx:
        app.office.send(tx, "test", mail, now=NOW)
        number = tx.execute(select(deliveries.c.id).order_by(deliveries.c.id.desc()).limit(1)).scalar()
    page.goto(f"/operator/mails/{number}")
    page.click("text=Read it")
    assert page.evaluate("document.body.innerText.length") > 50
    assert page.evaluate("self.origin") == "null"
    assert page.request.get(feed["json"]).ok
