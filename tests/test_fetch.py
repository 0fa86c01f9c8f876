"""Fetching over HTTP, against a server on the loopback that plays every part."""

import gzip
import socket
import ssl
import threading
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
import trustme

from digest.errors import SourceError
from digest.pages.addresses import is_public
from digest.pages.document import LARGEST_PAGE
from digest.pages.fetch import HttpFetcher, MemoryFetcher, Validators

NOTHING = Validators()
BOMB = gzip.compress(bytes(LARGEST_PAGE * 5))


class Site(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Playing)
        self.seen: list[tuple[str, dict[str, str]]] = []
        self.url = f"http://127.0.0.1:{self.server_port}"

    def handle_error(self, request, client_address):
        """Clients that leave early are what is tested; nothing to print."""


class Playing(BaseHTTPRequestHandler):
    """One path a part. What was asked is kept in `server.seen`."""

    server: Site
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.server.seen.append((self.path, dict(self.headers)))
        part = getattr(self, "play_" + self.path.strip("/").partition("/")[0].partition("?")[0])
        part()

    def answer(self, status=200, body=b"", **headers):
        self.send_response(status)
        for name, value in ({"Content-Length": str(len(body))} | headers).items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)

    def play_page(self):
        self.answer(
            body=b"the page", Content_Type="text/HTML; charset=utf-8", ETag='"v1"', Last_Modified="yesterday"
        )

    def play_conditional(self):
        fresh = (
            self.headers.get("If-None-Match") == '"v1"'
            or self.headers.get("If-Modified-Since") == "yesterday"
        )
        self.answer(304) if fresh else self.play_page()

    def play_status(self):
        status = int(self.path.split("/")[2])
        self.answer(
            status, b"no", **({"Retry-After": self.path.split("/")[3]} if self.path.count("/") > 2 else {})
        )

    def play_dated(self):
        self.answer(429, Retry_After="Mon, 02 Mar 2026 08:10:00 GMT")

    def play_challenge(self):
        self.answer(202, x_amzn_waf_action="challenge")

    def play_hop(self):
        left = int(self.path.split("/")[2])
        self.answer(302, Location=f"/hop/{left - 1}" if left else "/page")

    def play_loop(self):
        self.answer(301, Location="/loop")

    def play_nowhere(self):
        self.answer(301)

    def play_to(self):
        self.answer(302, Location=self.path.partition("?")[2])

    def play_drip(self):
        self.send_response(200)
        self.end_headers()
        self.drip()

    def play_head(self):
        self.wfile.write(b"HTTP/1.1 200 OK\r\nX-Long: ")
        self.drip()

    def drip(self):
        try:
            for _ in range(200):
                self.wfile.write(b".")
                time.sleep(0.05)
        except OSError:
            pass
        self.close_connection = True

    def play_gzip(self):
        self.answer(body=gzip.compress(b"squeezed"), Content_Encoding="gzip")

    def play_bomb(self):
        self.answer(body=BOMB, Content_Encoding="gzip")

    def play_cutgzip(self):
        self.answer(body=gzip.compress(b"squeezed" * 50)[:-6], Content_Encoding="gzip")

    def play_badgzip(self):
        self.answer(body=b"this is no gzip", Content_Encoding="gzip")

    def play_brotli(self):
        self.answer(body=b"?", Content_Encoding="br")

    def play_cut(self):
        self.send_response(200)
        self.send_header("Content-Length", "1000")
        self.end_headers()
        self.wfile.write(b"half a page")
        self.close_connection = True

    def play_endless(self):
        self.send_response(200)
        self.end_headers()
        try:
            for _ in range(LARGEST_PAGE // 2**16 + 50):
                self.wfile.write(bytes(2**16))
        except OSError:
            pass
        self.close_connection = True

    def play_headers(self):
        self.answer(X_Long="x" * 300_000)

    def log_message(self, *_):
        pass


@pytest.fixture(scope="module")
def site():
    server = Site()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def fetch(site, now):
    def fetch(path, *, validators=NOTHING, **options):
        fetcher = HttpFetcher(**({"allow_private": True} | options))
        return fetcher.fetch(site.url + path, source="site", validators=validators, now=now)

    return fetch


@contextmanager
def refused(state, *words):
    with pytest.raises(SourceError) as caught:
        yield caught
    assert caught.value.state == state
    for word in words:
        assert word in str(caught.value)


def test_a_page_comes_with_its_media_type_and_what_identifies_its_version(fetch, site, now):
    fetched = fetch("/page")

    assert fetched.page is not None
    assert (fetched.page.name, fetched.page.body, fetched.page.fetched_at) == (
        f"{site.url}/page",
        b"the page",
        now,
    )
    assert (fetched.page.media_type, fetched.page.source) == ("text/html", "site")
    assert fetched.validators == Validators('"v1"', "yesterday")


def test_an_unchanged_page_is_not_sent_twice(fetch):
    first = fetch("/conditional")
    second = fetch("/conditional", validators=first.validators)

    assert first.page is not None
    assert (second.page, second.validators) == (None, first.validators)


def test_not_modified_without_a_question_is_no_answer(fetch):
    with refused("broken", "304"):
        fetch("/status/304")


@pytest.mark.parametrize(
    ("status", "state", "word"),
    [
        (401, "refused", "browser"),
        (403, "refused", "browser"),
        (404, "broken", "check the address"),
        (410, "broken", "check the address"),
        (429, "refused", "less often"),
        (500, "unreachable", "trouble of its own"),
        (503, "unreachable", "tried again later"),
        (204, "broken", "no page"),
        (418, "broken", "no page"),
    ],
)
def test_every_refusal_says_what_happened_and_what_to_do(fetch, status, state, word):
    with refused(state, str(status), word):
        fetch(f"/status/{status}")


def test_a_firewall_s_challenge_is_a_refusal_and_no_empty_page(fetch):
    with refused("refused", "202"):
        fetch("/challenge")


@pytest.mark.parametrize(
    ("asked", "seconds"), [("120", 120), ("1", 60), ("9" * 30, 86_400), ("-5", 60), ("soon", 60), ("0", 60)]
)
def test_a_wish_to_wait_is_honoured_within_reason(fetch, asked, seconds):
    with refused("refused") as caught:
        fetch(f"/status/429/{asked}")

    assert caught.value.retry_after == seconds


def test_a_wish_to_wait_until_a_date_is_understood(fetch):
    with refused("refused") as caught:
        fetch("/dated")

    assert caught.value.retry_after == 600


def test_no_wish_to_wait_is_none(fetch):
    with refused("refused") as caught:
        fetch("/status/429")

    assert caught.value.retry_after is None


def test_five_redirects_are_followed_and_six_are_not(fetch, site):
    assert fetch("/hop/4").page.name == f"{site.url}/page"
    with refused("refused", "more than 5 times"):
        fetch("/hop/5")
    with refused("refused", "more than 5 times"):
        fetch("/loop")


def test_a_redirect_to_nowhere_is_broken(fetch):
    with refused("broken", "redirects to nowhere"):
        fetch("/nowhere")


@pytest.mark.parametrize(
    "target", ["ftp://127.0.0.1/x", "file:///etc/passwd", "http://user:secret@127.0.0.1/", "http://[::1"]
)
def test_a_redirect_to_what_may_not_be_asked_is_not_followed(fetch, target):
    with pytest.raises(SourceError):
        fetch(f"/to?{target}")


def test_a_redirect_into_a_private_network_is_not_followed(site, now, monkeypatch):
    monkeypatch.setattr("digest.pages.addresses.is_public", {"127.0.0.1"}.__contains__)
    fetcher = HttpFetcher(ports=[site.server_port])
    url = f"{site.url}/to?http://127.0.0.2:{site.server_port}/page"
    site.seen.clear()

    with refused("refused", "127.0.0.2", "private network"):
        fetcher.fetch(url, source="site", validators=NOTHING, now=now)

    assert len(site.seen) == 1


def test_a_redirect_to_another_port_is_not_followed(site, now, monkeypatch):
    monkeypatch.setattr("digest.pages.addresses.is_public", {"127.0.0.1"}.__contains__)
    fetcher = HttpFetcher(ports=[site.server_port])

    with refused("refused", "port 25"):
        fetcher.fetch(f"{site.url}/to?http://127.0.0.1:25/", source="site", validators=NOTHING, now=now)


def at(*addresses):
    """A resolver that gives these addresses for every name."""

    def look_up(host, port):
        return addresses

    return look_up


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1/",
        "http://[::1]/",
        "http://2130706433/",
        "http://0x7f.1/",
        "http://127.1/",
        "http://0/",
        "http://[::ffff:127.0.0.1]/",
    ],
)
def test_an_address_of_this_machine_is_refused_in_every_spelling(url, now):
    spelled = {"2130706433": "127.0.0.1", "0x7f.1": "127.0.0.1", "127.1": "127.0.0.1", "0": "0.0.0.0"}

    def as_the_system_reads_it(host, port):
        return [spelled.get(host, host)]

    with refused("refused", "private network"):
        HttpFetcher(lookup=as_the_system_reads_it).fetch(url, source="site", validators=NOTHING, now=now)


