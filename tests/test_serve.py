"""`digest serve` as a process: it answers, it works beside, it stops when asked, and it says why it cannot start."""

import re
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from contextlib import contextmanager
from types import SimpleNamespace

from digest.cli.serve import _send_at_once
from digest.shipped import shipped
from digest.tables import ClusterSettings
from tests.builders import NOW
from tests.servers import free_port


@contextmanager
def serving(home, *words):
    """A server of that home, and the address it says it has."""
    command = [sys.executable, "-m", "digest", "--home", str(home), "serve", "--port", "0", *words]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    try:
        assert process.stderr is not None
        said = process.stderr.readline()
        found = re.search(r"http://127\.0\.0\.1:\d+", said)
        assert found, said
        yield process, found[0]
    finally:
        process.kill()
        process.communicate()


def answer(address):
    with urllib.request.urlopen(address, timeout=20) as response:
        return response.status, response.read().decode()


def eventually(is_so, seconds=30):
    """Whether it becomes true while one would wait for it."""
    until = time.monotonic() + seconds
    while not is_so() and time.monotonic() < until:
        time.sleep(0.3)
    return is_so()


def test_it_answers_at_the_address_it_says_and_ends_when_asked(tmp_path):
    (tmp_path / "config").mkdir()
    with serving(tmp_path, "--no-schedule") as (process, address):
        assert answer(f"{address}/healthz") == (200, "ok\n")
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=30) == 0


def test_what_is_picked_up_beside_it_is_on_its_pages(tmp_path):
    (tmp_path / "pages").mkdir()
    page = next((shipped("config") / "demo/pages").glob("*.json"))
    (tmp_path / "pages" / page.name).write_bytes(page.read_bytes())
    with serving(tmp_path) as (process, address):
        assert eventually(lambda: "upvotes" in answer(f"{address}/")[1])
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=60) == 0


def test_a_port_that_is_taken_is_told_in_words_and_starts_nothing(tmp_path):
    port = free_port()
    with socket.create_server(("127.0.0.1", port)):
        said = subprocess.run(
            [sys.executable, "-m", "digest", "--home", str(tmp_path), "serve", "--port", str(port)],
            capture_output=True,
            text=True,
        )
    assert said.returncode == 1
    assert "choose another --host or --port" in said.stderr
    assert len(said.stderr.splitlines()) == 1
    assert not (tmp_path / "data").exists()


def test_several_digests_answer_at_their_own_addresses(tmp_path):
    for name in ("ml", "bio"):
        config = tmp_path / "tenants" / name / "config"
        config.mkdir(parents=True)
        (config / "digest.toml").write_text(
            f'[sender]\nname = "The {name} digest"\n[web]\nurl = "http://{name}.example.org"\n'
        )
    (tmp_path / "tenants" / ".house").touch()
    with serving(tmp_path, "--no-schedule") as (_, address):
        for name in ("ml", "bio"):
            request = urllib.request.Request(address, headers={"Host": f"{name}.example.org"})
            assert f"The {name} digest" in answer(request)[1]


def test_a_round_of_sending_that_breaks_oddly_costs_no_later_confirmation(caplog):
    rounds: list[int] = []

    def deliver(**_):
        rounds.append(len(rounds))
        if len(rounds) == 1:
            raise RuntimeError("nobody thought of this")

    app = SimpleNamespace(
        settings=SimpleNamespace(file=SimpleNamespace(cluster=ClusterSettings())), deliver=deliver
    )
    woken, stopping = threading.Event(), threading.Event()
    context = SimpleNamespace(wall_clock=lambda: NOW)
    thread = threading.Thread(target=_send_at_once, args=({"": app}, context, woken, stopping))
    thread.start()
    for number in (1, 2):
        woken.set()
        assert eventually(lambda number=number: len(rounds) >= number, seconds=5)
    stopping.set()
    woken.set()
    thread.join()
    assert "nobody thought of this" in caplog.text
