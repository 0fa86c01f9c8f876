"""Pages, papers and listings: what was read, and what is known of each work."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from dataclasses import fields as dataclass_fields
from datetime import date, datetime
from typing import Any

from sqlalchemy import Column, Connection, Row, delete, func, insert, select, update

from digest.model import Page, PageStatus, Paper, ParsedPage
from digest.store.dialect import alone, insert_or_ignore
from digest.store.schema import listings, pages, papers, shown, votes, withdrawn
from digest.text import title_key
from digest.works import abstract_key, best_of, same_work

_CHUNK = 500  # values in one IN (...)


@dataclass(frozen=True, slots=True)
class StoredPaper:
    """A paper with its row."""

    pk: int
    paper: Paper
    last_seen_at: datetime  # when a page with it was last picked up
    origins: str = "{}"  # JSON: field -> id of the page its value came from


@dataclass(frozen=True, slots=True)
class KnownPage:
    """A page that was picked up before."""

    format: str | None
    status: PageStatus
    papers: int


def known_page(db: Connection, content_hash: str) -> KnownPage | None:
    """What the page with these bytes turned out to be when it was picked up, or None when it is new."""
    row = db.execute(select(pages).where(pages.c.content_hash == content_hash)).first()
    return None if row is None else KnownPage(row.format, PageStatus(row.status), row.papers)


def record_page(tx: Connection, page: Page, parsed: ParsedPage) -> int:
    """Store a page, its papers and its listings. Returns how many papers were new. Harmless to repeat.

    One at a time, whoever else picks up pages: a work is looked for before it is stored.
    """
    alone(tx, "papers")
    row = {
        "source": page.source,
        "name": page.name,
        "format": parsed.format,
        "status": parsed.status,
        "reason": parsed.reason,
        "papers": len(parsed.papers),
        "rejected": json.dumps([{"where": r.where, "reason": r.reason} for r in parsed.rejected]),
        "listed_on": parsed.listed_on,
        "fetched_at": page.fetched_at,
    }
    page_id = tx.execute(
        insert_or_ignore(tx, pages).values(content_hash=page.content_hash, **row).returning(pages.c.id)
    ).scalar()
    if page_id is None:  # read again: it was broken or unrecognised the last time
        tx.execute(update(pages).where(pages.c.content_hash == page.content_hash).values(**row))
        page_id = tx.execute(select(pages.c.id).where(pages.c.content_hash == page.content_hash)).scalar_one()
    return _record_papers(tx, page_id, parsed.papers, page)


def _record_papers(tx: Connection, page_id: int, found: Sequence[Paper], page: Page) -> int:
    known = _Known(tx, found, page_id)
    counts = _last_counts(tx, page)
    new = 0
    for position, paper in enumerate(found):
        pk, is_new = known.record(paper, page.fetched_at)
        new += is_new
        said = (paper.upvotes, paper.comments)
        if counts.get(pk) != said:
            listing = {"paper_pk": pk, "page_id": page_id, "position": position}
            tx.execute(
                insert_or_ignore(tx, listings).values(listing | {"upvotes": said[0], "comments": said[1]})
            )
    return new


def _last_counts(tx: Connection, page: Page) -> dict[int, tuple[int | None, int | None]]:
    """Upvotes and comments of each paper when this page was read the last time, by row."""
    columns = (listings.c.paper_pk, listings.c.upvotes, listings.c.comments)
    earlier = select(*columns).join(pages, pages.c.id == listings.c.page_id)
    earlier = earlier.where(pages.c.source == page.source, pages.c.name == page.name).order_by(pages.c.id)
    return {row.paper_pk: (row.upvotes, row.comments) for row in tx.execute(earlier)}


class _Known:
    """The stored papers that a page's papers may be, found in a few statements and kept up to date while recording."""

    def __init__(self, tx: Connection, found: Sequence[Paper], page_id: int) -> None:
        self._tx = tx
        self._page_id = page_id
        self._by_id: dict[str, StoredPaper] = {}
        self._alike: dict[str, list[StoredPaper]] = {}  # by title key and by abstract key
        wanted: dict[Column[Any], list[str]] = {
            papers.c.id: [],
            papers.c.title_key: [],
            papers.c.abstract_key: [],
        }
        for paper in found:
            wanted[papers.c.id].append(paper.id)
            wanted[papers.c.title_key].append(title_key(paper.title))
            wanted[papers.c.abstract_key] += filter(None, [abstract_key(paper.abstract)])
        for column, values in wanted.items():
            for start in range(0, len(values), _CHUNK):
                for row in tx.execute(select(papers).where(column.in_(values[start : start + _CHUNK]))):
                    self._remember(_from_row(row))

    def record(self, paper: Paper, now: datetime) -> tuple[int, bool]:
        """Insert the paper, or add what it says to the stored one. Returns its row and whether it is new."""
        stored = self._by_id.get(paper.id)
        for twin in self._twins(paper):
            if stored is None:
                stored = twin
            elif stored.pk != twin.pk:
                stored = self._fold(twin, into=stored)
        if stored is None:
            origins = json.dumps(_origins({}, None, paper, self._page_id))
            values = _to_row(paper) | {"origins": origins, "first_seen_at": now, "last_seen_at": now}
            pk = self._tx.execute(insert(papers).values(values).returning(papers.c.pk)).scalar_one()
            self._remember(StoredPaper(pk, paper, now, origins))
            return pk, True
        self._update(stored, best_of(stored.paper, paper), now)
        return stored.pk, False

    def _update(self, stored: StoredPaper, merged: Paper, now: datetime) -> None:
        origins, seen_at = stored.origins, max(stored.last_seen_at, now)
        values: dict[str, Any] = {"last_seen_at": seen_at}
        if merged != stored.paper:
            origins = json.dumps(_origins(json.loads(origins), stored.paper, merged, self._page_id))
            values |= _to_row(merged) | {"origins": origins}
        self._tx.execute(update(papers).where(papers.c.pk == stored.pk).values(values))
        self._remember(StoredPaper(stored.pk, merged, seen_at, origins))

    def _fold(self, twin: StoredPaper, *, into: StoredPaper) -> StoredPaper:
        """Two rows turned out to be one work."""
        _fold_rows(self._tx, twin.pk, into=into.pk)
        for stored in self._alike.values():
            stored[:] = [one for one in stored if one.pk != twin.pk]
        self._by_id = {paper_id: one for paper_id, one in self._by_id.items() if one.pk != twin.pk}
        merged = best_of(into.paper, twin.paper)
        origins = json.dumps(json.loads(twin.origins) | json.loads(into.origins))
        self._tx.execute(
            update(papers).where(papers.c.pk == into.pk).values(_to_row(merged) | {"origins": origins})
        )
        return StoredPaper(into.pk, merged, max(into.last_seen_at, twin.last_seen_at), origins)

    def _twins(self, paper: Paper) -> list[StoredPaper]:
        """The stored papers that are this work, whatever they are called."""
        keys = filter(None, (title_key(paper.title), abstract_key(paper.abstract)))
        alike = {one.pk: one for key in keys for one in self._alike.get(key, ())}
        return [one for one in alike.values() if same_work(one.paper, paper)]

    def _remember(self, stored: StoredPaper) -> None:
        self._by_id[stored.paper.id] = stored
        for key in filter(None, (title_key(stored.paper.title), abstract_key(stored.paper.abstract))):
            others = [one for one in self._alike.get(key, ()) if one.pk != stored.pk]
            self._alike[key] = [*others, stored]


