"""Databases of every earlier release, with rows in every table, come up to this one and lose nothing."""

import datetime as dt
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from sqlalchemy import MetaData, insert, select

from digest.store import Store, engine
from digest.store.moving import export_all, import_all
from digest.store.people import every_subscriber
from digest.store.schema import metadata
from tests import postgres
from tests.builders import NOW, a_profile
from tests.postgres import SECRET

VERSIONS = [f"{number:04}" for number in range(1, int(engine.HEAD) + 1)]


@pytest.fixture
def empty_url(request, tmp_path):
    """The address of a database without any table."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'old.db'}"
        return
    server, why_not = postgres.server()
    if server is None:
        pytest.skip(why_not)
    with postgres.database(empty=True) as url:
        yield url


def bring_to(url, version):
    """A database as that release left it, with two rows in each of its tables; gives what it holds."""
    config = Config()
    config.set_main_option("script_location", str(Path(engine.__file__).parent / "migrations"))
    old = sa.create_engine(url)
    with old.begin() as tx:
        config.attributes["connection"] = tx
        command.upgrade(config, version)
    tables = MetaData()
    tables.reflect(old)
    with old.begin() as tx:
        for table in tables.sorted_tables:
            if table.name != "alembic_version":
                tx.execute(insert(table), [a_row(table, number) for number in (1, 2)])
        held = {
            table.name: [dict(row) for row in tx.execute(select(table)).mappings()]
            for table in tables.sorted_tables
        }
    old.dispose()
    return held


def a_row(table, number):
    return {column.name: a_value(table, column, number) for column in table.columns}


def a_value(table, column, number):
    kind = column.type
    if column.foreign_keys or (column.primary_key and isinstance(kind, sa.Integer)):
        return number
    if isinstance(kind, sa.DateTime):
        return NOW if kind.timezone else NOW.replace(tzinfo=None)
    profile = a_profile(email=f"{number}@example.org").to_json()
    known = {"profile": profile, "profile_before": profile, "authors": "[]", "fields": "[]"}
    if column.name in known:
        return known[column.name]
    if isinstance(kind, sa.Date):
        return dt.date(2026, 3, number)
    if isinstance(kind, sa.Integer | sa.Float):
        return number
    return b"bytes" if isinstance(kind, sa.LargeBinary) else f"{table.name} {number}"


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("empty_url", ["sqlite", "postgresql"], indirect=True)
def test_a_database_of_an_earlier_release_comes_up_with_everything_in_it(empty_url, version):
    before = bring_to(empty_url, version)
    store = Store(empty_url, secret=SECRET)
    with store.reading() as db:
        assert compare_metadata(MigrationContext.configure(db), metadata) == []
        assert len(every_subscriber(db)) == 2
    now = sa.create_engine(empty_url)
    tables = MetaData()
    tables.reflect(now)
    with now.connect() as db:
        for name, rows in before.items():
            if name == "alembic_version":
                continue
            found = [dict(row) for row in db.execute(select(tables.tables[name])).mappings()]
            kept = [{key: row[key] for key in rows[0] if key in row} for row in found]
            assert sorted(map(repr, kept)) == sorted(
                map(repr, ({k: row[k] for k in kept[0]} for row in rows))
            )
    now.dispose()
    store.close()


@pytest.mark.parametrize("empty_url", ["sqlite", "postgresql"], indirect=True)
def test_a_database_of_the_first_release_can_be_moved_after_it_came_up(empty_url, tmp_path):
    bring_to(empty_url, "0001")
    store = Store(empty_url, secret=SECRET)
    there = export_all(store, tmp_path / "home.zip", now=NOW)
    other = Store(f"sqlite:///{tmp_path / 'other.db'}", secret=SECRET)
    assert import_all(other, tmp_path / "home.zip") == there
    assert there["subscribers"].rows == 2
    store.close()
    other.close()
