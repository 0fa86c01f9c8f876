"""Many rows at once: COPY into PostgreSQL, one prepared statement into SQLite."""

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from itertools import chain, islice
from typing import Any

from sqlalchemy import Connection, Table, insert
from sqlalchemy.exc import DBAPIError
from sqlalchemy.sql.schema import ScalarElementColumnDefault

_AT_ONCE = 1000
_TOLD_AT_ONCE = 100  # rows in one statement
_MARKED_AT_ONCE = (
    400  # values in one statement: with more of them, the driver spends more on the list than it saves
)


def fill(tx: Connection, table: Table, rows: Iterable[Mapping[str, Any]]) -> int:
    """Insert rows that all name the same columns; for columns they do not name the table's own default holds.

    Reads `rows` as it goes, a few at a time. Returns how many there were.
    """
    waiting = iter(rows)
    first = next(waiting, None)
    if first is None:
        return 0
    everything = chain([first], waiting)
    if tx.dialect.name == "postgresql":
        return _copy(tx, table, list(first), everything)
    count = 0
    while some := [dict(row) for row in islice(everything, _AT_ONCE)]:
        tx.execute(insert(table), some)
        count += len(some)
    return count


def _copy(tx: Connection, table: Table, names: list[str], rows: Iterable[Mapping[str, Any]]) -> int:
    defaults = {
        column.name: column.default.arg
        for column in table.columns
        if isinstance(column.default, ScalarElementColumnDefault) and column.name not in names
    }
    quoted = ", ".join(tx.dialect.identifier_preparer.quote(name) for name in [*names, *defaults])
    bind = [table.c[name].type.dialect_impl(tx.dialect).bind_processor(tx.dialect) for name in names]
    command, driver = f"COPY {table.name} ({quoted}) FROM STDIN", tx.dialect.loaded_dbapi.Error
    raw, count = tx.connection.cursor(), 0
    try:
        with raw.copy(command) as copy:
            for row in rows:
                values = [
                    row[name] if to is None else to(row[name]) for name, to in zip(names, bind, strict=True)
                ]
                copy.write_row([*values, *defaults.values()])
                count += 1
    except driver as error:  # SQLAlchemy knows nothing of COPY; its callers know only SQLAlchemy's errors
        raise DBAPIError.instance(command, None, error, driver, dialect=tx.dialect) from error
    return count


def add_rows(tx: Connection, table: Table, names: Sequence[str], rows: Sequence[tuple[Any, ...]]) -> None:
    """Insert rows whose values stand in the order of `names`; those that are there already are passed over.

    For the hottest tables: the values go to the driver as they are, so they must be what it takes (numbers, text, bytes).
    """
    if not rows:
        return
    into = f"INSERT INTO {table.name} ({', '.join(names)})"
    if tx.dialect.name == "postgresql":  # a column at a time: one statement, however many rows
        types = [table.c[name].type.compile(tx.dialect) for name in names]
        marks = ", ".join(
            f"%b::{kind}[]" for kind in types
        )  # binary: as text each value would be searched for quotes
        columns = tuple(map(list, zip(*rows, strict=True)))
        tx.exec_driver_sql(f"{into} SELECT * FROM unnest({marks}) ON CONFLICT DO NOTHING", columns)  # noqa: S608
    else:
        size = _MARKED_AT_ONCE // len(names)  # a statement costs as much as several rows
        driver: Any = tx.connection.driver_connection  # which needs nothing of SQLAlchemy
        for start in range(0, len(rows), size):
            some = rows[start : start + size]
            marks = _marks(len(names), len(some))
            driver.execute(f"{into} VALUES {marks} ON CONFLICT DO NOTHING", tuple(chain.from_iterable(some)))


def add_new_rows(
    tx: Connection,
    table: Table,
    names: Sequence[str],
    rows: Sequence[tuple[Any, ...]],
    *,
    same: Mapping[str, Any],
    returning: Sequence[str],
) -> list[tuple[Any, ...]]:
    """As `add_rows`, with columns that are the `same` in all rows. Returns these columns of the rows that were new.

    The values of `same` may be whatever the table's types take.
    """
    fixed = tuple(fitted(tx, table, name, value) for name, value in same.items())
    columns, back = (*same, *names), ", ".join(returning)
    into = f"INSERT INTO {table.name} ({', '.join(columns)})"
    found: list[tuple[Any, ...]] = []
    if tx.dialect.name == "postgresql":
        kinds = [table.c[name].type.compile(tx.dialect) for name in columns]
        marks = ", ".join(f"%s::{kind}" for kind in kinds[: len(same)])
        lists = ", ".join(f"%b::{kind}[]" for kind in kinds[len(same) :])
        chosen = f"SELECT {marks}, new.* FROM unnest({lists}) AS new ON CONFLICT DO NOTHING RETURNING {back}"  # noqa: S608
        values = (*fixed, *map(list, zip(*rows, strict=True)))
        found += tx.exec_driver_sql(f"{into} {chosen}", values) if rows else ()
    else:
        for start in range(0, len(rows), _TOLD_AT_ONCE):
            some = rows[start : start + _TOLD_AT_ONCE]
            listed = _listed(len(same), len(names), len(some))
            statement = f"{into} {listed} ON CONFLICT DO NOTHING RETURNING {back}"
            found += tx.exec_driver_sql(statement, (*fixed, *chain.from_iterable(some)))
    return [tuple(row) for row in found]


def fitted(tx: Connection, table: Table, name: str, value: Any) -> Any:
    """A value of this column as the driver takes it."""
    put = table.c[name].type.dialect_impl(tx.dialect).bind_processor(tx.dialect)
    return value if put is None else put(value)


@lru_cache(maxsize=64)
def _marks(names: int, rows: int) -> str:
    each = f"({', '.join('?' * names)})"
    return ", ".join([each] * rows)


@lru_cache(maxsize=64)
def _listed(same: int, names: int, rows: int) -> str:
    """Marks for rows that share their first values, which are said once.

    Not by numbers: from Python 3.14 on sqlite3 takes ?1 for a name, and refuses a sequence of values for it.
    """
    shared, each = (f"({', '.join('?' * count)})" for count in (same, names))
    return f"SELECT * FROM (VALUES {shared}), (VALUES {', '.join([each] * rows)}) WHERE true"  # noqa: S608
