"""The restore drill: the machine is lost while mail leaves, a backup is put in place, and the next run sends what was owed
in it and nothing else."""

import subprocess
from collections import Counter
from datetime import timedelta

import pytest
from sqlalchemy import make_url, select

from digest.deliver import Policy, deliver
from digest.letters import Letters
from digest.mail.transport import MemoryTransport
from digest.publish import Limits, publish
from digest.store import Store
from digest.store.backup import back_up, restore
from digest.store.moving import export_all, import_all
from digest.store.schema import deliveries
from tests import postgres
from tests.builders import NOW, a_profile, record, subscribe
from tests.postgres import SECRET
from tests.test_publish import decoding


def a_morning(store, now):
    """Publish for whoever is due, and send it; gives who got something."""
    publish(store, Letters.for_preview(), limits=Limits(), now=now)
    return send(store, now)


def send(store, now, *, at_most=99):
    transport = MemoryTransport()
    told = deliver(
        store,
        [transport],
        policy=Policy(batch=1),
        clock=lambda: now,
        is_stopping=lambda: len(transport.sent) >= at_most,
    )
    assert told.sent == len(transport.sent)
    return sorted(envelope.rcpt_to for envelope, _ in transport.sent)


def interrupted(store):
    """Yesterday was sent, today is queued, and two of today's five left before the backup; gives who is still owed theirs."""
    record(store, decoding(1), decoding(2))
    for number in range(5):
        subscribe(store, a_profile(email=f"reader{number}@example.org"), now=NOW - timedelta(days=1))
    assert len(a_morning(store, NOW - timedelta(days=1))) == 5
    record(store, decoding(3), name="today")
    publish(store, Letters.for_preview(), limits=Limits(), now=NOW)
    gone = send(store, NOW, at_most=2)
    return sorted({f"reader{number}@example.org" for number in range(5)} - set(gone))


def states(store):
    with store.reading() as db:
        return Counter(db.scalars(select(deliveries.c.state)))


def is_what_was_owed_and_nothing_else(store, owed):
    assert 0 < len(owed) < 5
    assert a_morning(store, NOW + timedelta(minutes=10)) == owed
    assert states(store) == {"sent": 10}
    assert a_morning(store, NOW + timedelta(minutes=20)) == []
    record(store, decoding(4), name="tomorrow", at=NOW + timedelta(hours=20))
    assert len(a_morning(store, NOW + timedelta(days=1))) == 5


@pytest.mark.only_on("sqlite")
def test_a_backup_of_the_file_sends_what_was_owed_and_nothing_else(store, database_url, tmp_path):
    owed = interrupted(store)
    back_up(database_url, tmp_path / "backup.db")
    send(store, NOW)  # what happens after the backup is lost with the machine
    store.close()
    for file in (tmp_path / "store").iterdir():
        file.unlink()
    restore(database_url, tmp_path / "backup.db")
    again = Store(database_url, secret=SECRET)
    is_what_was_owed_and_nothing_else(again, owed)
    again.close()


def test_an_export_put_into_a_new_database_sends_what_was_owed_and_nothing_else(store, tmp_path):
    owed = interrupted(store)
    export_all(store, tmp_path / "home.zip", now=NOW)
    again = Store(f"sqlite:///{tmp_path / 'new.db'}", secret=SECRET)
    import_all(again, tmp_path / "home.zip")
    is_what_was_owed_and_nothing_else(again, owed)
    again.close()


@pytest.mark.only_on("postgresql")
def test_a_dump_of_postgresql_sends_what_was_owed_and_nothing_else(store, database_url, tmp_path):
    owed = interrupted(store)
    url = make_url(database_url)
    dump = tmp_path / "digest.dump"
    subprocess.run([postgres.program("pg_dump"), "-Fc", "-f", dump, postgres.plain(url)], check=True)
    with postgres.database(empty=True) as new:
        there = postgres.plain(make_url(new))
        subprocess.run([postgres.program("pg_restore"), "--no-owner", "-d", there, dump], check=True)
        again = Store(new, secret=SECRET)
        is_what_was_owed_and_nothing_else(again, owed)
        again.close()
