"""Backups: whole, checked, and put back in one step; and one writer at a time."""

import sqlite3
import subprocess
import sys
import threading
from contextlib import closing

import pytest
from sqlalchemy import select, text

from digest.errors import StoreError
from digest.store import Store
from digest.store.backup import back_up, check, restore
from digest.store.lock import write_lock
from digest.store.schema import deliveries
from tests.builders import NOW, owe

pytestmark = pytest.mark.only_on("sqlite")  # PostgreSQL has tools of its own


@pytest.fixture
def url(database_url):
    return database_url


def owed(store):
    with store.reading() as db:
        return sorted(db.execute(select(deliveries.c.rcpt_to)).scalars())


def test_a_backup_made_while_others_write_holds_everything_committed_before(store, url, tmp_path):
    for number in range(5):
        owe(store, number)
    with store.writing() as tx:
        tx.execute(text("UPDATE deliveries SET subject = 'not committed yet'"))
        copy = back_up(url, tmp_path / "backup.db")
    assert (copy.deliveries, copy.subscribers) == (5, 5)
    assert (tmp_path / "backup.db").stat().st_mode & 0o077 == 0
    with closing(sqlite3.connect(tmp_path / "backup.db")) as db:
        assert db.execute("SELECT count(*) FROM deliveries WHERE subject LIKE 'not%'").fetchone() == (0,)


def test_what_is_put_back_is_what_was_there(store, url, tmp_path):
    owe(store, 1)
    back_up(url, tmp_path / "backup.db")
    owe(store, 2)
    restore(url, tmp_path / "backup.db")
    assert owed(store) == ["reader1@example.org"]
    owe(store, 3)
    assert owed(store) == ["reader1@example.org", "reader3@example.org"]
    with store.reading() as db:
        assert db.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"


def test_a_damaged_database_is_moved_aside_and_replaced(store, url, tmp_path):
    owe(store, 1)
    back_up(url, tmp_path / "backup.db")
    store.close()
    file = tmp_path / "store" / "digest.db"
    file.write_bytes(b"this was a database once" * 1000)
    with pytest.raises(StoreError, match="digest restore"):
        Store(url, secret=b"x")
    restore(url, tmp_path / "backup.db")
    again = Store(url, secret=b"x")
    assert owed(again) == ["reader1@example.org"]
    again.close()
    assert (tmp_path / "store" / "digest.db.damaged-1").read_bytes().startswith(b"this was")


def test_flipped_bytes_are_found_before_anything_is_written(store, url, tmp_path):
    for number in range(40):
        owe(store, number)
    store.close()
    file = tmp_path / "store" / "digest.db"
    content = bytearray(file.read_bytes())
    for place in range(4096 * 3, len(content), 4096):
        content[place : place + 200] = b"\xff" * 200
    file.write_bytes(content)
    with pytest.raises(StoreError, match=r"damaged.*digest restore"):
        Store(url, secret=b"x")
    assert file.read_bytes() == content


@pytest.mark.parametrize("damage", ["cut", "foreign", "newer", "missing"])
def test_a_backup_that_is_no_use_changes_nothing(store, url, tmp_path, damage):
    owe(store, 1)
    backup = tmp_path / "backup.db"
    back_up(url, backup)
    if damage == "cut":
        backup.write_bytes(backup.read_bytes()[: backup.stat().st_size // 2])
    elif damage == "foreign":
        backup.write_bytes(b"a letter to a friend" * 300)
    elif damage == "newer":
        with closing(sqlite3.connect(backup)) as db, db:
            db.execute("UPDATE alembic_version SET version_num = '9999'")
    else:
        backup.unlink()
    owe(store, 2)
    with pytest.raises(StoreError):
        restore(url, backup)
    assert len(owed(store)) == 2


def test_a_backup_that_fails_leaves_the_old_one(store, url, tmp_path, monkeypatch):
    owe(store, 1)
    backup = tmp_path / "backup.db"
    back_up(url, backup)
    before = backup.read_bytes()

    def full(_path):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("digest.store.backup._sync", full)
    with pytest.raises(StoreError, match="No space left"):
        back_up(url, backup)
    assert backup.read_bytes() == before
    assert [path.name for path in tmp_path.iterdir() if path.suffix == ".tmp"] == []


def test_other_databases_have_tools_of_their_own(tmp_path):
    with pytest.raises(StoreError, match="pg_dump"):
        back_up("postgresql+psycopg://digest@localhost/digest", tmp_path / "x")


def test_one_writer_at_a_time(tmp_path):
    order = []

    def second():
        with write_lock(tmp_path / "a.db", 5):
            order.append("second")

    with write_lock(tmp_path / "a.db", 5):
        thread = threading.Thread(target=second)
        thread.start()
        thread.join(0.05)
        order.append("first")
    thread.join()
    assert order == ["first", "second"]


def test_who_waits_too_long_for_another_writer_is_told(tmp_path):
    with write_lock(tmp_path / "a.db", 1), pytest.raises(StoreError, match="another program"):
        with write_lock(tmp_path / "a.db", 0.01):
            pass


def test_the_lock_of_a_killed_process_is_free(tmp_path):
    program = (
        "import sys, pathlib, os, signal\nfrom digest.store.lock import write_lock\n"
        "with write_lock(pathlib.Path(sys.argv[1]), 1):\n    os.kill(os.getpid(), signal.SIGKILL)"
    )
    subprocess.run([sys.executable, "-c", program, str(tmp_path / "a.db")], check=False)
    with write_lock(tmp_path / "a.db", 0.01):
        pass


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs RLIMIT_FSIZE as Linux has it")
def test_a_full_disk_at_any_write_loses_nothing_that_was_acknowledged(tmp_path):
    """RLIMIT_FSIZE lets the Nth kilobyte fail, N growing until everything fits."""
    program = """
import resource, signal, sys
from datetime import timedelta
from digest.errors import StoreError
from digest.store import Store
from tests.builders import NOW, owe
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
store = Store(sys.argv[1], secret=b"x")
limit = int(sys.argv[2])
resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
for number in range(30):
    try:
        owe(store, number)
    except StoreError as error:
        print("full:", error)
        break
    print("acknowledged", number, flush=True)
"""
    ends = []
    for kilobytes in range(800, 6800, 1120):
        url = f"sqlite:///{tmp_path / str(kilobytes) / 'digest.db'}"
        told = subprocess.run([sys.executable, "-c", program, url, str(kilobytes * 1024)], capture_output=True, text=True, check=True).stdout  # fmt: skip
        acknowledged = told.count("acknowledged")
        ends.append("full:" in told)
        store = Store(url, secret=b"x")
        assert acknowledged <= len(owed(store)) <= acknowledged + 1, told
        owe(store, 99)
        with store.reading() as db:
            assert db.exec_driver_sql("PRAGMA integrity_check").scalar() == "ok"
        store.close()
        if ends[-1]:
            assert "disk" in told
    assert ends[0]
    assert not ends[-1]


def test_a_backup_can_be_checked_without_being_put_back(store, url, tmp_path):
    owe(store, 1, now=NOW)
    back_up(url, tmp_path / "backup.db")
    assert check(tmp_path / "backup.db").deliveries == 1
