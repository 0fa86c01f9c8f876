"""From `make demo` to the first digest of one's own: the demo's home, a served process, a browser and the mails it wrote."""

import re
import subprocess
import sys
import time
from contextlib import contextmanager
from email import message_from_bytes
from email.policy import default

import pytest

from tests.mail_tools import chromium

pytestmark = [pytest.mark.browser, pytest.mark.slow]
sync_api = pytest.importorskip(
    "playwright.sync_api", reason="needs Playwright: pip install paper-digest[browser]"
)

READER = "newcomer@example.org"
DAY_OF_DEMO = "2026-03-03T09:00:00Z"
# Ten minutes before the slot that the form offers, on the day after the demo's; and a moment after it.
BEFORE, AFTER = "2026-03-04T07:20:00Z", "2026-03-04T07:30:05Z"
PATIENCE = 180  # seconds


def digest(home, *words):
    return [sys.executable, "-m", "digest", "--home", str(home), *words]


@pytest.fixture
def home(tmp_path):
    """The home that `make demo` leaves."""
    for words in (("init", "--demo"), ("--now", DAY_OF_DEMO, "run", "--once")):
        done = subprocess.run(digest(tmp_path, *words), capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
    return tmp_path


@contextmanager
def served(home, moment):
    """Serve it from that moment on; gives the address of its pages."""
    serving = subprocess.Popen(
        digest(home, "--now", moment, "serve", "--port", "0"), stderr=subprocess.PIPE, text=True
    )
    try:
        assert serving.stderr is not None
        found = re.search(r"http://127\.0\.0\.1:\d+", serving.stderr.readline())
        assert found is not None
        yield found[0]
    finally:
        serving.kill()
        serving.communicate()


def mail_to_reader(home, sign):
    """The text of the reader's mail whose subject has this sign, when it is there."""
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        for file in (home / "data" / "outbox").glob("*.eml"):
            message = message_from_bytes(file.read_bytes(), policy=default)
            if message["To"] and READER in message["To"] and re.search(sign, message["Subject"]):
                part = message.get_body(("plain",))
                assert part is not None
                return str(part.get_content())
        time.sleep(0.2)
    raise AssertionError(f"no mail like {sign!r} came within {PATIENCE} seconds")


def test_nothing_but_the_browser_and_the_mail_is_needed(home):
    with served(home, BEFORE) as address, sync_api.sync_playwright() as playwright:
        began = time.monotonic()
        browser = playwright.chromium.launch(executable_path=chromium(), args=["--no-sandbox"])
        page = browser.new_context(timezone_id="UTC").new_page()
        page.goto(address)
        page.get_by_label("Your topics").fill("KV cache, quantization")
        page.get_by_text("KV Cache Compression").first.wait_for()
        page.get_by_label("Your address").fill(READER)
        page.wait_for_timeout(3500)  # a form that is sent faster was not filled in by a person
        page.get_by_role("button", name="Email me a confirmation link").click()
        page.get_by_role("heading", name="Check your inbox").wait_for()
        confirm = re.search(rf"{address}/c/\S+", mail_to_reader(home, "^Confirm"))
        assert confirm is not None
        page.goto(confirm[0])
        page.get_by_role("button", name="Confirm", exact=True).click()
        page.get_by_role("heading", name="You are in").wait_for()
        assert time.monotonic() - began < 60
        browser.close()
    with served(home, AFTER):
        assert "KV" in mail_to_reader(home, "^(?!Confirm|Welcome)")
