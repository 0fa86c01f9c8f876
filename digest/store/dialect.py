"""The few words SQLite and PostgreSQL share but standard SQL lacks."""

from typing import Any

from sqlalchemy import Connection, Table
from sqlalchemy.dialects import postgresql, sqlite


def upsert(db: Connection, table: Table) -> Any:
    """An INSERT that knows `on_conflict_do_update`, for the database at hand."""
    return (postgresql if db.dialect.name == "postgresql" else sqlite).insert(table)


def insert_or_ignore(db: Connection, table: Table) -> Any:
    """An INSERT that does nothing, and returns nothing, when the row is already there."""
    return upsert(db, table).on_conflict_do_nothing()
