"""Mails as recipes, and the pieces they share."""

import sqlalchemy as sa
from alembic import op

from digest.store.schema import Instant

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the pieces. Mails that are kept already stay whole."""
    op.create_table(
        "pieces",
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("words", sa.LargeBinary(), nullable=False),
        sa.Column("used_at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("key", name="pk_pieces"),
    )
    op.add_column("messages", sa.Column("written_at", Instant()))
    op.create_index("ix_messages_written_at", "messages", ["written_at"])
