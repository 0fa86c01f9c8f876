"""What people said of papers."""

import sqlalchemy as sa
from alembic import op

from digest.store.schema import Instant

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """From 0001."""
    op.create_table(
        "votes",
        sa.Column("subscriber_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("paper_pk", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("direction", sa.Text(), nullable=False),
        sa.Column("voted_at", Instant(), nullable=False),
        sa.ForeignKeyConstraint(
            ["subscriber_id"], ["subscribers.id"], name="fk_votes_subscriber_id", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["paper_pk"], ["papers.pk"], name="fk_votes_paper_pk", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("subscriber_id", "paper_pk", name="pk_votes"),
    )


def downgrade() -> None:
    """There is no way back: restore a backup."""
    raise NotImplementedError("restore a backup made before the upgrade")
