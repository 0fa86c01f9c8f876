"""A whole database as one file, and back: from SQLite to PostgreSQL, from PostgreSQL to SQLite, with nothing lost.

The file is a ZIP archive. `manifest.json` says which version of the tables it holds and, for each table, how many rows and
their sum; `TABLE.ndjson` has the rows, one JSON object a line, instants in ISO 8601 and UTC, bytes in base64. The sum of a
table is the sum of the SHA-256 of its lines modulo 2^256: the order of the rows, which databases see differently, does
not matter to it.
"""

import hashlib
import hmac
import io
import json
import os
import zipfile
import zlib
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Column, Connection, Date, LargeBinary, Table, func, select, text
from sqlalchemy.exc import IntegrityError

from digest.errors import StoreError
from digest.store import (  # they put their tables into the metadata
    Store,
    schema_cluster,  # noqa: F401
    schema_front,  # noqa: F401
    schema_operator,  # noqa: F401
)
from digest.store.bulk import fill
from digest.store.engine import HEAD
from digest.store.schema import Instant, Text, metadata

_FORMAT = "paper digest export"
_MODULUS = 1 << 256
_AT_ONCE = 500
_DAY_ONE = (1980, 1, 1, 0, 0, 0)  # the same rows make the same file


@dataclass(frozen=True, slots=True)
class Counted:
    """How many rows a table has, and their sum."""

    rows: int
    sha256_sum: str


