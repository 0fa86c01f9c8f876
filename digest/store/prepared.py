"""Statements that run once or twice for every message, said in the driver's own words.

SQLAlchemy puts every row of every execution together anew, which costs more than the database's own work on it. Here
that is done once a dialect.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, Dialect, Update

_Put = Callable[[Any], Any]


@dataclass(frozen=True, slots=True)
class _Words:
    """A statement as one driver takes it."""

    statement: str
    values: tuple[tuple[str, _Put | None], ...]  # each name, and what makes its value fit for the driver
    constants: Mapping[str, Any]
    is_positional: bool

    def row(self, said: Mapping[str, Any]) -> Any:
        given = {**self.constants, **said}
        if self.is_positional:
            return tuple([given[name] if put is None else put(given[name]) for name, put in self.values])
        return {name: given[name] if put is None else put(given[name]) for name, put in self.values}


@dataclass(slots=True)
class Prepared:
    """An UPDATE with named values that runs for many rows."""

    statement: Update
    _words: dict[str, _Words] = field(default_factory=dict)

    def run(self, tx: Connection, rows: Sequence[Mapping[str, Any]]) -> int:
        """Run it for these rows. Returns how many it changed."""
        words = self._words.get(tx.dialect.name) or self._words.setdefault(
            tx.dialect.name, _compile(self.statement, tx.dialect)
        )
        return tx.exec_driver_sql(words.statement, [words.row(row) for row in rows]).rowcount


def _compile(statement: Update, dialect: Dialect) -> _Words:
    compiled: Any = statement.compile(dialect=dialect)
    names = compiled.positiontup if compiled.positional else list(compiled.binds)
    puts = {
        name: bound.type.dialect_impl(dialect).bind_processor(dialect)
        for name, bound in compiled.binds.items()
    }
    constants = {name: value for name, value in compiled.params.items() if value is not None}
    return _Words(
        compiled.string, tuple((name, puts[name]) for name in names), constants, bool(compiled.positional)
    )
