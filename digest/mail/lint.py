"""What the large mail services and a reader's program will think of a message: one check a rule, in plain words.

The rules are those of RFC 5322, RFC 2369 and 8058 (unsubscribing), RFC 6376 (signing), and the bulk sender requirements
that Google, Yahoo and Microsoft publish.
"""

import re
from collections import Counter
from collections.abc import Iterator
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from urllib.parse import urlsplit

from bs4 import BeautifulSoup

from digest.finding import Finding
from digest.mail.wording import counted

_CLIPPED = 102_400  # bytes of HTML that Gmail shows before it cuts
_LONGEST_LINE = 998  # RFC 5322, 2.1.1
_LONG_SUBJECT = 70  # characters that a telephone shows
_ONCE = ("from", "to", "subject", "date", "message-id", "mime-version", "reply-to", "sender")
_URL = re.compile(r"https?://[^\s<>\"')\]]+")
_ACTIVE = ("script", "form", "iframe", "object", "embed", "link", "base", "video", "audio")


def lint(raw: bytes) -> list[Finding]:
    """Every rule for one message as it would leave, in the order of its parts. Never raises."""
    message = message_from_bytes(raw, policy=default)
    assert isinstance(message, EmailMessage)
    html, text = _part(message, "html"), _part(message, "plain")
    return [
        *_bytes(raw),
        *_headers(message, raw),
        *_leaving(message),
        _signature(message),
        *_parts(message, html, text),
        *_markup(html, len(html.encode())),
    ]


def _part(message: EmailMessage, kind: str) -> str:
    part = message.get_body(preferencelist=(kind,))
    try:
        return str(part.get_content()) if part is not None else ""
    except (LookupError, ValueError):
        return ""


def _bytes(raw: bytes) -> Iterator[Finding]:
    bare = len(re.findall(rb"(?<!\r)\n|\r(?!\n)", raw))
    longest = max(map(len, raw.split(b"\r\n")))
    if bare:
        yield Finding(
            "lines",
            "fail",
            f"{counted(bare, 'line end is', 'line ends are')} not CRLF",
            "write it with CRLF; some servers refuse it",
        )
    elif longest > _LONGEST_LINE:
        yield Finding(
            "lines", "fail", f"a line has {longest} bytes; 998 are allowed", "fold headers, encode the body"
        )
    else:
        yield Finding("lines", "ok", f"all end in CRLF, the longest has {longest} bytes")


def _headers(message: EmailMessage, raw: bytes) -> Iterator[Finding]:
    names = Counter(name.lower() for name in message)
    missing = [name for name in ("From", "To", "Subject", "Date", "Message-ID") if not names[name.lower()]]
    doubled = [name for name in _ONCE if names[name] > 1]
    if missing or doubled:
        said = ", ".join(
            [f"no {name}" for name in missing] + [f"{names[name]} times {name}" for name in doubled]
        )
        yield Finding("headers", "fail", said, "each of them exactly once (RFC 5322, 3.6)")
    else:
        yield Finding("headers", "ok", "each that must be there is there once")
    subject = str(message["Subject"] or "")
    if len(subject) > _LONG_SUBJECT:
        yield Finding(
            "subject", "warn", f"{len(subject)} characters; a telephone shows {_LONG_SUBJECT}", "shorten it"
        )
    head = raw.partition(b"\r\n\r\n")[0]
    if re.search(rb"(?im)^list-[a-z-]+:(?:.|\r\n[ \t])*=\?", head):
        yield Finding(
            "list headers", "fail", "one holds an encoded-word, which no program decodes there", "write ASCII"
        )


def _leaving(message: EmailMessage) -> Iterator[Finding]:
    """RFC 8058; asked for by Google and Yahoo of who sends more than 5,000 mails a day."""
    ways = [way.strip(" <>\r\n\t") for way in str(message["List-Unsubscribe"] or "").split(",")]
    https = [way for way in ways if way.startswith("https://")]
    one_click = str(message["List-Unsubscribe-Post"] or "").strip() == "List-Unsubscribe=One-Click"
    if https and one_click:
        yield Finding(
            "leaving", "ok", "one click, and " + ("by mail" if len(ways) > 1 else "by nothing else")
        )
    elif not any(ways):
        remedy = "set url in [web], or unsubscribe_mailto in [sender], of config/digest.toml"
        yield Finding(
            "leaving",
            "fail",
            "no List-Unsubscribe: mail programs show no way out but the spam button",
            remedy,
        )
    else:
        yield Finding(
            "leaving",
            "warn",
            "no one-click way (RFC 8058)",
            "set url in [web] of config/digest.toml to the https address of the pages",
        )


