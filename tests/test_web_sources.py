"""A whole round over a web that plays every part: each source ends in its state with its words, and the good one goes on."""

import gzip
import threading
import time
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from digest.ingest import Source, ingest
from digest.pages.fetch import HttpFetcher
from digest.store.papers import every_paper
from digest.store.sources import source_state
from tests.builders import NOW
from tests.test_ingest import daily

CHALLENGE = b"<html><head><title>Just a moment...</title></head><body>Enable JavaScript and cookies to continue</body></html>"
BOMB = gzip.compress(bytes(150 << 20), 9)


class Web(BaseHTTPRequestHandler):
    """One path a part."""

    turned = False  # the feed that turns into a challenge page

    def do_GET(self):
        getattr(self, "play_" + self.path.strip("/").replace("-", "_"))()

    def answer(self, status=200, body=b"", **headers):
        self.send_response(status)
        for name, value in ({"Content-Length": str(len(body))} | headers).items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)

    def play_good(self):
        self.answer(304) if self.headers.get("If-None-Match") else self.answer(body=daily(1, 2), ETag='"1"')

    def play_forbidden(self):
        self.answer(403)

    def play_missing(self):
        self.answer(404)

    def play_busy(self):
        self.answer(429, Retry_After="1800")

    def play_failing(self):
        self.answer(500)

    def play_loop(self):
        self.answer(302, Location="/loop")

    def play_drip(self):
        self.send_response(200)
        self.end_headers()
        for _ in range(100):
            self.wfile.write(b"x")
            time.sleep(0.05)

    def play_bomb(self):
        self.answer(body=BOMB, Content_Encoding="gzip")

    def play_promise(self):
        self.send_response(200)
        self.send_header("Content-Length", str(10 << 30))
        self.end_headers()
        for _ in range(30):
            self.wfile.write(bytes(1 << 20))

    def play_charset(self):
        body = daily(7).decode().replace("About", "\u00dcber").encode("utf-16")
        self.answer(body=body, Content_Type="application/json; charset=iso-8859-1")

    def play_cut(self):
        self.answer(body=daily(3)[:-40], Content_Length=str(len(daily(3))))

    def play_empty(self):
        self.answer(body=b"[]")

    def play_turns(self):
        self.answer(body=CHALLENGE if Web.turned else daily(9), Content_Type="text/html")

    def log_message(self, *_):
        pass

    def handle_one_request(self):
        try:
            super().handle_one_request()
        except OSError:
            self.close_connection = True


@pytest.fixture
def web():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Web)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, args=(0.05,)).start()
    Web.turned = False
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


EXPECTED = {
    "forbidden": ("refused", "refuses us"),
    "missing": ("broken", "nothing is there"),
    "busy": ("refused", "less often"),
    "failing": ("unreachable", "trouble of its own"),
    "loop": ("refused", "redirects more than"),
    "drip": ("unreachable", "no complete answer in time"),
    "bomb": ("refused", "more than 20 MB"),
    "promise": ("refused", "more than 20 MB"),
    "cut": ("broken", "cut"),
    "good": ("ok", None),
    "charset": ("ok", None),
    "empty": ("empty", None),
    "turns": ("ok", None),
}


def test_every_part_ends_in_its_state_with_its_words_and_the_others_go_on(web, store):
    patient, hasty = (HttpFetcher(allow_private=True, deadline_seconds=seconds) for seconds in (30.0, 1.0))
    sources = [
        Source(name, url=f"{web}/{name}", fetcher=hasty if name == "drip" else patient) for name in EXPECTED
    ]

    def look(now):
        return ingest(store, sources, lambda _source, _now: [], every=timedelta(minutes=30), now=now)

    report = look(NOW)
    assert set(report.unreachable) == {name for name, (_, words) in EXPECTED.items() if words}
    with store.reading() as db:
        found = {name: known for name in EXPECTED if (known := source_state(db, name))}
        papers = {paper.id for paper, _ in every_paper(db)}
    for name, (state, words) in EXPECTED.items():
        assert found[name].state == state, name
        assert words is None or words in (found[name].reason or ""), name
    assert {"arxiv:2602.00001", "arxiv:2602.00002", "arxiv:2602.00007", "arxiv:2602.00009"} <= papers
    assert found["busy"].next_try_at == NOW + timedelta(minutes=30)

    Web.turned = True
    look(NOW + timedelta(minutes=31))
    with store.reading() as db:
        good, turned = source_state(db, "good"), source_state(db, "turns")
    assert good is not None
    assert turned is not None
    assert (good.state, good.failures) == ("ok", 0)
    assert turned.state in ("broken", "changed")
    assert turned.papers == 1  # the last good state is remembered
