"""Requests that wait for a word of their reader, proofs of consent, limits; pauses that end, and changes that can be undone."""

import sqlalchemy as sa
from alembic import op

from digest.store.schema import Instant

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None
_ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Make the tables and columns."""
    for name in ("links_version", "profile_version"):
        op.add_column(
            "subscribers", sa.Column(name, sa.Integer(), nullable=False, server_default=sa.text("0"))
        )
    op.add_column("subscribers", sa.Column("profile_before", sa.Text(), nullable=True))
    for name in ("paused_at", "paused_until", "catch_up_since"):
        op.add_column("subscribers", sa.Column(name, Instant(), nullable=True))
    op.create_table(
        "requests",
        sa.Column("id", _ROW_ID, nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("subscriber_id", _ROW_ID, nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("profile", sa.Text(), nullable=True),
        *_agreed(),
        sa.Column("ends_at", Instant(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=True),
        sa.Column("settled_at", Instant(), nullable=True),
        _of_subscriber("requests"),
        sa.PrimaryKeyConstraint("id", name="pk_requests"),
    )
    op.create_index("ix_requests_subscriber_id", "requests", ["subscriber_id"])
    op.create_index("ix_requests_ends_at", "requests", ["ends_at"])
    op.create_table(
        "consents",
        sa.Column("id", _ROW_ID, nullable=False),
        sa.Column("subscriber_id", _ROW_ID, nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        *_agreed(),
        sa.Column("confirmed_at", Instant(), nullable=False),
        _of_subscriber("consents"),
        sa.PrimaryKeyConstraint("id", name="pk_consents"),
    )
    op.create_index("ix_consents_subscriber_id", "consents", ["subscriber_id"])
    op.create_table(
        "asks",
        sa.Column("id", _ROW_ID, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("address_hash", sa.Text(), nullable=False),
        sa.Column("domain_hash", sa.Text(), nullable=False),
        sa.Column("network_hash", sa.Text(), nullable=True),
        sa.Column("wide_network_hash", sa.Text(), nullable=True),
        sa.Column("is_mailed", sa.Integer(), nullable=False),
        sa.Column("asked_at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_asks"),
    )
    op.create_index("ix_asks_asked_at", "asks", ["asked_at"])


def _agreed() -> list[sa.Column[object]]:
    return [
        sa.Column("wording", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("asked_at", Instant(), nullable=False),
    ]


def _of_subscriber(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        ["subscriber_id"], ["subscribers.id"], name=f"fk_{table}_subscriber_id", ondelete="CASCADE"
    )


def downgrade() -> None:
    """There is no way back: restore a backup."""
    raise NotImplementedError("restore a backup made before the upgrade")
