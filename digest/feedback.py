"""More like this, less like this: what a reader teaches the scorer, and forgetting it."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Literal

from sqlalchemy import Connection

from digest.errors import DigestError
from digest.model import Page, PageStatus, ParsedPage
from digest.pages import parse
from digest.pages.folder import Unreadable
from digest.store import Store
from digest.store.papers import find_paper, known_page, record_page
from digest.store.people import Subscriber, find_subscriber
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
        person = _person(tx, email)
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
    read = list(_read(pages))
    for page, parsed in read:
        with store.writing() as tx:
            known = known_page(tx, page.content_hash)
            if (
                known is None or known.status is not PageStatus.OK
            ):  # a page of a source stays as it was picked up
                record_page(tx, replace(page, fetched_at=_LONG_AGO), parsed)
    return vote(store, email, direction, _ids(read), now=now)


def forget_from(store: Store, email: str, pages: Iterable[Page | Unreadable]) -> Learnt:
    """Forget the votes on every paper of some pages. Raises `DigestError` when there is no such person, or for a page
    that cannot be read."""
    wanted = _ids(list(_read(pages)))
    with store.writing() as tx:
        person = _person(tx, email)
        stored = [find_paper(tx, paper_id) for paper_id in wanted]
        forgotten = sum(forget_votes(tx, person.id, one.pk) for one in stored if one is not None)
        return Learnt(forgotten, count_votes(tx, person.id))


def forget(store: Store, email: str, papers: Sequence[str] = ()) -> Learnt:
    """Forget the votes on these papers, or everything. Raises `DigestError` when there is no such person or paper."""
    with store.writing() as tx:
        person = _person(tx, email)
        forgotten = 0 if papers else forget_votes(tx, person.id)
        for wanted in papers:
            stored = find_paper(tx, wanted)
            if stored is None:
                raise DigestError(f"no paper is called {wanted!r}; `digest papers` lists them with their ids")
            forgotten += forget_votes(tx, person.id, stored.pk)
        return Learnt(forgotten, count_votes(tx, person.id))


def _read(pages: Iterable[Page | Unreadable]) -> Iterator[tuple[Page, ParsedPage]]:
    for page in pages:
        if isinstance(page, Unreadable):
            raise DigestError(f"{page.name}: {page.reason}")
        parsed = parse(page)
        if parsed.status is not PageStatus.OK:
            raise DigestError(f"{page.name}: {parsed.reason or 'it lists no paper'}")
        yield page, parsed


def _ids(read: Sequence[tuple[Page, ParsedPage]]) -> list[str]:
    return list(dict.fromkeys(paper.id for _, parsed in read for paper in parsed.papers))


def _person(db: Connection, email: str) -> Subscriber:
    person = find_subscriber(db, email)
    if person is None:
        raise DigestError(f"nobody is subscribed as {email}; `digest subscribers list` shows who is")
    return person
