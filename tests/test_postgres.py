"""PostgreSQL as it behaves in the field: away, back, refused, not installed; and what it takes that SQLite takes too."""

import builtins
import shutil
import signal
import subprocess
import sys
import threading
import time
from datetime import timedelta
from subprocess import PIPE

import psycopg
import pytest
from sqlalchemy import create_engine, make_url, text

from digest.errors import StoreError
from digest.mail.transport import MemoryTransport
from digest.store import Store
from digest.store import postgres as words
from digest.store.dialect import alone
from digest.store.papers import find_paper
from digest.store.people import find_subscriber
from digest.store.room import shortage_of
from tests import postgres
from tests.builders import NOW, a_paper, a_profile, owe, record, subscribe
from tests.postgres import SECRET
from tests.servers import free_port
from tests.test_deliver import go

pytestmark = pytest.mark.only_on("postgresql")


@pytest.fixture
def own_server(database_url):
    """A server that may be stopped."""
    server = postgres.Server(careful=True)
    yield server
    server.remove()


def test_a_restart_costs_the_step_at_hand_and_the_next_one_works(own_server):
    store = Store(own_server.url.render_as_string(hide_password=False), secret=SECRET)
    subscribe(store, a_profile())
    with pytest.raises(StoreError, match="the connection to PostgreSQL was lost"):
        _delete_everybody_while_it_restarts(store, own_server)
    with store.reading() as db:
        assert find_subscriber(db, "reader@example.org") is not None
    store.close()


def _delete_everybody_while_it_restarts(store, server):
    with store.writing() as tx:
        tx.execute(text("DELETE FROM subscribers"))
        server.stop(signal.SIGQUIT)
        server.start()
        tx.execute(text("SELECT 1"))


@pytest.mark.usefixtures("database_url")
def test_the_server_of_tests_that_are_killed_is_gone_with_them():
    begun = "from tests.postgres import Server; print(Server().url, flush=True); input()"
    with subprocess.Popen([sys.executable, "-c", begun], stdin=PIPE, stdout=PIPE, text=True) as tests:
        assert tests.stdout is not None
        url = make_url(tests.stdout.readline().strip())
        psycopg.connect(postgres.plain(url)).close()
        tests.kill()
    ends_at = time.monotonic() + 20
    while _answers(url) and time.monotonic() < ends_at:
        time.sleep(0.05)
    assert not _answers(url)


def _answers(url):
    try:
        psycopg.connect(postgres.plain(url), connect_timeout=2).close()
    except psycopg.OperationalError:
        return False
    return True


def test_a_server_that_is_starting_is_waited_for(own_server):
    own_server.stop()
    back = threading.Timer(0.5, own_server.start)
    back.start()
    store = Store(own_server.url.render_as_string(hide_password=False), secret=SECRET)
    subscribe(store, a_profile())
    back.join()
    store.close()


@pytest.mark.parametrize("said", ["could not extend file: wrote only 4096 of 8192 bytes", "kein Platz mehr"])
def test_a_full_disk_of_the_server_is_told_as_its_own_and_costs_only_the_step(store, said):
    """Whatever language the server speaks: SQLSTATE 53100 is disk_full."""
    owe(store, 1)
    full = f"DO $$ BEGIN RAISE EXCEPTION '{said}' USING ERRCODE = 'disk_full'; END $$"
    with pytest.raises(StoreError, match=r"the disk of the database server is full; .* then run this again"):
        _run_both(store, "DELETE FROM deliveries", full)
    assert go(store, MemoryTransport()).sent == 1


def _run_both(store, *statements):
    with store.writing() as tx:
        for statement in statements:
            tx.execute(text(statement))


def test_the_disk_of_a_server_on_this_machine_is_looked_at_too(own_server, tmp_path, monkeypatch):
    store = Store(own_server.url.render_as_string(hide_password=False), secret=SECRET)
    looked_at = []

    def disk_usage(folder):
        looked_at.append(folder)
        return shutil._ntuple_diskusage(100 << 30, 0, 1 << 40 if folder == tmp_path else 50 << 20)

    monkeypatch.setattr(shutil, "disk_usage", disk_usage)
    with store.reading() as db:
        short = shortage_of(db, tmp_path, 200)
    assert str(short).startswith("only 50 MB are free on the disk of ")
    assert looked_at == [tmp_path, looked_at[1]]
    assert (looked_at[1] / "PG_VERSION").exists()
    store.close()


def test_a_user_who_is_not_told_where_the_server_keeps_its_files_is_not_stopped(own_server, tmp_path):
    with psycopg.connect(postgres.plain(own_server.url), autocommit=True) as root:
        root.execute("CREATE ROLE reader LOGIN")
    url = own_server.url.set(username="reader", drivername="postgresql+psycopg")
    engine = create_engine(url)
    with engine.connect() as db:
        assert shortage_of(db, tmp_path, 0) is None
        assert db.execute(text("SELECT 1")).scalar() == 1
    engine.dispose()


