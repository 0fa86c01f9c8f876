"""Faults that belong to no single module: clocks, zones, starts that race, and files that are gone. See FAULTS.md."""

import os
import re
import sqlite3
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from digest.letters import Letters
from digest.publish import Limits, publish
from digest.store import Store
from digest.store.schema import deliveries, subscribers
from tests.builders import NOW, a_paper, a_profile, owe, record, subscribe
from tests.torture import disk, power
from tests.torture.forks import fork, wait

needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork; run it on Linux or macOS")
LIMITS = Limits(timedelta(days=7), timedelta(days=90), 20_000)
SECRET = b"the secret of the tests"


def publish_at(store, now):
    return publish(store, Letters.for_preview(), limits=LIMITS, now=now)


def owed(store):
    with store.reading() as db:
        return [tuple(row) for row in db.execute(select(deliveries.c.rcpt_to, deliveries.c.issue_on))]


@pytest.mark.parametrize("back", [timedelta(hours=1), timedelta(days=1), timedelta(days=20_000)])
def test_a_clock_that_goes_back_makes_no_second_digest(store, back):
    record(store, a_paper(1, title="Speculative decoding, again"))
    subscribe(store, a_profile())
    publish_at(store, NOW)
    before = owed(store)
    assert len(before) == 1
    publish_at(store, NOW - back)
    publish_at(store, NOW + timedelta(minutes=1))
    assert owed(store) == before


def test_a_zone_that_is_gone_costs_only_its_reader(store):
    record(store, a_paper(1, title="Speculative decoding, again"))
    lost = subscribe(store, a_profile(email="lost@example.org"))
    subscribe(store, a_profile())
    with store.writing() as tx:
        gone = lost.profile.to_json().replace('"UTC"', '"Mars/Olympus"')
        tx.execute(subscribers.update().where(subscribers.c.id == lost.id).values(profile=gone))
    publish_at(store, NOW)
    assert ("reader@example.org", NOW.date()) in owed(store)


@needs_fork
def test_four_processes_that_start_at_once_make_one_database(tmp_path):
    url = f"sqlite:///{tmp_path / 'digest.db'}"
    children = [fork(lambda: Store(url, secret=SECRET).close()) for _ in range(4)]
    assert [wait(child) for child in children] == [0, 0, 0, 0]
    Store(url, secret=SECRET).close()


@needs_fork
@pytest.mark.parametrize("lost", ["-wal", "-shm"])
def test_a_log_that_was_deleted_after_a_crash_does_not_keep_it_from_starting(tmp_path, lost):
    file = tmp_path / "digest.db"
    store = Store(f"sqlite:///{file}", secret=SECRET)
    store.close()

    def crash():
        owe(Store(f"sqlite:///{file}", secret=SECRET), 1)
        os._exit(0)  # without closing: the log stays

    wait(fork(crash))
    Path(f"{file}{lost}").unlink()
    store = Store(f"sqlite:///{file}", secret=SECRET)
    owe(store, 2)
    store.close()
    with sqlite3.connect(file) as db:
        assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    db.close()


@pytest.mark.skipif(disk.can_run() is not None, reason=str(disk.can_run()))
@pytest.mark.slow
def test_power_that_is_cut_while_the_tables_are_made_leaves_no_tables_or_all():
    outcome = power.births(every=3 if os.environ.get("CI") else 12)
    assert outcome.cuts > 5
    assert (outcome.damaged, outcome.gone) == (0, 0)


def test_every_test_the_table_of_faults_names_is_there():
    table = Path(__file__).with_name("FAULTS.md").read_text()
    named = re.findall(r"`(test_\w+)(?:::(\w+))?`", table)
    assert len(named) > 100
    for module, name in named:
        source = Path(__file__).with_name(f"{module}.py").read_text()
        assert not name or f"def {name}(" in source, f"{module}::{name}"


def test_every_fault_has_its_row():
    table = Path(__file__).with_name("FAULTS.md").read_text()
    rows = set(re.findall(r"^\| ([RF]\d+) ", table, re.MULTILINE))
    faults = [
        *range(1, 17),
        *range(20, 29),
        *range(30, 47),
        *range(50, 64),
        *range(70, 76),
        *range(80, 86),
        *range(90, 98),
    ]
    assert rows == {f"R{n}" for n in range(1, 11)} | {f"F{n:02}" for n in faults}
