"""Statements that run once or twice for every message, said in the driver's own words.

SQLAlchemy puts every row of every execution together anew, which costs more than the database's own work on it. Here
that is done once a dialect.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, Dialect, Update
from sqlalchemy.dialects import sqlite

_Put = Callable[[Any], Any]


@dataclass(frozen=True, slots=True)
class _Words:
    """A statement as one driver takes it."""

    statement: str
    values: Mapping[str, _Put]  # each name, and what makes its value fit for the driver
    constants: Mapping[str, Any]

    def rows(self, said: Sequence[Mapping[str, Any]], same: Mapping[str, Any]) -> list[Any]:
        """The values of each row; what is the same in all of them is made fit once."""
        same = self._fit({**self.constants, **same})
        return [same | self._fit(row) for row in said]

    def _fit(self, given: Mapping[str, Any]) -> dict[str, Any]:
        return {name: self.values[name](value) for name, value in given.items()}


@dataclass(slots=True)
class Prepared:
    """An UPDATE with named values that runs for many rows."""

    statement: Update
    _words: dict[str, _Words] = field(default_factory=dict)

    def run(self, tx: Connection, rows: Sequence[Mapping[str, Any]], **same: Any) -> int:
        """Run it for these rows, each with the values that are the `same` for all. Returns how many it changed."""
        words = self._words.get(tx.dialect.name) or self._words.setdefault(
            tx.dialect.name, _compile(self.statement, tx.dialect)
        )
        values = words.rows(rows, same)
        if tx.dialect.name == "sqlite":  # whose driver needs nothing of SQLAlchemy
            driver: Any = tx.connection.driver_connection
            return int(driver.executemany(words.statement, values).rowcount)
        return tx.exec_driver_sql(words.statement, values).rowcount


def _compile(statement: Update, dialect: Dialect) -> _Words:
    compiled: Any = statement.compile(
        dialect=sqlite.dialect(paramstyle="named") if dialect.name == "sqlite" else dialect
    )
    values = {
        name: bound.type.dialect_impl(dialect).bind_processor(dialect) or _as_it_is
        for name, bound in compiled.binds.items()
    }
    constants = {name: value for name, value in compiled.params.items() if value is not None}
    return _Words(compiled.string, values, constants)


def _as_it_is(value: Any) -> Any:
    return value
