"""arXiv's own web pages: a day's listing (/list/cs.AI/new, /recent, /pastweek) and search results (/search).

A listing is `<dt>` with the id and `<dd>` with the rest; a search result is `<li class="arxiv-result">`. A single paper's page is
read by `citation_html`, like those of other publishers.
"""

import re
from datetime import date

from digest.model import ParsedPage, Rejected
from digest.pages.arxiv_subjects import SUBJECTS
from digest.pages.dates import feed_day
from digest.pages.document import Document
from digest.pages.entry import Entry
from digest.pages.identity import arxiv_id
from digest.pages.markup import Token, inside, text_of, tokens
from digest.pages.outcome import broken, empty, listed

FORMAT = "arxiv-html"
_OURS = re.compile(r"""class=["'](?:list-title|arxiv-result|list-identifier)\b|>Showing new listings for""")
_NOTHING = re.compile(r"No (?:updates|entries)|produced no results|Total of 0 entries")
_DAY = re.compile(r"Showing new listings for \w{6,9}, (\d{1,2} \w{3,9},? \d{4})")
_LABEL = re.compile(r"^\s*Title:\s*")
_CODE = re.compile(r"\(([a-z-]+(?:\.[A-Za-z-]+)?)\)")
_SUBMITTED = re.compile(r"Submitted\s+(\d{1,2} \w{3,9}), (\d{4})")


def recognises(document: Document) -> bool:
    """Whether the HTML is one of arXiv's lists."""
    return _OURS.search(document.text) is not None


def read(document: Document) -> ParsedPage:
    """The papers of the list. Replacements and `/recent` come without abstracts."""
    text, stream = document.text, list(tokens(document.text))
    found = _DAY.search(text)
    listed_on = feed_day(found[1].replace(",", "")) if found else None
    parts = list(zip(inside(stream, "dt"), inside(stream, "dd"), strict=False))
    entries = [_listed(f"entry {number}", dt, dd) for number, ((_, dt), (_, dd)) in enumerate(parts, 1)]
    results = (
        content
        for tag, content in inside(stream, "li")
        if "arxiv-result" in tag.attributes().get("class", "")
    )
    entries += [_result(f"result {number}", content) for number, content in enumerate(results, 1)]
    if entries:
        cut = (
            None
            if "</html>" in text[-500:].lower()
            else "The page is cut, entries at its end are missing; save it again."
        )
        return listed(FORMAT, entries, listed_on=listed_on, reason=cut)
    if _NOTHING.search(text):
        return empty(FORMAT, "arXiv lists nothing here.", listed_on=listed_on)
    return broken(FORMAT, "It is a list of arXiv without any whole entry: save the page again.")


def _listed(where: str, dt: list[Token], dd: list[Token]) -> Entry | Rejected:
    known, title = _known(dt), _of_class(dd, "list-title")
    if known is None or not title:
        return Rejected(where, "It has no arXiv id or no title.")
    subjects = (SUBJECTS.get(code) for code in _CODE.findall(text_of(_of_class(dd, "list-subjects"))))
    return Entry(
        where,
        _LABEL.sub("", text_of(title)),
        text_of(_of_class(dd, "mathjax")),
        known_id=known,
        authors=_links(_of_class(dd, "list-authors")),
        fields=tuple(name for name in subjects if name),
        is_tex=True,
    )


def _result(where: str, content: list[Token]) -> Entry | Rejected:
    known, title = _known(content), _of_class(content, "title")
    if known is None or not title:
        return Rejected(where, "It has no arXiv id or no title.")
    abstract = text_of(_of_class(content, "abstract-full") or _of_class(content, "abstract-short"))
    labels = (text_of(inner).strip() for tag, inner in inside(content, "span") if _kind(tag) == "tag")
    return Entry(
        where,
        text_of(title),
        " ".join(abstract.split()).removesuffix("△ Less").removesuffix("▽ More"),
        known_id=known,
        authors=_links(_of_class(content, "authors")),
        published_on=_submitted(text_of(content)),
        fields=tuple(SUBJECTS[label] for label in labels if label in SUBJECTS),
        is_tex=True,
    )


def _of_class(stream: list[Token], wanted: str) -> list[Token]:
    """What is inside the first element whose first class is `wanted`; nothing if there is none."""
    depth, opened = 0, -1
    for at, token in enumerate(stream):
        if opened < 0 and not token.closes and token.name and _kind(token) == wanted:
            opened = at
        if opened >= 0 and token.name == stream[opened].name:
            depth += -1 if token.closes else 1
            if depth == 0:
                return stream[opened + 1 : at]
    return []


def _kind(tag: Token) -> str:
    """The first class of an element, which says what it is."""
    return tag.attributes().get("class", "").split(" ")[0]


def _known(stream: list[Token]) -> str | None:
    """The id in the first link to an abstract, relative or not."""
    links = (token.attributes().get("href", "") for token in stream if token.name == "a" and not token.closes)
    ids = (arxiv_id(href.rpartition("/abs/")[2]) for href in links if "/abs/" in href)
    return next(filter(None, ids), None)


def _links(stream: list[Token]) -> tuple[str, ...]:
    return tuple(text_of(content).strip() for _, content in inside(stream, "a"))


def _submitted(text: str) -> date | None:
    found = _SUBMITTED.search(" ".join(text[:100_000].split()))
    return feed_day(f"{found[1]} {found[2]}") if found else None
