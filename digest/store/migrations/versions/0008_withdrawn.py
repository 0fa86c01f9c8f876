"""What digests held that were given up."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "withdrawn",
        sa.Column("delivery_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("paper_pk", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("score", sa.Text()),
        sa.ForeignKeyConstraint(
            ["delivery_id"], ["deliveries.id"], ondelete="CASCADE", name="fk_withdrawn_delivery_id_deliveries"
        ),
        sa.ForeignKeyConstraint(
            ["paper_pk"], ["papers.pk"], ondelete="CASCADE", name="fk_withdrawn_paper_pk_papers"
        ),
        sa.PrimaryKeyConstraint("delivery_id", "paper_pk", name="pk_withdrawn"),
    )