def test_one_private_address_among_public_ones_is_enough_to_refuse(now):
    fetcher = HttpFetcher(lookup=at("93.184.216.34", "10.0.0.1"))

    with refused("refused", "10.0.0.1"):
        fetcher.fetch("https://mixed.example/", source="site", validators=NOTHING, now=now)


def test_a_name_that_changes_its_address_between_check_and_connection_gains_nothing(site, now):
    asked = []

    def rebinding(host, port):
        asked.append(host)
        return ["127.0.0.1"] if len(asked) == 1 else ["10.0.0.1"]

    fetcher = HttpFetcher(allow_private=True, lookup=rebinding)
    fetched = fetcher.fetch(
        f"http://moving.example:{site.server_port}/page", source="s", validators=NOTHING, now=now
    )

    assert fetched.page is not None
    assert (fetched.page.body, asked) == (b"the page", ["moving.example"])


def test_a_second_address_is_tried_where_the_first_is_closed(site, now):
    fetcher = HttpFetcher(allow_private=True, lookup=at("127.0.0.9", "127.0.0.1"))

    fetched = fetcher.fetch(
        f"http://two.example:{site.server_port}/page", source="s", validators=NOTHING, now=now
    )

    assert fetched.page is not None
    assert fetched.page.body == b"the page"


