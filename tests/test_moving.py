"""A home moves from one kind of database to the other and back, and nothing is lost on the way."""

import json
import zipfile
from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import insert, select
from sqlalchemy.types import Date, Float, Integer, LargeBinary

from digest.errors import StoreError
from digest.store import Store
from digest.store.moving import export_all, import_all
from digest.store.papers import record_page
from digest.store.schema import Instant, deliveries, metadata, subscribers
from tests import postgres
from tests.builders import NOW, a_page_of, a_paper, a_profile, owe, record, subscribe
from tests.postgres import SECRET


def fill_every_table(store, rows=3):
    """Rows in every table there is, in every column, with what databases are known to change on the way."""
    with store.writing() as tx:
        for table in metadata.sorted_tables:
            tx.execute(insert(table), [a_row(table, number) for number in range(1, rows + 1)])


def a_row(table, number):
    return {column.name: a_value(column, number) for column in table.columns}


def a_value(column, number):
    if column.foreign_keys or (column.primary_key and isinstance(column.type, Integer)):
        return number
    if column.nullable and number == 2:
        return None
    if isinstance(column.type, Instant):
        return datetime(2026, 3, 29, 1, 30, 0, 123456, tzinfo=UTC) + timedelta(days=number)
    if isinstance(column.type, Date):
        return date(2026, 2, 28 - number)
    if isinstance(column.type, LargeBinary):
        return bytes(range(256)) * number
    if isinstance(column.type, Float | Integer):
        return 0.1 + number if isinstance(column.type, Float) else 1 << 30
    return f'{column.name} {number}: "quotes", back\\slash, tab\t, line\nbreak, \u2028, ß, 🦊, \\N, NULL'


@pytest.fixture
def other(database_url, tmp_path):
    """An empty database of the other kind."""
    if database_url.startswith("postgresql"):
        opened = Store(f"sqlite:///{tmp_path / 'other' / 'digest.db'}", secret=SECRET)
        yield opened
        opened.close()
        return
    server, why_not = postgres.server()
    if server is None:
        pytest.skip(why_not)
    with postgres.database() as url:
        opened = Store(url, secret=SECRET)
        yield opened
        opened.close()


def everything(store):
    with store.reading() as db:
        return {
            table.name: [tuple(row) for row in db.execute(select(table).order_by(*table.primary_key.columns))]
            for table in metadata.sorted_tables
        }


def test_every_row_of_every_table_arrives_on_the_other_kind_of_database_and_comes_back(
    store, other, tmp_path
):
    fill_every_table(store)
    there = export_all(store, tmp_path / "home.zip", now=NOW)
    assert import_all(other, tmp_path / "home.zip") == there
    assert {name: one.rows for name, one in there.items()} == dict.fromkeys(metadata.tables, 3)
    assert everything(other) == everything(store)
    back = export_all(other, tmp_path / "back.zip", now=NOW)
    assert back == there
    assert (tmp_path / "back.zip").read_bytes() == (tmp_path / "home.zip").read_bytes()


@pytest.mark.only_on("sqlite")
def test_a_zero_byte_of_earlier_days_is_left_behind_and_the_sums_agree(store, other, tmp_path):
    record(store, a_paper(1, title="A title"))
    with store.writing() as tx:
        tx.exec_driver_sql("UPDATE papers SET title = 'A' || char(0) || ' title'")
    there = export_all(store, tmp_path / "home.zip", now=NOW)
    assert import_all(other, tmp_path / "home.zip") == there
    with other.reading() as db:
        assert db.exec_driver_sql("SELECT title FROM papers").scalar() == "A title"


