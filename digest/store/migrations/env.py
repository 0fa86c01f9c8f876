"""Alembic runs this file; the connection and its transaction come from `digest.store.engine`."""

from alembic import context

from digest.store import schema_front  # noqa: F401  # puts its tables into the metadata
from digest.store.schema import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
context.run_migrations()
