"""Requests that mean no good: every route, every method, and in every place something no honest person would write."""

import random
import re
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from lxml import html as lxml_html

from digest.web.operator.login import form_token
from tests.attacks.fortress import OPEN_TABLES, PASSWORD, Fortress

# Whatever of these comes back as markup has broken out of its place.
TAG, ATTRIBUTE, HEADER = "zq9tag", "zq9attr", "Zq9-Header"
MARKUP = [
    f"<{TAG} {ATTRIBUTE}=1>", f"\"><{TAG}>", f"'><{TAG}>", f"</title><{TAG}>", f"</textarea><{TAG}>", f"--><{TAG}>",
    f"\" {ATTRIBUTE}=\"1", f"' {ATTRIBUTE}='1", f"x {ATTRIBUTE}=1 ", f"<svg/onload=alert(1) {ATTRIBUTE}>",
    f"javascript:alert(1)//{TAG}", f"data:text/html,<{TAG}>", f"\u2028<{TAG}>", f"%3C{TAG}%3E", f"&lt;{TAG}&gt;",
    f"{{{{7*7}}}}<{TAG}>", f"{{% print(7*7) %}}<{TAG}>", f"${{7*7}}<{TAG}>", f"<!--<{TAG}>", f"]]><{TAG}>",
]  # fmt: skip
TEXT = [
    "", " ", "0", "-1", "1" * 400, "9" * 5000, "1e309", "NaN", "null", "true", "[]", "{}", "\x00", "a\x00b", "\r\n",
    f"x\r\n{HEADER}: 1", f"x%0d%0a{HEADER}:%201", "\ud7ff\ue000", "\u202e\u2066", "é" * 300, "漢字", "😀" * 60, "ﬃ",
    "../../../etc/passwd", "..%2f..%2fetc%2fpasswd", "%2e%2e/%2e%2e/", "....//", "C:\\windows\\win.ini", "file:///etc/passwd",
    "' OR 1=1 --", "1; DROP TABLE subscribers", "\" OR \"\"=\"", "%' ESCAPE 'x", "*", "a*", "%", "_", "\\", "(((((((", "[a-",
    "(a+)+$" * 20, "=cmd|' /C calc'!A0", "http://127.0.0.1:22/", "//evil.example", "https://evil.example/@", "\\\\evil.example",
    "reader@example.org", "a@b", "=?utf-8?q?x=0d=0aBcc=3A_v?=@example.org", "a" * 65 + "@example.org", "x@" + "y" * 300 + ".example",
    "Europe/Berlin", "../Europe/Berlin", "Europe", "mon", "2026-03-02", "0000-00-00", "9999-12-31", "24:00", "07:30", "on", "1",
]  # fmt: skip
FIELDS = (
    "topics", "topic", "add", "email", "every", "at", "day", "days", "zone", "stamp", "act", "agree", "name", "website",
    "library", "paste", "form", "password", "reason", "address", "version", "keywords_0", "weight_0", "mute", "authors",
    "organizations", "max_papers", "quiet_day", "trending", "wildcard", "until", "catch_up", "paper", "q", "state", "before",
    "after", "done", "List-Unsubscribe", "undo", "sure", "reader", "number", "zq9",
)  # fmt: skip
METHODS = ("GET", "GET", "POST", "POST", "POST", "HEAD", "OPTIONS", "PUT", "DELETE", "PATCH", "TRACE", "BREW")
TYPES = (
    "application/x-www-form-urlencoded", "application/x-www-form-urlencoded; charset=utf-16", "application/json", "text/plain",
    "multipart/form-data; boundary=x", "multipart/form-data", "", "application/xml", "application/x-www-form-urlencoded;;;",
)  # fmt: skip
_OPEN = ("/", "/link", "/operator/login")


@dataclass(slots=True)
class Request:
    """One request, as it can be sent again."""

    method: str
    route: str
    url: str
    body: bytes = b""
    headers: dict[str, bytes] = field(default_factory=dict)


@dataclass(slots=True)
class Found:
    """What went wrong, with the request that did it."""

    what: str
    request: Request


def assault(built: Fortress, count: int, *, seed: int) -> list[Found]:
    """Send `count` hostile requests, the same ones for the same seed, and say what they broke."""
    dice, found = random.Random(seed), list[Found]()
    routes = [(path, methods) for path, methods in built.routes()]
    keys = _log_in(built)
    for _ in range(count):
        built.clock.move(seconds=20)
        built.elsewhere()
        request = _request(dice, routes, built, keys)
        before, kept = built.version(), None
        if request.route not in _OPEN:
            kept = before
        try:
            answer = built.browser.request(
                request.method,
                request.url,
                content=request.body,
                headers=request.headers,  # type: ignore[arg-type]
            )
        except Exception as error:
            found.append(Found(f"raised {type(error).__name__}: {error}", request))
            continue
        found += [Found(what, request) for what in wrong_with(answer)]
        if kept is not None and built.version() != kept:
            found.append(Found(f"changed the database (status {answer.status_code})", request))
    return found


