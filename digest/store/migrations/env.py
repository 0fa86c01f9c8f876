"""Alembic runs this file; the connection and its transaction come from `digest.store.engine`."""

from alembic import context

from digest.store import schema_cluster, schema_front, schema_operator  # noqa: F401  # they put their tables into the metadata
from digest.store.schema import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
context.run_migrations()
