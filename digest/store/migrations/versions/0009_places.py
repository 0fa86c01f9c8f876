"""Where each source was looked for."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the hash of the place."""
    op.add_column("sources", sa.Column("place_hash", sa.Text()))