def _log_in(built: Fortress) -> dict[str, str]:
    """A session of the operator's: what it is asked to do without its form token must not happen either."""
    answer = built.browser.post("/operator/login", data={"password": PASSWORD})
    assert answer.status_code == 303
    key = answer.cookies["__Host-operator"]
    built.browser.cookies.clear()
    return {"key": key, "form": form_token(key)}


def _request(
    dice: random.Random, routes: list[tuple[str, frozenset[str]]], built: Fortress, keys: dict[str, str]
) -> Request:
    path, _ = dice.choice(routes)
    method = dice.choice(METHODS)
    url = re.sub(r"\{[^}]*\}", lambda _: quote(_word(dice), safe=dice.choice(("", "/:@"))), path)
    if dice.random() < 0.25:
        url = dice.choice([url, *built.links.values()])
        path = next((route for route, _ in routes if _fits(route, url)), path)
        # With a good token only what must change nothing: looking, and acting from another site.
        method = dice.choice(("GET", "HEAD", "OPTIONS", "PUT", "DELETE"))
    if dice.random() < 0.5:
        pairs = (f"{dice.choice(FIELDS)}={quote(_word(dice))}" for _ in range(dice.randint(1, 4)))
        url += "?" + "&".join(pairs)
    headers = _headers(dice, keys)
    body = _body(dice) if method not in ("GET", "HEAD") else b""
    return Request(method, path, url[:8000], body, headers)


def _fits(route: str, url: str) -> bool:
    pattern = re.sub(r"\\\{[^}]*\\\}", "[^?]+", re.escape(route))
    return re.fullmatch(pattern, url.partition("?")[0]) is not None


def _headers(dice: random.Random, keys: dict[str, str]) -> dict[str, bytes]:
    headers = {"content-type": dice.choice(TYPES).encode()}
    if dice.random() < 0.3:
        headers["cookie"] = f"__Host-operator={keys['key']}".encode()
    for name, values in (
        ("sec-fetch-site", (b"cross-site", b"same-origin", b"none", b"zq9")),
        ("origin", (b"null", b"https://evil.example", b"https://papers.example.org", b"\xff")),
        ("host", (b"evil.example", b"papers.example.org:99999", b"")),
        ("if-none-match", (b"*", b'"x', b"W/,,", b"\xff")),
        ("authorization", (b"Bearer ", b"Basic Og==", b"\xff\xfe")),
        ("content-length", (b"-1", b"1e9", b"abc", b"99999999999999999999")),
        ("accept-language", (b"x" * 3000,)),
        ("x-forwarded-for", (b"127.0.0.1", b"<script>", b"\xff")),
    ):
        if dice.random() < 0.15:
            headers[name] = dice.choice(values)
    return headers


def _body(dice: random.Random) -> bytes:
    kind = dice.random()
    if kind < 0.75:
        pairs = (f"{dice.choice(FIELDS)}={quote(_word(dice))}" for _ in range(dice.randint(0, 9)))
        return "&".join(pairs).encode()
    if kind < 0.85:
        return _word(dice).encode("utf-8", "surrogatepass")
    if kind < 0.9:
        return b"topics=" + b"a%2Cb%0A" * 30_000
    return bytes(dice.randrange(256) for _ in range(dice.choice((1, 30, 3000))))


def _word(dice: random.Random) -> str:
    kind = dice.random()
    if kind < 0.45:
        return dice.choice(MARKUP)
    if kind < 0.85:
        return dice.choice(TEXT)
    if kind < 0.9:
        return dice.choice(MARKUP) + dice.choice(TEXT)
    return "".join(
        chr(dice.choice((dice.randrange(1, 0xD800), dice.randrange(1, 128))))
        for _ in range(dice.randint(1, 40))
    )


def wrong_with(answer: Any) -> list[str]:
    """Everything that may not be, whatever was asked."""
    wrong = []
    if answer.status_code >= 500:
        wrong.append(f"status {answer.status_code}")
    if "content-security-policy" not in answer.headers:
        wrong.append("no policy")
    if HEADER in answer.headers:
        wrong.append("a header of theirs")
    if not re.match(r"/(?![/\\])|$", answer.headers.get("location", "")):
        wrong.append(f"leads away: {answer.headers['location']}")
    if answer.headers.get("content-type", "").startswith("text/html") and answer.content:
        tree = lxml_html.document_fromstring(answer.content)
        if any(
            node.tag == TAG or ATTRIBUTE in node.attrib for node in tree.iter() if isinstance(node.tag, str)
        ):
            wrong.append("markup of theirs")
    elif f"<{TAG}".encode() in answer.content:
        wrong.append(f"their words in {answer.headers.get('content-type')}")
    return wrong


def changed_tables(before: dict[str, Any], after: dict[str, Any]) -> set[str]:
    """Which tables differ, beyond those the open forms may write to."""
    return {name for name in before if before[name] != after[name]} - OPEN_TABLES