def test_what_is_made_after_the_move_gets_numbers_of_its_own(store, other, tmp_path):
    record(store, a_paper(1), a_paper(2))
    first = owe(store, 1)
    export_all(store, tmp_path / "home.zip", now=NOW)
    import_all(other, tmp_path / "home.zip")
    assert owe(other, 2) > first
    page, parsed = a_page_of(a_paper(3), name="another")
    with other.writing() as tx:
        assert record_page(tx, page, parsed) == 1
    with other.reading() as db:
        assert len(set(db.scalars(select(subscribers.c.id)))) == 2
        assert len(set(db.scalars(select(deliveries.c.id)))) == 2


def test_a_database_that_is_not_empty_is_left_alone(store, other, tmp_path):
    subscribe(store, a_profile())
    export_all(store, tmp_path / "home.zip", now=NOW)
    subscribe(other, a_profile(email="someone@example.org"))
    before = everything(other)
    with pytest.raises(StoreError, match=r"not empty \(subscribers holds something\); import into a new one"):
        import_all(other, tmp_path / "home.zip")
    assert everything(other) == before


def tampered(source, target, change):
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w") as new:
        for name in old.namelist():
            new.writestr(name, change(name, old.read(name)))
    return target


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda n, raw: raw[:-9] if n == "papers.ndjson" else raw, "manifest says|cannot be read"),
        (lambda n, raw: raw.replace(b"Careful", b"Careles") if n == "papers.ndjson" else raw, "manifest says"),
        (lambda n, raw: raw.splitlines()[0] + b"\n" if n == "papers.ndjson" else raw, "manifest says|cannot be read"),
        (lambda n, raw: b"{}" if n == "manifest.json" else raw, "not made by `digest export`"),
        (lambda _, raw: raw.replace(b'"schema": "0', b'"schema": "9'), "use the same version"),
    ],
    ids=["cut", "changed", "a row less", "foreign", "newer"],
)  # fmt: skip
def test_a_file_that_is_not_what_was_exported_changes_nothing(store, other, tmp_path, change, told):
    record(store, a_paper(1), a_paper(2))
    export_all(store, tmp_path / "home.zip", now=NOW)
    bad = tampered(tmp_path / "home.zip", tmp_path / "bad.zip", change)
    if (tmp_path / "bad.zip").read_bytes() == (tmp_path / "home.zip").read_bytes():
        pytest.fail("nothing was changed")
    with pytest.raises(StoreError, match=told):
        import_all(other, bad)
    assert not any(everything(other).values())


@pytest.mark.only_on("sqlite")
def test_what_is_no_archive_is_told_in_one_line(store, tmp_path):
    (tmp_path / "letter.zip").write_text("Dear reader")
    with pytest.raises(StoreError, match="damaged or no export"):
        import_all(store, tmp_path / "letter.zip")
    with pytest.raises(StoreError, match=r"cannot use .*nowhere\.zip: No such file"):
        import_all(store, tmp_path / "nowhere.zip")


@pytest.mark.only_on("sqlite")
def test_another_secret_is_refused_before_links_and_suppressions_break(store, tmp_path):
    export_all(store, tmp_path / "home.zip", now=NOW)
    stranger = Store(f"sqlite:///{tmp_path / 'stranger.db'}", secret=b"another secret")
    with pytest.raises(StoreError, match=r"bring data/secret\.key"):
        import_all(stranger, tmp_path / "home.zip")
    stranger.close()


@pytest.mark.only_on("sqlite")
def test_the_file_says_what_it_holds_and_only_its_owner_reads_it(store, tmp_path):
    record(store, a_paper(1))
    export_all(store, tmp_path / "home.zip", now=NOW)
    assert (tmp_path / "home.zip").stat().st_mode & 0o077 == 0
    with zipfile.ZipFile(tmp_path / "home.zip") as file:
        manifest = json.loads(file.read("manifest.json"))
        [paper] = map(json.loads, file.read("papers.ndjson").splitlines())
    assert manifest["tables"]["papers"]["rows"] == 1
    assert paper["last_seen_at"] == "2026-03-02T08:00:00+00:00"
    assert SECRET.decode() not in json.dumps(manifest)