def _origins(before: dict[str, int], known: Paper | None, merged: Paper, page_id: int) -> dict[str, int]:
    """Where each field came from: this page for whatever it brought or bettered."""
    brought = {
        field.name: page_id
        for field in dataclass_fields(Paper)
        if (value := getattr(merged, field.name)) not in (None, ())
        and (known is None or value != getattr(known, field.name))
    }
    return before | brought


def _fold_rows(tx: Connection, pk: int, *, into: int) -> None:
    """Two rows turned out to be one work: everything that points to `pk` now points to `into`."""
    for table, partner in (
        (listings, listings.c.page_id),
        (shown, shown.c.subscriber_id),
        (withdrawn, withdrawn.c.delivery_id),
        (votes, votes.c.subscriber_id),
    ):
        already = select(partner).where(table.c.paper_pk == into)
        tx.execute(update(table).where(table.c.paper_pk == pk, partner.not_in(already)).values(paper_pk=into))
    tx.execute(delete(papers).where(papers.c.pk == pk))


def seen_since(db: Connection, since: datetime, *, limit: int | None = None) -> list[StoredPaper]:
    """Papers on a page picked up after `since`, the newest first."""
    query = select(papers).where(papers.c.last_seen_at > since)
    return [
        _from_row(row)
        for row in db.execute(query.order_by(papers.c.last_seen_at.desc(), papers.c.id).limit(limit))
    ]


