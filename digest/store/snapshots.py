"""What all digests of a run are chosen from, as it was when the run began, so that every shard and every retry sees the same."""

import hashlib
import json
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import date, datetime
from typing import Any

from sqlalchemy import Connection, delete, select

from digest.model import Paper
from digest.store.dialect import insert_or_ignore
from digest.store.papers import StoredPaper, seen_since, when_counted
from digest.store.schema_cluster import runs, snapshots

_FIELDS = [one.name for one in fields(Paper)]


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Papers of late and when their votes were counted."""

    papers: tuple[StoredPaper, ...] = ()  # the newest first
    # By paper id: the first day a page listed it for, and when its votes were last counted.
    counted: Mapping[str, tuple[date, datetime]] = field(default_factory=dict)


def take_snapshot(db: Connection, since: datetime, *, limit: int) -> Snapshot:
    """What is known now of the papers seen after `since`, of the newest `limit`."""
    return Snapshot(tuple(seen_since(db, since, limit=limit)), when_counted(db, since))


def keep_snapshot(tx: Connection, snapshot: Snapshot, now: datetime) -> int:
    """Store it and return its number; one that says the same is stored already is used again."""
    raw = _to_bytes(snapshot)
    content_hash = hashlib.sha256(raw).hexdigest()
    row = {"content_hash": content_hash, "taken_at": now, "body": zlib.compress(raw, 1)}
    known = select(snapshots.c.id).where(snapshots.c.content_hash == content_hash)
    number = tx.execute(known).scalar()
    if number is None:
        tx.execute(insert_or_ignore(tx, snapshots).values(row))
        number = tx.execute(known).scalar_one()
    return int(number)


def read_snapshot(db: Connection, number: int) -> Snapshot:
    """The snapshot of this number, as it was taken."""
    return _from_bytes(
        zlib.decompress(db.execute(select(snapshots.c.body).where(snapshots.c.id == number)).scalar_one())
    )


def forget_snapshots(tx: Connection) -> int:
    """Forget those that no run is made from any more. Returns how many."""
    used = select(runs.c.snapshot_id)
    return tx.execute(delete(snapshots).where(snapshots.c.id.not_in(used))).rowcount


def _to_bytes(snapshot: Snapshot) -> bytes:
    papers = [
        [one.pk, one.last_seen_at.isoformat(), *(_plain(getattr(one.paper, name)) for name in _FIELDS)]
        for one in snapshot.papers
    ]
    counted = {key: [on.isoformat(), at.isoformat()] for key, (on, at) in sorted(snapshot.counted.items())}
    return json.dumps({"fields": _FIELDS, "papers": papers, "counted": counted}, ensure_ascii=False).encode()


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, date) else value


def _from_bytes(raw: bytes) -> Snapshot:
    said = json.loads(raw)
    counted = {
        key: (date.fromisoformat(on), datetime.fromisoformat(at)) for key, (on, at) in said["counted"].items()
    }
    return Snapshot(tuple(_stored(said["fields"], row) for row in said["papers"]), counted)


def _stored(names: list[str], row: list[Any]) -> StoredPaper:
    known: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value
        for name, value in zip(names, row[2:], strict=True)
    }
    if known["published_on"] is not None:
        known["published_on"] = date.fromisoformat(known["published_on"])
    return StoredPaper(row[0], Paper(**known), datetime.fromisoformat(row[1]))
