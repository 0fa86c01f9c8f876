"""Statements that run once or twice for every message, said in the driver's own words.

SQLAlchemy puts every row of every execution together anew, which costs more than the database's own work on it. Here
that is done once a dialect.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from sqlalchemy import Connection, Dialect, Executable

from digest.store.schema import Instant

_Fit = Callable[[Any], Any]
_INSTANTS: dict[str, _Fit] = {}  # by dialect


@dataclass(frozen=True, slots=True)
class _Words:
    """A statement as one driver takes it, its values by their places."""

    statement: str
    names: tuple[str, ...]  # of the values, in the order of their places
    each: tuple[tuple[int, int, _Fit], ...]  # place, place in the caller's row, and what makes it fit
    fit: Mapping[str, _Fit]  # the same for what all rows share
    constants: Mapping[str, Any]
    told: tuple[tuple[int, _Fit], ...]  # columns of the answer that must be made ours again

    def rows(self, said: Sequence[tuple[Any, ...]], same: Mapping[str, Any]) -> list[tuple[Any, ...]]:
        """The values of each row; what is the same in all of them is made fit once."""
        shared = {name: self.fit[name](value) for name, value in {**self.constants, **same}.items()}
        row = [shared.get(name) for name in self.names]
        rows = []
        for values in said:
            for place, source, fit in self.each:
                row[place] = fit(values[source])
            rows.append(tuple(row))
        return rows


class Prepared:
    """A statement with named values. Those named in `each` differ from row to row, the others are the same in all."""

    def __init__(self, statement: Executable, *each: str) -> None:
        self._statement = statement
        self._each = each
        self._words: dict[str, _Words] = {}

    def run(self, tx: Connection, rows: Sequence[tuple[Any, ...]], **same: Any) -> int:
        """Run it for these rows, whose values stand in the order of `each`. Returns how many it changed."""
        words = self._said_to(tx)
        values = words.rows(rows, same)
        if tx.dialect.name == "sqlite":  # whose driver needs nothing of SQLAlchemy
            driver: Any = tx.connection.driver_connection
            return int(driver.executemany(words.statement, values).rowcount)
        return tx.exec_driver_sql(words.statement, values).rowcount

    def ask(self, tx: Connection, **same: Any) -> list[list[Any]]:
        """Run it once. Returns the rows it answers with."""
        words = self._said_to(tx)
        answer = [list(row) for row in tx.exec_driver_sql(words.statement, words.rows([()], same)[0])]
        for row in answer:
            for place, fit in words.told:
                row[place] = fit(row[place])
        return answer

    def _said_to(self, tx: Connection) -> _Words:
        name = tx.dialect.name
        if name not in self._words:
            self._words[name] = _compile(self._statement, tx.dialect, self._each)
        return self._words[name]


def _compile(statement: Any, dialect: Dialect, each: Sequence[str]) -> _Words:
    by_place: Any = type(dialect)
    compiled = statement.compile(
        dialect=by_place(paramstyle="qmark" if dialect.name == "sqlite" else "format")
    )
    fit = {name: _fitting(bound.type, dialect) for name, bound in compiled.binds.items()}
    names = tuple(compiled.positiontup)
    back = [
        column.type.dialect_impl(dialect).result_processor(dialect, None)
        for column in statement.exported_columns
    ]
    return _Words(
        compiled.string,
        names,
        tuple((place, each.index(name), fit[name]) for place, name in enumerate(names) if name in each),
        fit,
        {name: value for name, value in compiled.params.items() if value is not None},
        tuple((place, to) for place, to in enumerate(back) if to is not None),
    )


def _fitting(kind: Any, dialect: Dialect) -> _Fit:
    fit: _Fit | None = kind.dialect_impl(dialect).bind_processor(dialect)
    if fit is None:
        return _as_it_is
    if isinstance(kind, Instant):  # the same "now" in all statements of a transaction
        return _INSTANTS.setdefault(dialect.name, lru_cache(maxsize=4)(fit))
    return fit


def _as_it_is(value: Any) -> Any:
    return value
