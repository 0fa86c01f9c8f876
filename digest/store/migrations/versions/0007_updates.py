"""Which papers shown before were told of again."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the day of the update."""
    op.add_column("shown", sa.Column("updated_on", sa.Date()))
