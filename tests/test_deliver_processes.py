"""Several delivering processes on one database, a signal to stop, and a disk that fills up while mail leaves."""

import signal
import subprocess
import sys
import time
from collections import Counter

import pytest
from sqlalchemy import select

from digest.store import Store
from digest.store.schema import deliveries
from tests.builders import owe
from tests.smtp_script import Script, smtp_script

SECRET = b"the secret of the tests"
PROGRAM = """
import resource, signal, sys, threading
from datetime import timedelta
from digest.deliver import Policy, deliver
from digest.errors import StoreError
from digest.mail.smtp import SmtpTransport
from digest.store import Store
from digest.tables import SmtpSettings
from tests.builders import NOW
url, port, limit = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
stopping = threading.Event()
signal.signal(signal.SIGTERM, lambda *_: stopping.set())
store = Store(url, secret=b"the secret of the tests")
wanted = SmtpSettings(host="127.0.0.1", port=port, security="none", timeout=5)
print("ready", flush=True)
sys.stdin.readline()
if limit:
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
try:
    ways = [SmtpTransport(wanted) for _ in range(2)]
    report = deliver(store, ways, policy=Policy(batch=10), clock=lambda: NOW, is_stopping=stopping.is_set)
    print("sent", report.sent, report.stopped)
except StoreError as error:
    print("told:", error)
"""


def start(url, port, limit=0):
    command = [sys.executable, "-c", PROGRAM, url, str(port), str(limit)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


def states(store):
    with store.reading() as db:
        return Counter(db.execute(select(deliveries.c.state)).scalars())


@pytest.fixture
def url(database_url):
    return database_url


def test_four_processes_at_once_lose_nothing_and_double_nothing(store, url):
    for number in range(100):
        owe(store, number)
    script = Script()
    with smtp_script(script) as port:
        processes = [start(url, port) for _ in range(4)]
        for process in processes:
            process.stdin.write("go\n")
            process.stdin.flush()
        told = [process.communicate(timeout=60)[0] for process in processes]
    assert sum(int(said.split()[1]) for said in told) == 100
    assert len(script.taken) == len({rcpt_to for rcpt_to, _ in script.taken}) == 100
    assert states(store) == {"sent": 100}


def test_a_polite_signal_finishes_the_messages_at_hand_and_gives_back_the_rest(store, url):
    for number in range(300):
        owe(store, number)
    script = Script(pause=0.02)  # so that the signal comes while there is work left
    with smtp_script(script) as port:
        process = start(url, port)
        process.stdin.write("go\n")
        process.stdin.flush()
        while len(script.taken) < 5:
            time.sleep(0.002)
        process.send_signal(signal.SIGTERM)
        told, _ = process.communicate(timeout=30)
    sent = int(told.split()[1])
    assert 5 <= sent < 300
    assert process.returncode == 0
    assert len(script.taken) == sent
    assert states(store) == {"sent": sent, "queued": 300 - sent}


@pytest.mark.only_on("sqlite")
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs RLIMIT_FSIZE as Linux has it")
@pytest.mark.parametrize("more", [1, 3, 8, 20])
def test_a_disk_that_fills_up_while_mail_leaves_costs_at_most_one_copy_a_connection(tmp_path, url, more):
    """The log beside the database can grow by so many blocks, then every write fails."""
    store = Store(url, secret=SECRET)
    for number in range(60):
        owe(store, number)
    assert store.empty_log()
    script = Script()
    with smtp_script(script) as port:
        index = tmp_path / "store" / "digest.db-shm"  # of the log, which must fit
        process = start(url, port, index.stat().st_size + more * 16 * 1024)
        told, _ = process.communicate("go\n", timeout=60)
        assert "told: cannot write to the database: the dis" in told
        taken = len(script.taken)
        assert taken < 60
        again, _ = start(url, port).communicate("go\n", timeout=60)
    assert again.startswith("sent")
    copies = Counter(script.taken)
    assert len(copies) == 60
    assert sum(copies.values()) - 60 <= 2
    assert states(store) == {"sent": 60}
    store.close()
