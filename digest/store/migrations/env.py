"""Alembic runs this file; the connection and its transaction come from `digest.store.engine`."""

from alembic import context

from digest.store.schema import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
context.run_migrations()