def test_nobody_there_is_told_with_the_remedy(monkeypatch):
    monkeypatch.setattr(words, "_START_SECONDS", 0.0)
    with pytest.raises(
        StoreError, match=r"cannot open the database: PostgreSQL does not answer; start it, or mend"
    ):
        Store(f"postgresql://someone@127.0.0.1:{free_port()}/digest", secret=SECRET)


def test_a_database_that_is_not_there_is_told_with_the_remedy(database_url):
    url = make_url(database_url).set(database="nowhere").render_as_string(hide_password=False)
    with pytest.raises(StoreError, match="PostgreSQL has no such database; make it with createdb"):
        Store(url, secret=SECRET)


def test_without_the_extra_it_says_what_to_install(monkeypatch):
    real = builtins.__import__

    def without(name, *rest, **more):
        if name.partition(".")[0] == "psycopg":
            raise ModuleNotFoundError(name)
        return real(name, *rest, **more)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(StoreError, match=r"pip install 'paper-digest\[cluster\]'"):
        Store("postgresql://someone@localhost/digest", secret=SECRET)


@pytest.mark.parametrize("scheme", ["postgresql", "postgres", "postgresql+psycopg", "postgresql+psycopg2"])
def test_every_usual_spelling_of_the_address_leads_there(database_url, scheme):
    store = Store(database_url.replace("postgresql+psycopg", scheme, 1), secret=SECRET)
    subscribe(store, a_profile())
    store.close()


def test_a_schema_that_the_address_names_is_made_and_holds_everything(database_url):
    url = make_url(database_url).update_query_dict({"options": "-csearch_path=tenant_robots"})
    store = Store(url.render_as_string(hide_password=False), secret=SECRET)
    subscribe(store, a_profile())
    with psycopg.connect(postgres.plain(make_url(database_url))) as db:
        assert db.execute("SELECT count(*) FROM tenant_robots.subscribers").fetchone() == (1,)
        assert db.execute("SELECT count(*) FROM public.subscribers").fetchone() == (0,)
    store.close()


def test_instants_are_the_same_whatever_zone_the_server_lives_in(database_url):
    name = make_url(database_url).database
    with psycopg.connect(postgres.plain(make_url(database_url)), autocommit=True) as db:
        db.execute(f"ALTER DATABASE {name} SET timezone = 'Pacific/Kiritimati'")
    store = Store(database_url, secret=SECRET)
    person = subscribe(store, a_profile(), now=NOW)
    assert person.next_due_at == NOW
    assert person.next_due_at.utcoffset() == timedelta(0)
    store.close()


def test_a_reader_sees_one_state_of_things_from_beginning_to_end(store):
    record(store, a_paper(1))
    with store.reading() as db:
        assert find_paper(db, "2602.00002") is None
        record(store, a_paper(2), name="meanwhile")
        assert find_paper(db, "2602.00002") is None
    with store.reading() as db:
        assert find_paper(db, "2602.00002") is not None


def test_a_reader_cannot_write(store):
    with pytest.raises(StoreError, match="read-only"), store.reading() as db:
        db.execute(text("DELETE FROM subscribers"))


def test_two_transactions_write_at_the_same_time(store):
    first = subscribe(store, a_profile(email="a@example.org"))
    with store.writing() as one, store.writing() as other:
        for tx, number in ((one, 1), (other, 2)):
            tx.execute(
                text("INSERT INTO issues (key, on_date, created_at) VALUES (:k, now(), now())"),
                {"k": str(number)},
            )
    with store.reading() as db:
        assert db.execute(text("SELECT count(*) FROM issues")).scalar() == 2
    assert first.id > 0


def test_who_is_alone_with_something_keeps_others_from_it_and_only_from_it(store):
    order = []
    began = threading.Event()

    def second():
        began.set()
        with store.writing() as tx:
            alone(tx, "the plan")
            order.append("second")

    with store.writing() as tx:
        alone(tx, "the plan")
        thread = threading.Thread(target=second)
        thread.start()
        began.wait()
        with store.writing() as beside:
            alone(beside, "something else")
        thread.join(0.2)
        order.append("first")
    thread.join()
    assert order == ["first", "second"]


def test_two_processes_open_an_empty_database_at_once_and_one_makes_the_tables(database_url):
    with postgres.database(empty=True) as url:
        stores, broken = [], []

        def open_it():
            try:
                stores.append(Store(url, secret=SECRET))
            except Exception as error:
                broken.append(error)

        threads = [threading.Thread(target=open_it) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert (len(stores), broken) == (4, [])
        owe(stores[0], 1)
        for store in stores:
            store.close()
