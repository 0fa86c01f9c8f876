"""More like this, less like this: what a reader teaches the scorer, and forgetting it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Literal

from digest.errors import DigestError
from digest.model import Page, PageStatus
from digest.pages import parse
from digest.pages.folder import Unreadable
from digest.store import Store
from digest.store.papers import find_paper, record_page
from digest.store.people import find_subscriber
from digest.store.votes import count_votes, forget_votes, put_vote

# Papers that are only known as examples are stored as seen long ago, so that no digest takes them for new ones.
_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Learnt:
    """What became of some feedback."""

    changed: int  # votes set or forgotten by this call
    votes: dict[str, int]  # all there are now: more and less


def vote(
    store: Store, email: str, direction: Literal["more", "less"], papers: Sequence[str], *, now: datetime
) -> Learnt:
    """Vote on stored papers, named by id or title. All of them, or none.

    Raises `DigestError` when there is no such person or paper.
    """
    with store.writing() as tx:
        person = find_subscriber(tx, email)
        if person is None:
            raise DigestError(f"nobody is subscribed as {email}; `digest subscribers list` shows who is")
        for wanted in papers:
            stored = find_paper(tx, wanted)
            if stored is None:
                raise DigestError(f"no paper is called {wanted!r}; `digest papers` lists them with their ids")
            put_vote(tx, person.id, stored.pk, direction, now)
        return Learnt(len(papers), count_votes(tx, person.id))


def learn_from(
    store: Store,
    email: str,
    direction: Literal["more", "less"],
    pages: Iterable[Page | Unreadable],
    *,
    now: datetime,
) -> Learnt:
    """Vote on every paper of some pages: a BibTeX file of one's own library, a saved list of favourites.

    Raises `DigestError` when a page cannot be read, so that nobody believes it was learnt from.
    """
    titles: list[str] = []
    for page in pages:
        if isinstance(page, Unreadable):
            raise DigestError(f"{page.name}: {page.reason}")
        parsed = parse(page)
        if parsed.status is not PageStatus.OK:
            raise DigestError(f"{page.name}: {parsed.reason or 'it lists no paper'}")
        with store.writing() as tx:
            record_page(tx, replace(page, fetched_at=_LONG_AGO), parsed)
        titles += [paper.id for paper in parsed.papers]
    return vote(store, email, direction, list(dict.fromkeys(titles)), now=now)


def forget(store: Store, email: str, papers: Sequence[str] = ()) -> Learnt:
    """Forget the votes on these papers, or everything. Raises `DigestError` when there is no such person or paper."""
    with store.writing() as tx:
        person = find_subscriber(tx, email)
        if person is None:
            raise DigestError(f"nobody is subscribed as {email}; `digest subscribers list` shows who is")
        forgotten = 0 if papers else forget_votes(tx, person.id)
        for wanted in papers:
            stored = find_paper(tx, wanted)
            if stored is None:
                raise DigestError(f"no paper is called {wanted!r}; `digest papers` lists them with their ids")
            forgotten += forget_votes(tx, person.id, stored.pk)
        return Learnt(forgotten, count_votes(tx, person.id))
