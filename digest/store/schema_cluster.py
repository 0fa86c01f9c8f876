"""The tables of publishing with many hands: what a run is made from, and who does which part of it."""

from sqlalchemy import Column, ForeignKey, Index, Integer, LargeBinary, Table, text

from digest.store.schema import Instant, RowId, Text, metadata

# What all digests of a run are chosen from, as it was then; runs between which nothing new came share one.
snapshots = Table(
    "snapshots",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("content_hash", Text, nullable=False, unique=True),
    Column("taken_at", Instant, nullable=False),
    Column("body", LargeBinary, nullable=False),
)

runs = Table(
    "runs",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("planned_at", Instant, nullable=False),  # the moment all its digests are of
    Column("snapshot_id", ForeignKey("snapshots.id"), nullable=False, index=True),
    Column("people", Integer, nullable=False),
)

_OPEN = text("state IN ('open', 'held')")

shards = Table(
    "shards",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("run_id", ForeignKey("runs.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("people", Text, nullable=False),  # JSON: their numbers
    Column("state", Text, nullable=False),  # open | held | done | failed
    Column("due_at", Instant, nullable=False),  # when a worker may take it: at once, or when its lease ends
    Column("wake_at", Instant, nullable=False),  # when somebody is told again that it waits
    Column("attempts", Integer, nullable=False, default=0),
    Column("lease_owner", Text),
    Column("queued", Integer, nullable=False, default=0),
    Column("skipped", Integer, nullable=False, default=0),
    Column("finished_at", Instant),
    Index("ix_shards_open", "due_at", "id", sqlite_where=_OPEN, postgresql_where=_OPEN),
)