@pytest.mark.parametrize(
    "address",
    [
        "10.1.2.3",
        "100.64.0.1",
        "127.0.0.1",
        "169.254.169.254",
        "172.31.0.1",
        "192.168.1.1",
        "192.0.2.1",
        "198.18.0.1",
        "224.0.0.1",
        "255.255.255.255",
        "0.0.0.0",
        "::1",
        "::",
        "fe80::1",
        "fe80::1%eth0",
        "fc00::1",
        "fec0::1",
        "ff02::1",
        "::ffff:8.8.8.8",
        "::8.8.8.8",
        "64:ff9b::808:808",
        "2002:808:808::1",
        "2001::1",
        "2001:db8::1",
        "3fff::1",
        "nonsense",
    ],
)
def test_every_special_address_counts_as_private(address):
    assert not is_public(address)


@pytest.mark.parametrize(
    "address", ["93.184.216.34", "8.8.8.8", "172.32.0.1", "2606:2800:220:1::1", "2a00:1450::1"]
)
def test_an_ordinary_address_is_public(address):
    assert is_public(address)


@pytest.mark.parametrize(
    "url",
    [
        "ftp://example.org/",
        "file:///etc/passwd",
        "/etc/passwd",
        "example.org",
        "https://",
        "http://user:pw@example.org/",
        "http://example.org:25/",
        "http://[::1/",
        "http://exa mple.org/",
        "",
        "http://\0/",
    ],
)
def test_what_is_no_web_address_is_refused_before_anything_is_looked_up(url, now):
    def no_lookup(host, port):
        pytest.fail("looked up")

    with refused("refused"):
        HttpFetcher(lookup=no_lookup).fetch(url, source="site", validators=NOTHING, now=now)


