"""Runs, their shards, and what they are made from."""

import sqlalchemy as sa
from alembic import op

from digest.store.schema import Instant

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables."""
    row_id = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    op.create_table(
        "snapshots",
        sa.Column("id", row_id, nullable=False),
        sa.Column("content_hash", sa.Text(), nullable=False),
        sa.Column("taken_at", Instant(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_snapshots"),
        sa.UniqueConstraint("content_hash", name="uq_snapshots_content_hash"),
    )
    op.create_table(
        "runs",
        sa.Column("id", row_id, nullable=False),
        sa.Column("planned_at", Instant(), nullable=False),
        sa.Column("snapshot_id", row_id, nullable=False),
        sa.Column("people", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["snapshot_id"], ["snapshots.id"], name="fk_runs_snapshot_id"),
        sa.PrimaryKeyConstraint("id", name="pk_runs"),
    )
    op.create_index("ix_runs_snapshot_id", "runs", ["snapshot_id"])
    op.create_table(
        "shards",
        sa.Column("id", row_id, nullable=False),
        sa.Column("run_id", row_id, nullable=False),
        sa.Column("people", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("due_at", Instant(), nullable=False),
        sa.Column("wake_at", Instant(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("lease_owner", sa.Text(), nullable=True),
        sa.Column("queued", sa.Integer(), nullable=False),
        sa.Column("skipped", sa.Integer(), nullable=False),
        sa.Column("finished_at", Instant(), nullable=True),
        sa.ForeignKeyConstraint(["run_id"], ["runs.id"], name="fk_shards_run_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name="pk_shards"),
    )
    op.create_index("ix_shards_run_id", "shards", ["run_id"])
    is_open = sa.text("state IN ('open', 'held')")
    op.create_index(
        "ix_shards_open", "shards", ["due_at", "id"], sqlite_where=is_open, postgresql_where=is_open
    )


def downgrade() -> None:
    """There is no way back: restore a backup."""
    raise NotImplementedError("restore a backup made before the upgrade")
