"""The few words SQLite and PostgreSQL share but standard SQL lacks."""

import json
from collections.abc import Collection
from typing import Any, TypeVar

from sqlalchemy import Column, ColumnElement, Connection, Table, any_, column, func, literal, select, text
from sqlalchemy.dialects import postgresql, sqlite

Value = TypeVar("Value", int, str)


def upsert(db: Connection, table: Table) -> Any:
    """An INSERT that knows `on_conflict_do_update`, for the database at hand."""
    return (postgresql if db.dialect.name == "postgresql" else sqlite).insert(table)


def insert_or_ignore(db: Connection, table: Table) -> Any:
    """An INSERT that does nothing, and returns nothing, when the row is already there."""
    return upsert(db, table).on_conflict_do_nothing()


def any_of(db: Connection, chosen: Column[Value], values: Collection[Value]) -> ColumnElement[bool]:
    """Whether a column has one of `values`, however many they are: all of them are one bound value.

    With a mark for each, SQLAlchemy would take longer to say it than the database to do it.
    """
    if db.dialect.name == "postgresql":
        return chosen == any_(literal(list(values), postgresql.ARRAY(chosen.type)))
    return chosen.in_(select(column("value")).select_from(func.json_each(json.dumps(list(values)))))


def alone(tx: Connection, what: str) -> None:
    """Until this transaction ends nobody else is `alone` with `what`, or `beside` others with it. On SQLite, where one
    writes at a time, that holds anyway.

    For the few things that look before they write; everything else goes on beside it.
    """
    _lock(tx, "pg_advisory_xact_lock", what)


def beside(tx: Connection, what: str) -> None:
    """Until this transaction ends nobody is `alone` with `what`."""
    _lock(tx, "pg_advisory_xact_lock_shared", what)


def _lock(tx: Connection, how: str, what: str) -> None:
    if tx.dialect.name == "postgresql":
        # Each schema is a house of its own.
        tx.execute(text(f"SELECT {how}(hashtext(current_schema() || :what))"), {"what": f"/{what}"})
