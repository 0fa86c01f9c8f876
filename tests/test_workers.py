"""The engine and those it wakes: its tables keep pace with it, and workers count and stop as one process alone does."""

import shutil
import subprocess
import sys
import threading
from collections import namedtuple
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest
from procrastinate.schema import SchemaManager
from sqlalchemy import make_url, select, text

from digest.app import App
from digest.cluster import Planner, Worker
from digest.errors import StoreError
from digest.store import Store
from digest.store.rounds import every_round
from digest.store.schema_cluster import shards
from digest.workers import Waker, prepare
from tests import postgres
from tests.builders import NOW, a_profile, record, subscribe_many
from tests.postgres import SECRET
from tests.test_cluster import jobs
from tests.test_publish import decoding

pytestmark = pytest.mark.only_on("postgresql")
Usage = namedtuple("Usage", "total used free")


# ── the engine's own tables ──────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def newer(monkeypatch, tmp_path):
    """Installs a Procrastinate that changes its tables in the steps that are given."""

    def install(**steps):
        folder = tmp_path / f"steps{len(list(tmp_path.iterdir()))}"
        shutil.copytree(SchemaManager.get_migrations_path(), folder)
        for name, statements in steps.items():
            (folder / f"98.00.00_{name}.sql").write_text(statements)
        monkeypatch.setattr(SchemaManager, "get_migrations_path", lambda: str(folder))

    return install


def columns(store):
    with store.reading() as db:
        return set(
            db.scalars(
                text(
                    "SELECT column_name FROM information_schema.columns WHERE table_name = 'procrastinate_jobs'"
                )
            )
        )


def functions(store):
    """Every function of the engine, word for word."""
    with store.reading() as db:
        query = "SELECT proname, prosrc FROM pg_proc WHERE proname LIKE 'procrastinate%%' ORDER BY 1, 2"
        return [(name, " ".join(body.split())) for name, body in db.exec_driver_sql(query)]


def wake_one(store):
    with store.writing() as tx:
        Waker().deliver(tx)


def test_a_newer_engine_brings_its_tables_up_and_what_waits_goes_on_waiting(store, newer):
    prepare(store)
    wake_one(store)
    newer(
        **{
            "01_pre_more": "ALTER TABLE procrastinate_jobs ADD COLUMN more text; -- 100 % of them",
            "50_post_most": "ALTER TABLE procrastinate_jobs ADD COLUMN most text DEFAULT 'a:b %s'",
        }
    )
    prepare(store)
    assert {"more", "most"} <= columns(store)
    prepare(store)
    assert jobs(store) == [("deliver", {})]


def test_tables_of_an_earlier_engine_become_the_same_as_new_ones(store):
    prepare(store)
    fresh, known = functions(store), columns(store)
    last = "03.02.00_50"
    with postgres.database() as url:
        with psycopg.connect(postgres.plain(make_url(url)), autocommit=True) as db:
            for step in sorted(Path(SchemaManager.get_migrations_path()).glob("*.sql")):
                if step.name[: len(last)] <= last:
                    db.execute(step.read_text())
            db.execute(f"COMMENT ON TABLE procrastinate_jobs IS '{last}'")
        earlier = Store(url, secret=SECRET)
        assert functions(earlier) != fresh
        prepare(earlier)
        assert functions(earlier) == fresh
        assert columns(earlier) == known
        wake_one(earlier)
        assert jobs(earlier) == [("deliver", {})]
        earlier.close()


def test_tables_of_which_nothing_is_remembered_are_of_the_oldest_engine_that_was_ever_taken(store, newer):
    prepare(store)
    with store.writing() as tx:
        tx.exec_driver_sql("COMMENT ON TABLE procrastinate_jobs IS NULL")
    prepare(store)
    newer(**{"01_pre": "ALTER TABLE procrastinate_jobs ADD COLUMN more text"})
    prepare(store)
    assert "more" in columns(store)


