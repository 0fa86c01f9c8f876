"""When two descriptions are one work, and what is then known of it."""

import hashlib
import re
from dataclasses import replace
from difflib import SequenceMatcher

from digest.model import Paper
from digest.text import title_key

# Which id leads when a work has several: the one most pages know.
_LEADING = ("arxiv", "doi", "openreview")
_SHORT = 200  # letters; a shorter abstract says too little to tell two works apart
_BEGINNING = 120
_WORD = re.compile(r"[^\W_]+")


def kind_of_id(paper: Paper) -> str:
    """Who identifies it: "arxiv", "doi", ...; "title" when its title is all we have."""
    return paper.id.partition(":")[0]


def has_own_id(paper: Paper) -> bool:
    """Whether a publisher gave it an id."""
    return kind_of_id(paper) != "title"


def abstract_key(abstract: str | None) -> str | None:
    """What two spellings of one abstract share: a hash of its first letters and digits; None for a short one."""
    letters = title_key(abstract or "")
    if len(letters) < _SHORT:
        return None
    return hashlib.sha256(letters[:_BEGINNING].encode()).hexdigest()[:16]


def same_work(one: Paper, other: Paper) -> bool:
    """Whether two descriptions speak of one work.

    The same id decides, and so do two ids of one kind that differ. Otherwise the titles must agree and the abstracts
    not contradict, or the abstracts must agree and the titles resemble each other (LaTeX stripped by one of the pages).
    """
    if one.id == other.id:
        return True
    if has_own_id(one) and kind_of_id(one) == kind_of_id(other):
        return False
    keys = title_key(one.title), title_key(other.title)
    shared = _shared_words(one.abstract, other.abstract)
    if keys[0] == keys[1]:
        return shared is None or shared >= 0.5
    return (
        shared is not None and shared >= 0.9 and SequenceMatcher(None, *keys, autojunk=False).ratio() >= 0.7
    )


def _shared_words(one: str | None, other: str | None) -> float | None:
    """The share of the shorter abstract's words that the longer one has too; None when one of them is missing."""
    words = [set(_WORD.findall((text or "").casefold())) for text in (one, other)]
    smaller = min(map(len, words))
    return len(words[0] & words[1]) / smaller if smaller >= 10 else None


def best_of(known: Paper, said: Paper) -> Paper:
    """One paper from two descriptions of it: the better of each field, the one with the leading id first.

    A longer abstract or author list is the less cut one; upvotes and comments only grow, so the larger is the newer.
    """
    first, second = sorted((known, said), key=_rank) if _rank(known) != _rank(said) else (known, said)
    longest = max(first.abstract, second.abstract, key=len) if first.abstract and second.abstract else None
    return replace(
        first,
        abstract=longest or first.abstract or second.abstract,
        url=_direct(first.url, second.url),
        authors=first.authors if len(first.authors) >= len(second.authors) else second.authors,
        authors_count=_largest(first.authors_count, second.authors_count),
        organization=first.organization or second.organization,
        organization_handle=first.organization_handle or second.organization_handle,
        published_on=first.published_on or second.published_on,
        fields=first.fields if len(first.fields) >= len(second.fields) else second.fields,
        upvotes=_largest(first.upvotes, second.upvotes),
        comments=_largest(first.comments, second.comments),
    )


def _direct(one: str | None, other: str | None) -> str | None:
    """An address of the work itself rather than one that searches for it."""
    searches = one is None or "/papers?q=" in one
    return other if other and searches else one


def _rank(paper: Paper) -> int:
    kind = kind_of_id(paper)
    return _LEADING.index(kind) if kind in _LEADING else len(_LEADING) + (kind == "title")


def _largest(one: int | None, other: int | None) -> int | None:
    return max((n for n in (one, other) if n is not None), default=None)