def _signature(message: EmailMessage) -> Finding:
    signed = [str(value) for value in message.get_all("DKIM-Signature", [])]
    if not signed:
        return Finding(
            "signature",
            "warn",
            "none in the message",
            "nothing where the mail server signs; else set domain and selector in [dkim] of config/digest.toml",
        )
    names = {
        name.strip().lower()
        for name in re.sub(r"\s", "", signed[0]).partition("h=")[2].partition(";")[0].split(":")
    }
    wanted = {"from", "subject", "to"} | {
        name for name in ("list-unsubscribe", "list-unsubscribe-post") if message[name] is not None
    }
    if wanted - names:
        said = f"leaves out {', '.join(sorted(wanted - names))}"
        return Finding("signature", "fail", said, "sign these headers too (RFC 8058, 4)")
    return Finding("signature", "ok", f"{len(signed)}, over everything that must be signed")


def _parts(message: EmailMessage, html: str, text: str) -> Iterator[Finding]:
    if not text.strip() or not html.strip():
        yield Finding(
            "parts",
            "fail",
            "a text part and an HTML part must both be there",
            "write the same content as text and as HTML",
        )
        return
    kinds = [part.get_content_type() for part in message.walk() if not part.is_multipart()]
    if kinds.index("text/plain") > kinds.index("text/html"):
        yield Finding(
            "parts", "fail", "the HTML part stands before the text part", "the richest part comes last"
        )
    in_text = {url.rstrip(".,;") for url in _URL.findall(text)}
    in_html = {str(link["href"]) for link in BeautifulSoup(html, "lxml").find_all("a", href=_URL)}
    apart = in_text ^ in_html
    if apart:
        example = min(apart)
        where = "text" if example in in_text else "HTML"
        yield Finding(
            "parts",
            "warn",
            f"{counted(len(apart), 'link is', 'links are')} in one part only, as {example[:60]} in {where}",
            "say each link in both parts",
        )
    else:
        yield Finding("parts", "ok", f"text and HTML, with the same {counted(len(in_html), 'link')}")


def _markup(html: str, size: int) -> Iterator[Finding]:
    if size > _CLIPPED:
        yield Finding(
            "size",
            "fail",
            f"{size:,} bytes of HTML; Gmail cuts at {_CLIPPED:,}",
            "lower max_papers in the profile",
        )
    else:
        yield Finding("size", "ok", f"{size:,} bytes of HTML; Gmail cuts at {_CLIPPED:,}")
    page = BeautifulSoup(html, "lxml")
    yield from _content(page)
    root = page.find("html")
    if root is not None and not root.get("lang"):
        yield Finding("language", "warn", "a screen reader is not told the language", "set lang on <html>")
    if "color-scheme" in html and "prefers-color-scheme" in html:
        yield Finding("dark", "ok", "has colours of its own for the night")
    else:
        yield Finding(
            "dark",
            "warn",
            "mail programs will turn the colours around as they please",
            "add a style for prefers-color-scheme: dark",
        )


def _content(page: BeautifulSoup) -> Iterator[Finding]:
    active = sorted({tag.name for tag in page.find_all(_ACTIVE)})
    pictures = page.find_all("img")
    remote = [one for one in pictures if urlsplit(str(one.get("src", ""))).scheme in ("http", "https")]
    nameless = [one for one in pictures if one.get("alt") is None]
    if active:
        said = f"<{'>, <'.join(active)}> are dropped or taken for an attack"
        yield Finding("markup", "fail", said, "leave them out")
    if remote:
        said = f"{counted(len(remote), 'is', 'are')} fetched when the mail is read"
        yield Finding("pictures", "warn", said, "attach them (cid:)")
    if nameless:
        said = f"{counted(len(nameless), 'says', 'say')} nothing to who cannot see them"
        yield Finding("pictures", "fail", said, "give each an alt text")
    if not (active or remote or nameless):
        yield Finding("markup", "ok", "nothing active, nothing fetched")