def test_of_several_starting_workers_one_brings_the_tables_up(store, newer):
    prepare(store)
    newer(**{f"{n:02}_pre": f"ALTER TABLE procrastinate_jobs ADD COLUMN more{n} text" for n in range(1, 4)})
    broken = []

    def start():
        try:
            prepare(store)
        except Exception as error:
            broken.append(error)

    threads = [threading.Thread(target=start) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert broken == []
    assert {"more1", "more2", "more3"} <= columns(store)


def test_an_older_engine_refuses_newer_tables_and_says_what_to_do(store, newer, monkeypatch):
    prepare(store)
    with monkeypatch.context() as meanwhile:
        meanwhile.setattr(SchemaManager, "get_migrations_path", SchemaManager.get_migrations_path)
        newer(**{"01_pre": "ALTER TABLE procrastinate_jobs ADD COLUMN more text"})
        prepare(store)
    monkeypatch.undo()
    with pytest.raises(
        StoreError, match=r"made by a newer Procrastinate \(step 98.00.00_01.*pip install --upgrade"
    ):
        prepare(store)


def test_a_step_that_fails_is_told_and_leaves_the_tables_at_the_one_before(store, newer):
    prepare(store)
    newer(
        **{
            "01_pre": "ALTER TABLE procrastinate_jobs ADD COLUMN more text",
            "50_post": "ALTER TABLE procrastinate_jobs ADD COLUMN most text; SELECT 1/0",
        }
    )
    for _ in range(2):
        with pytest.raises(StoreError, match=r"step 98.00.00_50: division by zero; nothing of it was kept"):
            prepare(store)
    assert "more" in columns(store)
    assert "most" not in columns(store)
    wake_one(store)


# ── those it wakes ───────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def app(database_url, tmp_path, monkeypatch):
    """A home with workers and three readers who are due."""
    monkeypatch.setenv("DIGEST_DATABASE_URL", database_url)
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "digest.toml").write_text('[cluster]\nengine = "procrastinate"\n')
    with App.open(tmp_path) as opened:
        record(opened.store, *(decoding(number) for number in range(1, 9)))
        subscribe_many(opened.store, (a_profile(email=f"reader{number}@example.org") for number in range(3)))
        yield opened


def a_worker(app, *, now=NOW):
    return Worker(app, clock=lambda: now, stopping=threading.Event())


def open_shards(app):
    with app.store.reading() as db:
        return list(db.scalars(select(shards.c.id).where(shards.c.state == "open")))


def told(app):
    with app.store.reading() as db:
        return every_round(db)["publish"]


def nearly_full(_folder):
    return Usage(100 << 30, 0, 10 << 20)


def test_what_workers_publish_is_counted_as_what_one_process_publishes(app):
    Planner(app).plan(now=NOW)
    [number] = open_shards(app)
    a_worker(app).publish_shard(number)
    a_worker(app).publish_shard(number)  # told twice
    publish = told(app)
    assert publish.tallies == {"queued": 3}
    assert (publish.count, publish.failures) == (3, 0)


def test_a_shard_that_cannot_be_published_is_counted_as_a_failure(app, monkeypatch):
    Planner(app).plan(now=NOW)
    [number] = open_shards(app)

    def refuse(*_, **__):
        raise StoreError("the database is away")

    worker = a_worker(app)
    monkeypatch.setattr(worker._shards, "publish", refuse)
    with pytest.raises(StoreError):
        worker.publish_shard(number)
    assert told(app).failures == 1
    assert "the database is away" in (told(app).last_error or "")


def test_on_a_disk_that_is_nearly_full_nothing_is_planned(app, monkeypatch, caplog):
    monkeypatch.setattr(shutil, "disk_usage", nearly_full)
    assert Planner(app).plan(now=NOW) == 0
    assert open_shards(app) == []
    assert "only 10 MB are free" in caplog.text


def test_a_shard_waits_while_the_disk_is_nearly_full_and_is_published_when_there_is_room(app, monkeypatch):
    Planner(app).plan(now=NOW)
    [number] = open_shards(app)
    with monkeypatch.context() as meanwhile:
        meanwhile.setattr(shutil, "disk_usage", nearly_full)
        assert a_worker(app).publish_shard(number) is None
    assert open_shards(app) == [number]
    later = NOW + timedelta(minutes=2)
    assert Planner(app).plan(now=later) == 1  # it is told again
    report = a_worker(app, now=later).publish_shard(number)
    assert report is not None
    assert report.queued == 3


def test_what_is_owed_is_sent_on_a_disk_that_is_nearly_full(app, monkeypatch):
    Planner(app).plan(now=NOW)
    [number] = open_shards(app)
    a_worker(app).publish_shard(number)
    monkeypatch.setattr(shutil, "disk_usage", nearly_full)
    report = a_worker(app).deliver_due()
    assert report is not None
    assert report.sent == 3


def test_a_worker_that_cannot_begin_says_why_in_one_line_and_ends_with_1(app):
    prepare(app.store)
    with app.store.writing() as tx:
        tx.exec_driver_sql("COMMENT ON TABLE procrastinate_jobs IS '99.00.00_01'")
    command = [sys.executable, "-m", "digest", "--home", str(app.settings.home), "worker"]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert ended.returncode == 1
    assert "made by a newer Procrastinate" in ended.stderr
    assert "Traceback" not in ended.stderr
