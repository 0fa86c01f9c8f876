"""Papers, mail servers and visitors that write markup: no page of ours lets any of it run, in a real browser."""

import threading
import time
from contextlib import contextmanager

import pytest
import uvicorn
from sqlalchemy import update

from digest.model import Digest
from digest.store.feeds import renew_feed
from digest.store.outages import note_outage
from digest.store.rounds import Run, note_round
from digest.store.schema import deliveries, sources
from digest.web.reading import feed_urls
from digest.web.site import make_site
from tests.attacks.fortress import DAY, PASSWORD, READER, fortress
from tests.attacks.mailbag import mailbag, paths_in
from tests.builders import NOW, a_paper, an_issue, record
from tests.mail_tools import chromium
from tests.test_mail_hostile import PAYLOADS
from tests.web import URL, fresh, who

pytestmark = pytest.mark.browser
sync_api = pytest.importorskip(
    "playwright.sync_api", reason="needs Playwright: pip install paper-digest[browser]"
)

HIT = "window.top.hit=1"
VECTORS = [
    f"<script>{HIT}</script>", f"<img src=x onerror={HIT}>", f"<svg onload={HIT}>", f"<svg><script>{HIT}</script></svg>",
    "<iframe srcdoc='<script>parent.hit=1</script>'>", f"<body onload={HIT}>", f"<details open ontoggle={HIT}>x</details>",
    f"<input autofocus onfocus={HIT}>", f"<video><source onerror={HIT}></video>", f"<a href=javascript:{HIT}>x</a>",
    f"<math><mi xlink:href=javascript:{HIT}>x</mi></math>", f"<object data=javascript:{HIT}>", f"<embed src=javascript:{HIT}>",
    f"<meta http-equiv=refresh content='0;url=javascript:{HIT}'>", "<base href=//evil.example/>", "<link rel=stylesheet href=//evil.example/x.css>",
    f"<form action=javascript:{HIT}><button>x", "<style>@import '//evil.example/x.css'</style>", "<plaintext>", "<noscript><p title='</noscript>",
    f"\"><script>{HIT}</script>", f"' onmouseover={HIT} x='", f"</textarea><script>{HIT}</script>", f"</title><script>{HIT}</script>",
    f"--><script>{HIT}</script>", f"]]><script>{HIT}</script>", f"<template><script>{HIT}</script></template>", f"<!--><script>{HIT}</script>",
    f"&lt;script&gt;{HIT}&lt;/script&gt;", f"\\u003cscript\\u003e{HIT}\\u003c/script\\u003e", f"<scr\x00ipt>{HIT}</scr\x00ipt>",
    f"<ScRiPt>{HIT}</sCrIpT>", f"<script/x>{HIT}</script>", f"<<script>{HIT}//<</script>", f"<img/src=\"x\"/onerror={HIT}>",
]  # fmt: skip


@pytest.fixture(scope="module")
def haunted(tmp_path_factory):
    """(address, house, paths) of a served house into which everybody wrote markup."""
    with fortress(tmp_path_factory.mktemp("haunted")) as house:
        hostile = [text for text in [*VECTORS, *PAYLOADS] if text.isprintable() and text.strip()]
        papers = (
            a_paper(
                500 + n, title=text[:300], abstract=text * 2, authors=(text,), organization=text, fields=(text,),
                url=f"https://arxiv.org/{n}", upvotes=900 + n,
            )
            for n, text in enumerate(hostile)
        )  # fmt: skip
        record(house.app.store, *papers, name="hostile.json", at=house.clock())
        evil = VECTORS[0]
        with house.app.store.writing() as tx:
            tx.execute(update(deliveries).values(last_reply=evil, subject=VECTORS[1]))
            tx.execute(update(sources).values(reason=evil))
            note_outage(tx, evil, now=house.clock(), pause=NOW - NOW)
            note_round(tx, "ingest", house.clock(), house.clock(), Run(evil))
            feed = feed_urls("", house.app.office.secrets, 1, renew_feed(tx, 1, now=house.clock()))
        person = who(house.app, READER)
        ways = house.app.letters.links(person, Digest(an_issue(DAY), READER, (), 0, person.profile))
        settings = fresh(house.app, house.clock, READER)
        paths = [
            "/", "/trending", "/trending.json", "/trending.atom", feed["json"], "/privacy", "/link", settings,
            f"{settings}/archive", f"{ways.feedback_url}/more/{a_paper(500).id}", f"{ways.feedback_url}/mute/{VECTORS[0]}",
            ways.web_url, ways.unsubscribe_url, ways.preferences_url, house.links["confirm"], f"/nowhere/{VECTORS[0]}",
            "/operator", "/operator/mails", "/operator/mails/1", f"/operator/readers?q={VECTORS[0]}",
            f"/operator/readers/1?paper={a_paper(500).id}", f"/operator/readers/1?paper={VECTORS[3]}",
        ]  # fmt: skip
        with served(house) as address:
            yield address, [str(path).removeprefix(URL) for path in paths]


@contextmanager
def served(house):
    """The address at which a house answers real browsers."""
    server = uvicorn.Server(
        uvicorn.Config(make_site(house.app, clock=house.clock), port=0, log_level="error", lifespan="off")
    )
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.02)
    yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    server.should_exit = True
    thread.join()


def test_a_browser_that_opens_every_link_of_every_mail_and_presses_nothing_changes_nothing(tmp_path):
    """As a mail scanner does that runs scripts: it waits, scrolls, and puts the focus on everything."""
    with fortress(tmp_path) as house, served(house) as base, sync_api.sync_playwright() as playwright:
        paths = sorted({path for mail in mailbag(house).values() for path in paths_in(mail)})
        before = house.dump()
        browser = playwright.chromium.launch(executable_path=chromium(), args=["--no-sandbox"])
        page = browser.new_context(base_url=base).new_page()
        for path in paths:
            page.goto(path)
            page.mouse.wheel(0, 2_000)
            page.evaluate("document.querySelectorAll('a,button,input').forEach((one) => one.focus())")
            page.wait_for_timeout(100)
        browser.close()
        assert house.dump() == before


def test_nothing_anybody_wrote_runs_loads_or_leads_away_on_any_page(haunted):
    base, paths = haunted
    seen: list[str] = []

    def asked(dialog):
        seen.append(dialog.message)
        dialog.dismiss()

    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=["--no-sandbox"])
        page = browser.new_context(base_url=base).new_page()
        page.on("dialog", asked)
        page.on("pageerror", lambda error: seen.append(str(error)))
        page.on(
            "console",
            lambda message: seen.append(message.text) if "Content Security" in message.text else None,
        )
        page.on("request", lambda request: None if request.url.startswith(base) else seen.append(request.url))
        page.goto("/operator/login")
        page.fill("#password", PASSWORD)
        page.click("button.main")
        page.wait_for_url("**/operator")
        for path in paths:
            page.goto(path)
            page.wait_for_timeout(30)
            assert page.evaluate("window.hit") is None, path
            assert page.url.startswith(base), path
            assert seen == [], path
        page.goto("/")
        for text in VECTORS[:12]:
            page.fill("[name=topics]", text)
            page.wait_for_timeout(350)
        assert page.evaluate("window.hit") is None
        assert seen == []
        browser.close()
