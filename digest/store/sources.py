"""What each source said the last time, and when to ask again."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, delete, exists, select

from digest.model import PageStatus
from digest.store.dialect import upsert
from digest.store.schema import pages, sources


@dataclass(frozen=True, slots=True)
class SourceState:
    """One source, as `digest status` shows it."""

    name: str
    state: str  # ok | empty | broken | unreachable | refused | new
    tried_at: datetime
    next_try_at: datetime
    reason: str | None = None
    etag: str | None = None
    last_modified: str | None = None
    succeeded_at: datetime | None = None
    failures: int = 0  # in a row
    papers: int = 0  # on the last page that had any
    place_hash: str | None = None  # of the address or path; None when it was tried before that was noted


def source_state(db: Connection, name: str) -> SourceState | None:
    """The state of one source, or None when it was never tried."""
    row = db.execute(select(sources).where(sources.c.name == name)).mappings().first()
    return None if row is None else SourceState(**row)


def put_source_state(tx: Connection, state: SourceState) -> None:
    """Remember the outcome of a try."""
    row = {name: getattr(state, name) for name in SourceState.__slots__}
    statement = upsert(tx, sources).values(row)
    tx.execute(
        statement.on_conflict_do_update(
            index_elements=["name"], set_={k: v for k, v in row.items() if k != "name"}
        )
    )


def unknown_sources(db: Connection, known: Collection[str]) -> list[str]:
    """The names of sources that were tried once and are none of the `known` ones any more."""
    return [name for name in db.scalars(select(sources.c.name).order_by(sources.c.name)) if name not in known]


def forget_source(tx: Connection, name: str) -> None:
    """Forget how a source fared; its pages and papers stay."""
    tx.execute(delete(sources).where(sources.c.name == name))


def pages_with_trouble(db: Connection, since: datetime, limit: int = 20) -> list[dict[str, Any]]:
    """The newest pages that gave no papers, with the reason: those picked up after `since` that were not mended."""
    query = select(pages.c.name, pages.c.source, pages.c.status, pages.c.reason, pages.c.fetched_at)
    later = pages.alias()
    mended = exists().where(
        later.c.id > pages.c.id,
        later.c.source == pages.c.source,
        later.c.name == pages.c.name,
        later.c.status.in_([PageStatus.OK, PageStatus.EMPTY]),
    )
    bad = pages.c.status.in_([PageStatus.BROKEN, PageStatus.UNRECOGNISED])
    trouble = query.where(bad, pages.c.fetched_at > since, ~mended)
    return [dict(row) for row in db.execute(trouble.order_by(pages.c.id.desc()).limit(limit)).mappings()]
