"""HTML as a stream of tags and text.

Whole pages are read by BeautifulSoup over lxml, so that what a browser makes of sloppy markup is what we see. Its work
grows faster than the page does, so a page is cut after more tags than any real one has. Fragments (the abstract in a feed,
a title) are read by a small reader that only goes forward: in them a stray `<` is mathematics, not the start of a tag.
"""

import html
import re
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice

from bs4 import BeautifulSoup, UnusualUsageWarning
from bs4.element import NavigableString, PageElement, Tag

MOST_TAGS = 40_000  # of one page; the largest real one has about 15,000
MOST_TOKENS = 400_000  # of one fragment
_TAG = re.compile(r"<(?P<end>/?)(?P<name>[a-zA-Z][a-zA-Z0-9:-]{0,40})")
_MARK = re.compile("[<>\"']")
_RAW = {name: re.compile(rf"</{name}", re.IGNORECASE) for name in ("script", "style", "textarea", "title")}
_ENDLESS_NUMBER = re.compile(r"&#x?[0-9a-fA-F]{8,};?")
_BLOCKS = frozenset(
    {"p", "div", "br", "li", "ul", "ol", "td", "tr", "h1", "h2", "h3", "h4", "section", "table"}
)
_BODY_ENDS = re.compile("</body", re.IGNORECASE)
# Put behind a page: the elements it lands in were open when the page stopped. Private-use characters, which no page needs.
_END = "\ue000\uf8ff\ue000"


@dataclass(frozen=True, slots=True)
class Token:
    """A tag, with `name` in lower case, or a piece of text, whose name is empty."""

    name: str = ""
    text: str = ""
    closes: bool = False
    _attributes: Mapping[str, str] = field(default_factory=dict, repr=False)

    def attributes(self) -> Mapping[str, str]:
        """The tag's attributes, unescaped; empty for the tags of a fragment."""
        return self._attributes


def unescape(text: str) -> str:
    """`text` with its character references resolved. `&#` with a number no character has becomes U+FFFD."""
    return html.unescape(_ENDLESS_NUMBER.sub("\ufffd", text)) if "&" in text else text


def tokens(page: str) -> Iterator[Token]:
    """The tags and texts of an HTML page, in order; comments, scripts and style sheets left out.

    An element that was still open where the page stops is not closed: the page was cut inside it.
    """
    bounded = _bounded(page)
    with warnings.catch_warnings():
        # It suspects XML, an address or a file name: we know that somebody sent us a page.
        warnings.simplefilter("ignore", UnusualUsageWarning)
        soup = BeautifulSoup(bounded + _END, "lxml", multi_valued_attributes=None)
    whole = {"html", "body"} if _BODY_ENDS.search(bounded) else set()
    # Not by recursion: a hostile page nests deeper than Python may call.
    left: list[PageElement | Token] = [soup]
    while left:
        at = left.pop()
        if isinstance(at, Token):
            yield at
        elif isinstance(at, Tag):
            if at is not soup:
                yield Token(at.name, _attributes={name: str(value) for name, value in at.attrs.items()})
                left.append(Token(at.name, closes=True))
            left += reversed(at.contents)
        elif isinstance(at, NavigableString):
            text, end, _ = at.partition(_END)
            if end:
                left = [one for one in left if not isinstance(one, Token) or one.name in whole]
            if type(at) is NavigableString:  # its subclasses are comments, scripts and the like
                yield Token(text=text)


def _bounded(page: str) -> str:
    """The page up to its last whole tag, and up to `MOST_TAGS`."""
    at = -1
    for _ in range(MOST_TAGS):
        at = page.find("<", at + 1)
        if at < 0:
            last = page.rfind("<")
            return page if page.find(">", last) >= 0 else page[: max(last, 0)]
    return page[:at]


def inside(stream: list[Token], name: str) -> Iterator[tuple[Token, list[Token]]]:
    """Every element `name` that does not stand in another of that name: its tag and what is inside it."""
    opened = None
    for at, token in enumerate(stream):
        if token.name != name:
            continue
        if token.closes and opened is not None:
            yield stream[opened], stream[opened + 1 : at]
            opened = None
        elif not token.closes and opened is None:
            opened = at


def text_of(stream: list[Token]) -> str:
    """The text of some tokens; tags that begin a line part words."""
    return "".join(token.text or (" " if token.name in _BLOCKS else "") for token in stream)


def plain_text(fragment: str) -> str:
    """A piece of HTML as text. Text with a stray `<` or `&` comes back as it is."""
    return (
        text_of(list(islice(_forward(fragment), MOST_TOKENS)))
        if "<" in fragment or "&" in fragment
        else fragment
    )


def _forward(page: str) -> Iterator[Token]:
    """The tags, without their attributes, and the texts of a fragment."""
    at = 0
    while at < len(page):
        if page[at] != "<":
            end = page.find("<", at)
            end = len(page) if end < 0 else end
            yield Token(text=unescape(page[at:end]))
        elif page.startswith(("<!", "<?"), at):
            end = _after_declaration(page, at)
        elif (match := _TAG.match(page, at)) and (end := _end_of_tag(page, match.end())):
            token = Token(match["name"].lower(), closes=bool(match["end"]))
            yield token
            if token.name in _RAW and not token.closes:
                start, end = end, _after_raw(page, end, token.name)
                if token.name == "title":
                    yield Token(text=unescape(page[start:end]))
        else:
            yield Token(text="<")
            end = at + 1
        at = end


def _end_of_tag(page: str, at: int) -> int:
    """Where a tag ends whose attributes begin at `at`; 0 if it never does, or another begins before."""
    while mark := _MARK.search(page, at):
        if mark[0] in "<>":
            return mark.end() if mark[0] == ">" else 0
        at = page.find(mark[0], mark.end()) + 1
        if at == 0:
            break
    return 0


def _after_declaration(page: str, at: int) -> int:
    """The end of a comment, a CDATA section, a doctype or a processing instruction; one that never ends takes the rest."""
    closing = "-->" if page.startswith("<!--", at) else "]]>" if page.startswith("<![CDATA[", at) else ">"
    end = page.find(closing, at)
    return len(page) if end < 0 else end + len(closing)


def _after_raw(page: str, at: int, name: str) -> int:
    closing = _RAW[name].search(page, at)
    return closing.start() if closing else len(page)
