"""HTML as a stream of tags and text, in linear time whatever the HTML is.

A tree would be more than the pages need, and every tree builder at hand takes quadratic time on some page: libxml2 twenty
seconds on one tag with 100,000 attributes, html.parser five on 24 kB of `<a `. This reader goes forward only.
"""

import html
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice

MOST_TOKENS = 400_000  # of one page; the largest real one has about 30,000
_TAG = re.compile(r"<(?P<end>/?)(?P<name>[a-zA-Z][a-zA-Z0-9:-]{0,40})")
_MARK = re.compile("[<>\"']")
# The value is optional so that every name is consumed: otherwise a long run without "=" would be tried from each letter.
# (Possessive quantifiers would do as well, but early releases of Python 3.11 match wrongly with them: gh-100061, gh-106052.)
_ATTRIBUTE = re.compile(
    r"""(?P<name>[^\s=>"'/]+)(?:\s*=\s*(?:"(?P<double>[^"]*)"|'(?P<single>[^']*)'|(?P<bare>[^\s>"']+)))?"""
)
_RAW = {name: re.compile(rf"</{name}", re.IGNORECASE) for name in ("script", "style", "textarea", "title")}
_ENDLESS_NUMBER = re.compile(r"&#x?[0-9a-fA-F]{8,};?")
_BLOCKS = frozenset(
    {"p", "div", "br", "li", "ul", "ol", "td", "tr", "h1", "h2", "h3", "h4", "section", "table"}
)


@dataclass(frozen=True, slots=True)
class Token:
    """A tag, with `name` in lower case, or a piece of text, whose name is empty."""

    name: str = ""
    text: str = ""
    closes: bool = False
    _attributes: str = field(default="", repr=False)

    def attributes(self) -> dict[str, str]:
        """The tag's attributes, unescaped; of repeated ones the first, as browsers do."""
        found: dict[str, str] = {}
        for match in islice(_ATTRIBUTE.finditer(self._attributes), 100):
            value = match["double"] or match["single"] or match["bare"] or ""
            found.setdefault(match["name"].lower(), unescape(value))
        return found


def unescape(text: str) -> str:
    """`text` with its character references resolved. `&#` with a number no character has becomes U+FFFD."""
    return html.unescape(_ENDLESS_NUMBER.sub("\ufffd", text)) if "&" in text else text


def tokens(page: str) -> Iterator[Token]:
    """The tags and texts of an HTML page, in order; comments, scripts and style sheets left out."""
    return islice(_tokens(page), MOST_TOKENS)


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
    return text_of(list(tokens(fragment))) if "<" in fragment or "&" in fragment else fragment


def _tokens(page: str) -> Iterator[Token]:
    at = 0
    while at < len(page):
        if page[at] != "<":
            end = page.find("<", at)
            end = len(page) if end < 0 else end
            yield Token(text=unescape(page[at:end]))
        elif page.startswith(("<!", "<?"), at):
            end = _after_declaration(page, at)
        elif (match := _TAG.match(page, at)) and (end := _end_of_tag(page, match.end())):
            token = Token(match["name"].lower(), "", bool(match["end"]), page[match.end() : end - 1])
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
