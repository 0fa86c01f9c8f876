"""SMTP replies: what a server said, bounded, cleaned, and its enhanced status understood (RFC 5321, RFC 3463)."""

import re
from dataclasses import dataclass
from functools import lru_cache

from digest.mail.mistrust import remedy_for
from digest.text import clean_text

MAX_LINE = 2048  # RFC 5321 4.5.3.1.5 allows 512; anything much longer is not SMTP
MAX_LINES = 128  # nobody's EHLO is longer

_ENHANCED = re.compile(r"^\s*([245]\.\d{1,3}\.\d{1,3})(?=\s|$)")
_READERS_FAULT = re.compile(r"5\.1\.(1|2|3|6|10)$|5\.2\.1$")  # mailbox or domain unknown, moved, disabled
_OF_ALL = re.compile(r"4\.(3\.\d+|7\.0|7\.28)$")  # the system itself; how much or how fast we send
_GREYLISTED = re.compile(r"gr[ae]y[- ]?list", re.IGNORECASE)
_TOO_LARGE = re.compile(r"5\.(2\.3|3\.4)$")


class NotSmtp(Exception):  # noqa: N818  # caught beside its consumer and told in its words
    """What came is no SMTP reply."""


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer of a server: its code, and its lines without the code."""

    code: int
    lines: tuple[str, ...]

    @property
    def text(self) -> str:
        """The reply as one line a person may be shown: cleaned, at most 200 characters."""
        said = f"{self.code} {' '.join(self.lines)}"
        if len(said) <= 200 and said.isascii() and said.isprintable():
            return said.strip()
        return clean_text(said, limit=200)

    @property
    def status(self) -> str | None:
        """The enhanced status code (RFC 3463), when it agrees with the reply's own class."""
        found = _ENHANCED.match(self.lines[0]) if self.lines else None
        return found[1] if found and found[1][0] == str(self.code)[0] else None

    @property
    def is_good(self) -> bool:
        """2xx: done."""
        return 200 <= self.code < 300

    @property
    def is_permanent(self) -> bool:
        """5xx: the same again would get the same answer."""
        return 500 <= self.code < 600

    @property
    def blames_reader(self) -> bool:
        """A refused recipient whose address is at fault, and not something of ours; without a status the code must do."""
        if self.mistrust is not None:
            return False
        return _READERS_FAULT.match(self.status) is not None if self.status else self.code in (550, 553)

    @property
    def mistrust(self) -> str | None:
        """What to mend when we are refused for who we are (RFC 7372), None when that is not the reason."""
        return None if self.is_good or self._greylists else remedy_for(self.status, " ".join(self.lines))

    @property
    def _greylists(self) -> bool:
        return 400 <= self.code < 500 and _GREYLISTED.search(" ".join(self.lines)) is not None

    def is_one_recipients(self, *, at_rcpt: bool) -> bool:
        """Whether a "not now" is one recipient's business: greylisting at any stage, else what is said `at_rcpt`.

        Unless it says that it is about everybody: 421, the system (4.3.x), how much we send (4.7.0, 4.7.28), who we are.
        """
        if self.code == 421 or not 400 <= self.code < 500 or self.mistrust is not None:
            return False
        return self._greylists or (at_rcpt and not _OF_ALL.match(self.status or ""))

    @property
    def blames_size(self) -> bool:
        """The message is too large: its own fault, not the sender's."""
        return self.code == 552 or (self.status is not None and _TOO_LARGE.match(self.status) is not None)


def parse_line(line: bytes) -> tuple[int, bool, str]:
    """One line of a reply: its code, whether it is the last one, and its words. Raises `NotSmtp`."""
    code, mark = line[:3], line[3:4]
    if not (len(code) == 3 and code.isdigit() and b"2" <= code[:1] <= b"5" and mark in (b" ", b"-", b"")):
        raise NotSmtp(f"it said {clean_text(line.decode('utf-8', 'replace'), limit=60)!r}")
    return int(code), mark != b"-", line[4:].decode("utf-8", "replace")


@lru_cache(maxsize=64)  # a server says the same few words to every message
def one_line(line: bytes) -> Reply | None:
    """The reply that this one line is, None when more lines follow. Raises `NotSmtp`."""
    code, is_last, said = parse_line(line)
    return Reply(code, (said,)) if is_last else None