def export_all(store: Store, target: Path, *, now: datetime) -> dict[str, Counted]:
    """Write everything into `target`, as it is at one moment, while others go on. Returns what each table holds.

    Raises `StoreError`; an older `target` is there until the new one is whole.
    """
    temporary = target.with_name(f".{target.name}.{os.getpid()}.tmp")
    try:
        with _file_errors(target):
            target.parent.mkdir(parents=True, exist_ok=True)
            temporary.touch(mode=0o600)
            with (
                store.reading() as db,
                zipfile.ZipFile(temporary, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as file,
            ):
                counted = {table.name: _export(db, table, file) for table in metadata.sorted_tables}
                said = {
                    name: {"rows": one.rows, "sha256_sum": one.sha256_sum} for name, one in counted.items()
                }
                manifest = {
                    "format": _FORMAT,
                    "schema": HEAD,
                    "made_at": now.isoformat(),
                    "secret": _trace(store),
                }
                _write(file, "manifest.json", json.dumps(manifest | {"tables": said}, indent=2).encode())
            temporary.replace(target)
    finally:
        with suppress(OSError):
            temporary.unlink()
    return counted


def import_all(store: Store, source: Path) -> dict[str, Counted]:
    """Read a file of `export_all` into an empty database, in one transaction: all of it, counted and compared, or nothing.

    Returns what each table holds. Raises `StoreError` when the file is damaged or of another version, when it was made
    with another secret, or when the database is not empty.
    """
    with _file_errors(source), zipfile.ZipFile(source) as file:
        said = _manifest(file, source, store)
        with store.writing() as tx:
            _refuse_unless_empty(tx)
            for table in metadata.sorted_tables:
                _import(tx, table, file, said)
            counted = {table.name: _sum_of(tx, table) for table in metadata.sorted_tables}
            for name, one in counted.items():
                if one != said[name]:
                    raise StoreError(
                        f"{source} is damaged: table {name} is not what its manifest says; nothing was changed"
                    )
            _set_counters(tx)
    return counted


def _export(db: Connection, table: Table, file: zipfile.ZipFile) -> Counted:
    total, count = 0, 0
    with (
        file.open(_entry(f"{table.name}.ndjson"), "w", force_zip64=True) as raw,
        io.BufferedWriter(raw) as out,
    ):
        for line in _lines(db, table):
            out.write(line + b"\n")
            total, count = (total + _hash(line)) % _MODULUS, count + 1
    return Counted(count, f"{total:064x}")


def _sum_of(db: Connection, table: Table) -> Counted:
    total, count = 0, 0
    for line in _lines(db, table):
        total, count = (total + _hash(line)) % _MODULUS, count + 1
    return Counted(count, f"{total:064x}")


def _lines(db: Connection, table: Table) -> Iterator[bytes]:
    """The rows of a table as they stand in the file."""
    write = [(column.name, _writer(column)) for column in table.columns]
    ordered = select(table).order_by(*table.primary_key.columns).execution_options(yield_per=_AT_ONCE)
    for row in db.execute(ordered):
        said = {name: to(value) for (name, to), value in zip(write, row, strict=True)}
        yield json.dumps(said, ensure_ascii=False, separators=(",", ":")).encode()


def _import(tx: Connection, table: Table, file: zipfile.ZipFile, said: dict[str, Counted]) -> None:
    if table.name not in said:
        raise StoreError(
            f"the file lacks the table {table.name}; export again with this version of the program"
        )
    read = {column.name: _reader(column) for column in table.columns}

    def rows() -> Iterator[dict[str, Any]]:
        with file.open(f"{table.name}.ndjson") as lines:
            for line in lines:
                yield {name: read[name](value) for name, value in json.loads(line).items()}

    try:
        fill(tx, table, rows())
    except (IntegrityError, ValueError, KeyError) as error:
        raise StoreError(
            f"the file is damaged: table {table.name} cannot be read; nothing was changed"
        ) from error


def _manifest(file: zipfile.ZipFile, source: Path, store: Store) -> dict[str, Counted]:
    try:
        said = json.loads(file.read("manifest.json"))
        tables = {name: Counted(one["rows"], one["sha256_sum"]) for name, one in said["tables"].items()}
    except (KeyError, ValueError) as error:
        raise StoreError(f"{source} was not made by `digest export`") from error
    if said.get("format") != _FORMAT:
        raise StoreError(f"{source} was not made by `digest export`")
    if said["schema"] != HEAD:
        raise StoreError(
            f"{source} is of schema {said['schema']}, this program knows {HEAD}: use the same version for both ends"
        )
    if not hmac.compare_digest(said["secret"], _trace(store)):
        raise StoreError(
            f"{source} was made with another secret; bring data/secret.key (or DIGEST_SECRET) along, else links in mails"
            " sent so far end, and suppressed addresses are mailed again"
        )
    return tables


def _trace(store: Store) -> str:
    """Tells whether two homes have one secret, and nothing of the secret."""
    return store.address_hash("the same secret?")[:16]


def _refuse_unless_empty(tx: Connection) -> None:
    for table in metadata.sorted_tables:
        count = tx.execute(select(func.count()).select_from(table)).scalar_one()
        if count:
            raise StoreError(
                f"the database is not empty ({table.name} holds something); import into a new one"
            )


def _set_counters(tx: Connection) -> None:
    """The next row made gets a number of its own. SQLite does that by itself."""
    if tx.dialect.name != "postgresql":
        return
    for table in metadata.sorted_tables:
        for column in table.primary_key.columns:
            counter = tx.execute(
                text("SELECT pg_get_serial_sequence(:t, :c)"), {"t": table.name, "c": column.name}
            )
            if name := counter.scalar():
                last = tx.execute(select(func.max(column))).scalar()
                tx.execute(
                    text("SELECT setval(:name, :last, :called)"),
                    {"name": name, "last": last or 1, "called": last is not None},
                )


def _writer(column: Column[Any]) -> Callable[[Any], Any]:
    if isinstance(column.type, LargeBinary):
        return lambda value: None if value is None else b64encode(value).decode()
    if isinstance(column.type, Instant):
        return lambda value: None if value is None else value.astimezone(UTC).isoformat()
    if isinstance(column.type, Date):
        return lambda value: None if value is None else value.isoformat()
    if isinstance(column.type, Text):  # an SQLite file of earlier days may hold a NUL
        return lambda value: value.replace("\0", "") if value else value
    return lambda value: value


def _reader(column: Column[Any]) -> Callable[[Any], Any]:
    if isinstance(column.type, LargeBinary):
        return lambda value: None if value is None else b64decode(value)
    if isinstance(column.type, Instant):
        return lambda value: None if value is None else datetime.fromisoformat(value)
    if isinstance(column.type, Date):
        return lambda value: None if value is None else date.fromisoformat(value)
    return lambda value: value


def _hash(line: bytes) -> int:
    return int.from_bytes(hashlib.sha256(line).digest(), "big")


def _entry(name: str) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name, _DAY_ONE)
    entry.compress_type = zipfile.ZIP_DEFLATED
    return entry


def _write(file: zipfile.ZipFile, name: str, content: bytes) -> None:
    file.writestr(_entry(name), content)


@contextmanager
def _file_errors(path: Path) -> Iterator[None]:
    """Turn errors of the file into a `StoreError` that says what to do."""
    try:
        yield
    except (zipfile.BadZipFile, zlib.error, EOFError) as error:
        raise StoreError(f"{path} is damaged or no export: {error}; take another copy") from error
    except OSError as error:
        raise StoreError(f"cannot use {path}: {error.strerror or error}") from error
