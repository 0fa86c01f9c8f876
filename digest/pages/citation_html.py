"""Web pages and alert mails that name papers: one paper's own page, and lists of links to papers.

A paper's page at arXiv, bioRxiv, OpenReview, ACL and most publishers carries `<meta name="citation_title">` and its like
(https://scholar.google.com/intl/en/scholar/inclusion.html). Alerts and reading lists have links whose text is the title.
"""

import re
from collections.abc import Iterator
from itertools import islice
from urllib.parse import parse_qs, urlsplit

from digest.model import ParsedPage
from digest.pages.dates import feed_day
from digest.pages.document import Document
from digest.pages.entry import Entry
from digest.pages.identity import work_id
from digest.pages.markup import Token, plain_text, text_of, tokens
from digest.pages.names import people
from digest.pages.outcome import MOST_ENTRIES, broken, listed, unrecognised
from digest.pages.prose import without_head

PAPER, LINKS = "citation-html", "linked-html"
_META = re.compile(r"""<meta\b[^<>]{0,100}["']citation_title["']""", re.IGNORECASE)
_WORK_LINK = re.compile(
    r"""href=["'][^"'<>]{0,500}(?:arxiv\.org(?:/|%2F)(?:abs|pdf)|doi\.org|huggingface\.co(?:/|%2F)papers(?:/|%2F)\d|openreview\.net(?:/|%2F)(?:forum|pdf)|biorxiv\.org(?:/|%2F)content|medrxiv\.org(?:/|%2F)content)""",
    re.IGNORECASE,
)
_ABSTRACTS = ("citation_abstract", "dc.description", "og:description", "description", "twitter:description")
_DATES = (
    "citation_online_date",
    "citation_publication_date",
    "citation_date",
    "dc.date",
    "article:published_time",
)
_IDS = (
    "citation_arxiv_id",
    "citation_doi",
    "dc.identifier",
    "citation_pdf_url",
    "citation_abstract_html_url",
    "og:url",
)
_LINK_WORDS = frozenset(
    (
        *(
            "a",
            "abstract",
            "access",
            "article",
            "arxiv",
            "at",
            "available",
            "cite",
            "click",
            "doi",
            "download",
            "experimental",
        ),
        *(
            "for",
            "full",
            "here",
            "html",
            "in",
            "it",
            "latest",
            "link",
            "more",
            "new",
            "now",
            "on",
            "online",
            "open",
            "our",
            "page",
        ),
        *(
            "paper",
            "pdf",
            "preprint",
            "publication",
            "read",
            "save",
            "see",
            "share",
            "text",
            "the",
            "this",
            "to",
            "version",
            "view",
        ),
    )
)
_PAST_THE_HEAD = re.compile("</head|<body", re.IGNORECASE)
_SHORTEST_ABSTRACT = 80  # characters; what stands below a link may be a button or a name


def recognises(document: Document) -> bool:
    """Whether the HTML cites a paper about itself, or links to papers."""
    return _META.search(document.text) is not None or _WORK_LINK.search(document.text) is not None


def read(document: Document) -> ParsedPage:
    """The paper the page is about, or the papers it links to by their titles."""
    stream = list(tokens(document.text))
    meta = _meta(stream)
    if "citation_title" not in meta:
        found = list(_linked(stream))
        return (
            listed(LINKS, found)
            if found
            else unrecognised("It links to papers, but by none of their titles.")
        )
    if not _PAST_THE_HEAD.search(document.text):
        return broken(PAPER, "The page is cut in its head, where it says what it is about: save it again.")
    return listed(PAPER, [_paper(meta)])


def _meta(stream: list[Token]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for token in stream:
        if token.name == "meta":
            attributes = token.attributes()
            name = (attributes.get("name") or attributes.get("property") or "").lower()
            found.setdefault(name, []).append(attributes.get("content", ""))
    return found


def _paper(meta: dict[str, list[str]]) -> Entry:
    def first(names: tuple[str, ...]) -> str:
        return next((value for name in names for value in meta.get(name, []) if value.strip()), "")

    days = (feed_day(value.replace("/", "-")) for name in _DATES for value in meta.get(name, []))
    return Entry(
        "the page",
        meta["citation_title"][0],
        without_head(plain_text(first(_ABSTRACTS))),
        hints=tuple(value for name in _IDS for value in meta.get(name, [])),
        url=first(("citation_abstract_html_url", "og:url")),
        authors=people(
            meta.get("citation_author") or meta.get("citation_authors") or meta.get("dc.contributor") or []
        ),
        published_on=next(filter(None, days), None),
        is_tex="citation_arxiv_id" in meta,
    )


def _linked(stream: list[Token]) -> Iterator[Entry]:
    """A paper for every link whose text is a title, with the text below it, up to the next one, if that is long enough."""
    links = list(islice(_links(stream), MOST_ENTRIES + 1))
    if not links:
        return
    ends = [opened + 1 for opened, *_ in links[1:]] + [len(stream)]
    for number, ((_, closed, known, title), end) in enumerate(zip(links, ends, strict=True), 1):
        below = max(_blocks(stream[closed:end]), key=len, default="")  # a text without a tag after it is cut
        yield Entry(
            f"link {number}",
            title,
            without_head(below) if len(below) >= _SHORTEST_ABSTRACT else None,
            known_id=known,
        )


def _links(stream: list[Token]) -> Iterator[tuple[int, int, str, str]]:
    """Where each link to a paper by its title begins and ends, the work's id, and the title."""
    opened, known = -1, None
    for at, token in enumerate(stream):
        if token.name != "a":
            continue
        if not token.closes:
            opened, known = at, work_id(*_targets(token.attributes().get("href", "")))
        elif known is not None:
            title = " ".join(text_of(stream[opened:at]).split())
            if _is_title(title):
                yield opened, at, known, title
            known = None


def _is_title(text: str) -> bool:
    """Whether a link's text can be the title of what it leads to: not "Read more", not "arXiv:2602.00001 [cs.LG]"."""
    words = re.findall(r"[^\W\d_]+", text.lower())
    says_something = len(words) > 1 and not _LINK_WORDS.issuperset(words)
    return says_something and len(text) <= 300 and work_id(text) is None and "://" not in text


def _targets(href: str) -> Iterator[str]:
    """A link's address, and those inside it: alert services lead through pages of their own."""
    yield href
    try:
        query = parse_qs(urlsplit(href[:3000]).query, max_num_fields=50)
    except ValueError:
        return
    yield from (value for values in query.values() for value in values if value.startswith("http"))


def _blocks(stream: list[Token]) -> Iterator[str]:
    """The texts between tags that begin a block."""
    block: list[str] = []
    for token in stream:
        if token.name in ("p", "div", "td", "tr", "li", "table", "h2", "h3", "hr", "a", "body", "html"):
            yield " ".join("".join(block).split())
            block = []
        else:
            block.append(token.text or (" " if token.name == "br" else ""))
