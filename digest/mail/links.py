"""What a mail may link to: which places, and which addresses."""

import re
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import quote, urlsplit

_LONGEST_URL = 2000
# A host as it stands in a link: letters, digits, dots and hyphens after IDNA, or an address in brackets; then a port.
_HOST = re.compile(r"(?:[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?|\[[0-9a-f:.]+\])(?::[0-9]{1,5})?", re.IGNORECASE)
# What links mostly look like; there is nothing about them to check.
_PLAIN = re.compile(
    r"https?://[a-z0-9][a-z0-9.-]{0,200}[a-z0-9](?::[0-9]{1,5})?(?:/[A-Za-z0-9/._~-]{0,500})?"
)
_NEVER_IN_A_URL = re.compile(
    r"[\x00-\x20\x7f-\xa0\\\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ud800-\udfff]"
)
# Everything that may stand in a URL as it is (RFC 3986), without the quotes and brackets that end one in a mail.
_KEPT = "%:/?#[]@!$&*+,;=~-._"
_MAILBOX = re.compile(r"[A-Za-z0-9.!#$&*+/=^_{}~-]+@[A-Za-z0-9.-]+")


class Links(NamedTuple):
    """The ways out of a mail. Each is optional, and the footer speaks only of those there are."""

    unsubscribe_url: str | None = None  # takes the one-click POST of RFC 8058
    unsubscribe_mailto: str | None = None  # an address, or a whole mailto: URL
    preferences_url: str | None = None
    web_url: str | None = None  # this digest on the web
    profile_file: str | None = None  # the file that owns the profile, as a person would type its path
    feedback_url: str | None = None  # what `vote_urls` and `mute_url` stand below

    @property
    def mailto(self) -> str | None:
        """`unsubscribe_mailto` as a URL with a subject; None when it names no plain address."""
        return _mailto(self.unsubscribe_mailto) if self.unsubscribe_mailto else None


@lru_cache(maxsize=1024)
def _mailto(wanted: str) -> str | None:
    address, _, rest = wanted.removeprefix("mailto:").partition("?")
    if not _MAILBOX.fullmatch(address) or not re.fullmatch(r"[A-Za-z0-9=&%._+-]*", rest):
        return None
    return f"mailto:{address}?{rest or 'subject=unsubscribe'}"


def vote_urls(base: str, paper_id: str) -> tuple[str, str]:
    """The pages below `base` where a reader asks for more like a paper, or less. Opening one changes nothing."""
    paper = quote(paper_id, safe=":")
    return f"{base}/more/{paper}", f"{base}/less/{paper}"


def mute_url(base: str, term: str) -> str:
    """The page below `base` where a reader mutes a keyword or phrase; "/" is percent-encoded too."""
    return f"{base}/mute/{quote(term, safe='')}"


def mailto(mailbox: str, subject: str) -> str | None:
    """A link that opens a mail to `mailbox` about one word; None when that is no plain address."""
    address = mailbox.removeprefix("mailto:").partition("?")[0]
    return _mailto(f"{address}?subject={quote(subject)}")


@lru_cache(maxsize=1024)
def safe_url(url: str | None) -> str | None:
    """`url` as it may stand in a mail: http or https, ASCII, nothing that ends an attribute; else None.

    A name before the host (`https://arxiv.org@evil.example`) is refused, since a reader takes it for the host. Hosts
    beyond ASCII are written as their A-labels (RFC 5890), other letters as percent-encoded UTF-8 (RFC 3987, 3.1).
    """
    if url is not None and _PLAIN.fullmatch(url):
        return url
    if url is None or len(url) > _LONGEST_URL or _NEVER_IN_A_URL.search(url):
        return None
    try:
        parts = urlsplit(url)
        host = parts.netloc if parts.netloc.isascii() else parts.netloc.encode("idna").decode("ascii")
    except (UnicodeError, ValueError):
        return None
    if parts.scheme not in ("http", "https") or not _HOST.fullmatch(host):
        return None
    return quote(parts._replace(netloc=host).geturl(), safe=_KEPT)
