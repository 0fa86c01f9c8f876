"""Which work an entry speaks of: ids, links, and what makes two entries one paper."""

import hashlib
import re
from urllib.parse import quote, unquote

from digest.text import clean_text, title_key

# arXiv ids since April 2007, and before (https://info.arxiv.org/help/arxiv_identifier.html); a version may follow either.
_NEW = r"(?P<new>\d{2}(?:0[1-9]|1[0-2])\.\d{4,5})"
_OLD = r"(?P<archive>[a-z]{2,9}(?:-[a-z]{2,5})?)(?:\.[A-Z]{2})?/(?P<number>\d{2}(?:0[1-9]|1[0-2])\d{3})"
_ARXIV = re.compile(rf"(?:{_NEW}|{_OLD})(?:v\d{{1,3}})?")
_IN_TEXT = re.compile(
    rf"(?:arxiv(?:\.org)?[.:/]|10\.48550/arxiv\.|arxiv\.org/[a-z]{{3,6}}/|huggingface\.co/papers/)\s*(?:{_NEW}|{_OLD})(?![\d.]\d)",
    re.IGNORECASE,
)
_DOI = re.compile(r"(?<![\w.])10\.\d{4,9}/[^\s\"<>?#&]{1,200}")
_PREPRINT_VERSION = re.compile(r"^(10\.(?:1101|64898)/[\d.]+\d)(?:v\d+.*|\.(?:full|abstract).*)$")
_OPENREVIEW = re.compile(
    r"(?:openreview\.net/(?:forum|pdf|attachment)\?(?:[^#]{0,200}&)?id=|^openreview:)([\w-]{5,20})"
)
_ARCHIVES = re.compile(
    "acc-phys|adap-org|alg-geom|ao-sci|astro-ph|atom-ph|bayes-an|chao-dyn|chem-ph|cmp-lg|comp-gas|cond-mat|cs|dg-ga|econ"
    "|eess|funct-an|gr-qc|hep-ex|hep-lat|hep-ph|hep-th|math|math-ph|mtrl-th|nlin|nucl-ex|nucl-th|patt-sol|physics"
    "|plasm-ph|q-alg|q-bio|q-fin|quant-ph|solv-int|stat|supr-con"
)


def arxiv_id(text: str) -> str | None:
    """The arXiv id `text` is, without version or subject class: "2503.01234", "astro-ph/0601001"; None if it is none.

    A prefix "arXiv:" or an address of arxiv.org or huggingface.co/papers around the id is understood.
    """
    text = text.strip()[:300]
    return _bare(_ARXIV.fullmatch(text)) or _bare(_IN_TEXT.search(text))


def _bare(match: re.Match[str] | None) -> str | None:
    if match is None:
        return None
    if match["new"]:
        return match["new"]
    archive = match["archive"].lower()
    return f"{archive}/{match['number']}" if _ARCHIVES.fullmatch(archive) else None


def work_id(*hints: str | None) -> str | None:
    """The id of the work the hints speak of: "arxiv:...", else "doi:...", else "openreview:..."; None if none is known.

    A hint is an id in any spelling or an address. An arXiv id wins wherever it stands, since most pages know works by it.
    """
    known = [hint for hint in hints if hint]
    if arxiv := next(filter(None, map(arxiv_id, known)), None):
        return f"arxiv:{arxiv}"
    if doi := next(filter(None, map(_doi, known)), None):
        return f"doi:{doi}"
    forum = next((match[1] for match in map(_OPENREVIEW.search, known) if match), None)
    return f"openreview:{forum}" if forum else None


def address(work: str) -> str | None:
    """Where a reader finds the work of an id; None for a work known by its title only."""
    kind, _, rest = work.partition(":")
    if kind == "doi":
        return f"https://doi.org/{quote(rest, safe='/:;()._-')}"
    places = {"arxiv": "https://arxiv.org/abs/", "openreview": "https://openreview.net/forum?id="}
    return places[kind] + rest if kind in places else None


def _doi(text: str) -> str | None:
    """A DOI in lower case, since case means nothing in it; without the version bioRxiv and medRxiv add in addresses."""
    match = _DOI.search(unquote(text[:1000]))
    if match is None:
        return None
    doi = match[0].rstrip(".,;:)]}'").lower()
    return _PREPRINT_VERSION.sub(r"\1", doi)


def title_id(title: str) -> str:
    """The id of a work of which only the title is known: two spellings of one title give the same."""
    key = title_key(title) or clean_text(
        title
    )  # a title of signs only has no key, yet is not every other such title
    return f"title:{hashlib.sha256(key.encode()).hexdigest()[:16]}"


def search_url(title: str) -> str:
    """Where a reader can look for a paper of which only the title is known."""
    return f"https://huggingface.co/papers?q={quote(title, safe='')}"