def test_a_name_without_an_address_says_so(now):
    def unknown(host, port):
        raise socket.gaierror(-2, "Name or service not known")

    with refused("unreachable", "no such host"):
        HttpFetcher(lookup=unknown).fetch("https://nowhere.example/", source="s", validators=NOTHING, now=now)


def test_a_closed_port_cannot_be_reached(now):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}/"
        with refused("unreachable", "cannot be reached"):
            HttpFetcher(allow_private=True).fetch(url, source="s", validators=NOTHING, now=now)


@pytest.mark.parametrize("part", ["/drip", "/head"])
def test_a_server_that_drips_is_left_at_the_deadline(fetch, part):
    started = time.monotonic()

    with refused("unreachable", "in time"):
        fetch(part, deadline_seconds=0.4)

    assert time.monotonic() - started < 6  # it would drip for ten


def test_a_compressed_page_is_unpacked(fetch):
    assert fetch("/gzip").page.body == b"squeezed"


@pytest.mark.parametrize("part", ["/bomb", "/endless"])
def test_a_page_over_the_limit_is_refused(fetch, part):
    with refused("refused", "more than 20 MB"):
        fetch(part)


@pytest.mark.parametrize("part", ["/cut", "/cutgzip", "/badgzip", "/brotli", "/headers"])
def test_a_damaged_answer_is_never_half_taken(fetch, part):
    with refused("broken"):
        fetch(part)


def test_the_request_names_us_and_asks_for_gzip_only(fetch, site):
    site.seen.clear()
    fetch("/page", validators=Validators('"v0"', "last week"))

    [(_, headers)] = site.seen
    assert headers["User-Agent"].startswith("paper-digest/")
    assert headers["Accept-Encoding"] == "gzip"
    assert (headers["If-None-Match"], headers["If-Modified-Since"]) == ('"v0"', "last week")


def test_the_environment_s_proxy_is_not_used(fetch, monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:9")

    assert fetch("/page").page.body == b"the page"


def test_the_fetcher_in_memory_keeps_the_same_promises(now):
    fetcher = MemoryFetcher({"https://a.example/": b"a page", "https://b.example/": SourceError("down")})

    first = fetcher.fetch("https://a.example/", source="a", validators=NOTHING, now=now)
    again = fetcher.fetch("https://a.example/", source="a", validators=first.validators, now=now)

    assert first.page is not None
    assert (first.page.body, first.page.source, again.page) == (b"a page", "a", None)
    for url in ("https://b.example/", "https://c.example/"):
        with pytest.raises(SourceError):
            fetcher.fetch(url, source="a", validators=NOTHING, now=now)
    assert len(fetcher.asked) == 4


@pytest.fixture(scope="module")
def authority():
    return trustme.CA()


@pytest.fixture(scope="module")
def secure_site(authority):
    server = Site()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("secure.example").configure_cert(context)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def fetch_securely(authority, secure_site, now):
    def fetch(path, *, host="secure.example", trusted=True):
        context = ssl.create_default_context()
        if trusted:
            authority.configure_trust(context)
        fetcher = HttpFetcher(allow_private=True, lookup=at("127.0.0.1"), tls=context)
        url = f"https://{host}:{secure_site.server_port}{path}"
        return fetcher.fetch(url, source="site", validators=NOTHING, now=now)

    return fetch


def test_a_certificate_is_checked_against_the_name_and_not_against_the_address_connected_to(fetch_securely):
    assert fetch_securely("/page").page.body == b"the page"


@pytest.mark.parametrize(
    "mistake", [{"host": "other.example"}, {"trusted": False}], ids=["wrong name", "unknown authority"]
)
def test_a_bad_certificate_is_an_error_and_nothing_is_asked(fetch_securely, secure_site, mistake):
    secure_site.seen.clear()

    with refused("unreachable", "certificate"):
        fetch_securely("/page", **mistake)

    assert secure_site.seen == []


def test_a_redirect_from_https_to_http_is_not_followed(fetch_securely, secure_site, site):
    site.seen.clear()

    with refused("refused", "without encryption"):
        fetch_securely(f"/to?http://secure.example:{site.server_port}/page")

    assert site.seen == []