def when_counted(db: Connection, since: datetime) -> dict[str, tuple[date, datetime]]:
    """For papers seen since `since`: the first day a page listed them for, and when their votes were last counted.

    Only those of pages that say which day they are about.
    """
    query = select(papers.c.id, func.min(pages.c.listed_on), func.max(pages.c.fetched_at))
    query = query.join(listings, listings.c.paper_pk == papers.c.pk).join(
        pages, pages.c.id == listings.c.page_id
    )
    query = query.where(
        papers.c.last_seen_at > since, pages.c.listed_on.is_not(None), papers.c.upvotes.is_not(None)
    )
    return {row[0]: (row[1], row[2]) for row in db.execute(query.group_by(papers.c.id))}


def read_papers(db: Connection, pks: Sequence[int]) -> dict[int, Paper]:
    """The papers of these rows, by row."""
    found = {}
    for start in range(0, len(pks), _CHUNK):
        for row in db.execute(select(papers).where(papers.c.pk.in_(pks[start : start + _CHUNK]))):
            found[row.pk] = _from_row(row).paper
    return found


def every_paper(db: Connection) -> Iterable[tuple[Paper, list[str]]]:
    """Every stored paper with the names of the pages that list it, in order of id."""
    names: dict[int, list[str]] = {}
    for pk, name in db.execute(
        select(listings.c.paper_pk, pages.c.name)
        .join(pages, pages.c.id == listings.c.page_id)
        .order_by(pages.c.id)
    ):
        if name not in names.setdefault(pk, []):
            names[pk].append(name)
    for row in db.execute(select(papers).order_by(papers.c.id)):
        stored = _from_row(row)
        yield stored.paper, names.get(stored.pk, [])


def find_paper(db: Connection, wanted: str) -> StoredPaper | None:
    """The paper with this id (with or without its "arxiv:"), or this title."""
    for condition in (
        papers.c.id == wanted,
        papers.c.id == f"arxiv:{wanted}",
        papers.c.title_key == title_key(wanted),
    ):
        row = db.execute(select(papers).where(condition).order_by(papers.c.pk)).first()
        if row is not None:
            return _from_row(row)
    return None


def count_papers(db: Connection) -> int:
    """How many papers are stored."""
    return int(db.execute(select(func.count()).select_from(papers)).scalar_one())


def _to_row(paper: Paper) -> dict[str, Any]:
    return {
        "id": paper.id,
        "title": paper.title,
        "title_key": title_key(paper.title),
        "abstract_key": abstract_key(paper.abstract),
        "abstract": paper.abstract,
        "url": paper.url,
        "authors": json.dumps(paper.authors, ensure_ascii=False),
        "authors_count": paper.authors_count,
        "organization": paper.organization,
        "organization_handle": paper.organization_handle,
        "published_on": paper.published_on,
        "fields": json.dumps(paper.fields, ensure_ascii=False),
        "upvotes": paper.upvotes,
        "comments": paper.comments,
    }


def _from_row(row: Row[Any]) -> StoredPaper:
    paper = Paper(
        id=row.id,
        title=row.title,
        abstract=row.abstract,
        url=row.url,
        authors=tuple(json.loads(row.authors)),
        authors_count=row.authors_count,
        organization=row.organization,
        organization_handle=row.organization_handle,
        published_on=row.published_on,
        fields=tuple(json.loads(row.fields)),
        upvotes=row.upvotes,
        comments=row.comments,
    )
    return StoredPaper(row.pk, paper, row.last_seen_at, row.origins)
