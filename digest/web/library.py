"""What somebody pastes of their reading -> papers: BibTeX, RIS, CSL-JSON, arXiv links, titles."""

from datetime import datetime

from digest.model import Page, PageStatus, Paper
from digest.pages import parse
from digest.pages.identity import arxiv_id, title_id
from digest.text import clean_text, title_key
from digest.web.shelf import Shelf

_MOST_PAPERS = 300
_LONGEST_TITLE = 300
_SHORTEST_TITLE = 12  # letters: less is no title


def papers_in(pasted: str, shelf: Shelf, now: datetime) -> list[Paper]:
    """The papers somebody pasted, described as fully as we know them. Lines that are none are passed over."""
    parsed = parse(Page("pasted", pasted.encode(), now))
    if parsed.status is PageStatus.OK and parsed.papers:
        return [shelf.known(paper) for paper in parsed.papers[:_MOST_PAPERS]]
    found: dict[str, Paper] = {}
    for line in pasted.splitlines()[: 4 * _MOST_PAPERS]:
        paper = _paper_of(line)
        if paper is not None:
            found.setdefault(paper.id, shelf.known(paper))
    return list(found.values())[:_MOST_PAPERS]


def _paper_of(line: str) -> Paper | None:
    text = clean_text(line[: 4 * _LONGEST_TITLE], limit=_LONGEST_TITLE)
    known = arxiv_id(text)
    if known:
        return Paper(f"arxiv:{known}", text)
    return Paper(title_id(text), text) if len(title_key(text)) >= _SHORTEST_TITLE else None
