"""From bytes to text: a Page as the parsers see it."""

import codecs
import re
from dataclasses import dataclass
from datetime import date
from typing import Any, Protocol

from digest.model import Page, ParsedPage
from digest.pages.dates import iso_day

LARGEST_PAGE = 20 * 1024 * 1024  # bytes; a month of Daily Papers is about 6 MB

_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),  # before UTF-16, whose mark it begins with
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_DECLARED = re.compile(
    rb"""(?:<\?xml[^>]{0,100}?encoding|<meta[^>]{0,200}?charset)\s*=\s*["']?([A-Za-z0-9_.:-]{2,40})"""
)
# What a browser takes these names for (https://encoding.spec.whatwg.org/#names-and-labels). A page that calls itself
# UTF-16 in ASCII letters is not.
_AS_BROWSERS_DO = {
    "ascii": "cp1252",
    "iso8859-1": "cp1252",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "utf-16": "utf-8",
}
_ENCODINGS = re.compile(
    r"utf-8|cp125\d|iso8859-\d+|koi8-[ru]|gb18030|big5|euc_jp|shift_jis|euc_kr|cp1252|mac-roman"
)


@dataclass(frozen=True, slots=True)
class Document:
    """A page's text: line ends are LF, no BOM, no NUL; and what it means where it is JSON or XML."""

    text: str
    page: Page
    value: Any = None  # of JSON
    tree: Any = None  # the root element of XML
    damaged: bool = False  # XML that could be read in part only

    @property
    def latest_day(self) -> date:
        """A day after which nothing on the page can be: that in its name, if there is one, else that of its fetching."""
        fetched_on = self.page.fetched_at.date()
        return min(iso_day(self.page.name) or fetched_on, fetched_on)


class Reader(Protocol):
    """A parser of one format family. Both functions are pure, and neither raises on any text."""

    def recognises(self, document: Document) -> bool:
        """Whether this is the reader's format, possibly damaged."""

    def read(self, document: Document) -> ParsedPage:
        """What a recognised document says."""


def decode(body: bytes) -> str:
    """The text of a document: by its BOM, by what it declares, as UTF-8, as UTF-16 without a mark, or by a fallback.

    The fallback never fails: UTF-8 with a few replaced bytes where the rest proves it to be UTF-8, else Windows-1252.
    """
    for mark, encoding in _BOMS:
        if body.startswith(mark):
            return _tidy(body[len(mark) :].decode(encoding, "replace"))
    declared = _declared(body)
    for encoding in filter(None, (declared, "utf-8", _unmarked_utf16(body))):
        try:
            # The codec of UTF-16 takes any even number of bytes, so it comes only where NULs speak for it.
            return _tidy(body.decode(encoding))
        except UnicodeDecodeError:
            continue
    return _tidy(_fallback(body))


def _declared(body: bytes) -> str | None:
    match = _DECLARED.search(body[:2048])
    if match is None:
        return None
    try:
        name = codecs.lookup(match[1].decode("ascii")).name
    except LookupError:
        return None
    name = _AS_BROWSERS_DO.get(name, name)
    return name if _ENCODINGS.fullmatch(name) else None


def _unmarked_utf16(body: bytes) -> str | None:
    """The byte order of UTF-16 without a mark: in mostly Latin text, every second byte is NUL."""
    sample = body[:4096]
    even, odd = sample[::2].count(0), sample[1::2].count(0)
    if max(even, odd) * 5 < len(sample) or min(even, odd) * 20 > len(sample):
        return None
    return "utf-16-be" if even > odd else "utf-16-le"


def _fallback(body: bytes) -> str:
    text = body.decode("utf-8", "replace")
    damaged = text.count("\ufffd")
    foreign = sum(1 for character in text[:200_000] if character > "\x7f") - damaged
    return text if foreign >= damaged or damaged <= 1 else body.decode("cp1252", "replace")


def _tidy(text: str) -> str:
    return text.removeprefix("\ufeff").replace("\0", "").replace("\r\n", "\n").replace("\r", "\n")


def is_binary(text: str) -> bool:
    """Whether a tenth of the text is control characters or bytes that are no text in any encoding."""
    sample = text[:65_536]
    odd = sum(
        1
        for character in sample
        if (character < " " and character not in "\n\t\f\v") or character == "\ufffd"
    )
    return odd * 10 > len(sample)
