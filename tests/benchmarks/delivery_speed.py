"""Mails a second from the outbox to `sent`, beside what others do with the same bytes and the same sink.

    python -m tests.benchmarks.delivery_speed [--messages 1000] [--rounds 5] [--connections 1 4 16]

Interleaved rounds, medians. The sink is Postfix's smtp-sink where it is at hand (tests/postfix.py), else our own. All of
ours keep the whole ledger: claim, two-half hand-over, every note and outcome committed; durable (`synchronous=FULL`, as
the product always is), and for comparison `NORMAL`, and with no ledger at all. The bare script (tests/benchmarks/bare_script.py)
tells what Python and the machine cost by themselves. Rates are of the wall clock and mean little on a busy machine;
processor time and ratios mean more.
"""

import argparse
import resource
import shutil
import smtplib
import socket
import ssl
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

from cryptography.hazmat.primitives.asymmetric import rsa
from sqlalchemy import event, update

from digest.deliver import Policy, deliver
from digest.mail.dkim import Key, Signer
from digest.mail.senders import Outcome, Request, Retired, Senders
from digest.mail.smtp import SmtpTransport
from digest.model import Delivery, Envelope, Message
from digest.store import Store
from digest.store.bodies import keep_bodies, keep_pieces
from digest.store.bulk import fill
from digest.store.schema import deliveries
from digest.tables import SmtpSettings
from digest.writing import Shared, Tokens, Writing
from tests.benchmarks.bare_script import send_bare
from tests.benchmarks.sink import mail_sink, tls_sink
from tests.postfix import environment, smtp_sink, tool

NOW = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
BEFORE = NOW - timedelta(minutes=5)
HEAD = [b"From: digest@example.org\r\n", b"To: reader@example.org\r\n", b"Subject: A digest\r\n"]
CARDS = 30  # in each mail, each with words that are its reader's own; 38 kB, as a digest of twenty papers is
_SHARED = [
    Shared.of(b"Card %03d: the quick brown fox jumps over the lazy dog, and over it again.\r\n" % n * 10)
    for n in range(100)
]
_OWN = b"These words are of one reader alone: why this, more like it, less of it.\r\n" * 7
Found = tuple[float, float]  # messages a second, CPU microseconds a message
Runs = dict[str, Callable[[], Found]]
_OFF = ", no ledger"


def some_messages(count: int, *, signed: bool = False) -> list[Message]:
    """Mails that share some of their words and not the others, as digests do."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    sign = Signer([Key("s", "example.org", key)]) if signed else None
    made = []
    for number in range(count):
        headers = [*HEAD, f"Message-ID: <{number}@example.org>\r\n".encode()]
        forms = [form for card in range(CARDS) for form in (_SHARED[(number + card) % len(_SHARED)], _OWN)]
        body = Writing.of(forms, Tokens())
        signature = sign(headers, body.raw) if sign else b""
        envelope = Envelope("digest@example.org", f"reader{number}@example.org")
        writing = body.behind(b"".join([signature, *headers, b"\r\n"]))
        made.append(Message(f"<{number}@example.org>", envelope, "A digest", writing))
    return made


def owe(file: Path, owed: list[Message]) -> None:
    """An outbox that holds these, the last of them due before the others."""
    store = Store(f"sqlite:///{file}", secret=b"a benchmark")
    with store.writing() as tx:
        fill(tx, deliveries, (_row(number, message) for number, message in enumerate(owed, 1)))
        tx.execute(update(deliveries).where(deliveries.c.id == len(owed)).values(due_at=BEFORE))
        keep_pieces(tx, owed, now=BEFORE)
        keep_bodies(tx, list(enumerate(owed, 1)), now=BEFORE)
    assert store.empty_log()
    store.close()


def _row(number: int, message: Message) -> dict[str, Any]:
    row = {"id": number, "kind": "digest", "message_id": message.message_id, "subject": message.subject}
    row |= {"mail_from": message.envelope.mail_from, "rcpt_to": message.envelope.rcpt_to, "state": "queued"}
    return row | {"address_hash": str(number), "queued_at": NOW, "due_at": NOW, "attempts": 0, "takeovers": 0}


class Bench:
    """One folder for databases, one sink; every measurement sends all of the same messages."""

    def __init__(self, folder: Path, port: int, owed: list[Message], **security: Any) -> None:
        self._folder = folder
        self._ready = [
            Delivery(n, m.message_id, m.envelope, 1, NOW, m.raw) for n, m in enumerate(owed, 1)
        ]  # for those who keep no ledger
        self._settings = SmtpSettings(**({"host": "127.0.0.1", "port": port, "security": "none"} | security))
        first = Message("<first@example.org>", owed[0].envelope, "A digest", owed[0].writing)
        owe(folder / "template.db", [*owed, first])

    def ours(self, connections: int, *, synchronous: str = "FULL") -> Found:
        """Through the ledger, over that many connections. One mail goes first: what a process must learn is learnt once."""
        with self._outbox() as file:
            store = Store(f"sqlite:///{file}", secret=b"a benchmark")
            if synchronous != "FULL":
                _relax(store, synchronous)
            ways = [SmtpTransport(self._settings) for _ in range(connections)]
            assert deliver(store, ways[:1], policy=Policy(), clock=lambda: BEFORE).sent == 1
            found = self._timed(lambda: deliver(store, ways, policy=Policy(), clock=lambda: NOW).sent)
            store.close()
        return found

    def bare(self, connections: int, *, synchronous: str = "FULL") -> Found:
        """As little Python as will do, with a commit a message."""
        with self._outbox() as file:
            port = self._settings.port
            return self._timed(lambda: send_bare(port, file, self._ready, connections, synchronous))

    @contextmanager
    def _outbox(self) -> Iterator[Path]:
        """A copy of everything that is owed."""
        file = self._folder / "run.db"
        shutil.copy(self._folder / "template.db", file)
        yield file
        for path in self._folder.glob("run.db*"):
            path.unlink()

    def without_ledger(self, connections: int) -> Found:
        """The same senders, and nobody writes anything down."""
        ways = [SmtpTransport(self._settings) for _ in range(connections)]
        return self._timed(lambda: _send(ways, self._ready))

    def smtplib(self, *, no_delay: bool = False) -> Found:
        """Ready bytes over one kept connection of `smtplib`, and no memory of anything.

        Over TLS it waits about 40 ms for each message, unless somebody sets `no_delay` (Nagle's algorithm).
        """
        return self._timed(partial(self._send_by_smtplib, no_delay=no_delay))

    def _send_by_smtplib(self, *, no_delay: bool) -> int:
        wanted = self._settings
        if wanted.security == "tls":
            context = ssl.create_default_context(cafile=str(wanted.ca_file))
            connection: smtplib.SMTP = smtplib.SMTP_SSL(wanted.host, wanted.port, context=context)
        else:
            connection = smtplib.SMTP(wanted.host, wanted.port)
        assert connection.sock is not None
        if no_delay:
            connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with connection:
            for one in self._ready:
                connection.sendmail(one.envelope.mail_from, [one.envelope.rcpt_to], one.raw)
        return len(self._ready)

    def postfix(self) -> Found:
        """Postfix's own load generator, four sessions that keep their connections: C, and no memory of anything."""
        path = tool("smtp-source")
        assert path is not None
        where = f"{self._settings.host}:{self._settings.port}"
        count, length = str(len(self._ready)), str(len(self._ready[0].raw))
        began = time.perf_counter()
        subprocess.run(
            [path, "-d", "-s", "4", "-m", count, "-l", length, where], check=True, env=environment()
        )
        return len(self._ready) / (time.perf_counter() - began), 0.0

    def _timed(self, send: Callable[[], int]) -> Found:
        began, cpu = time.perf_counter(), _cpu()
        assert send() == len(self._ready)
        return len(self._ready) / (time.perf_counter() - began), (_cpu() - cpu) / len(self._ready) * 1e6


def _relax(store: Store, synchronous: str) -> None:
    @event.listens_for(store._engine, "connect")
    def _on_connect(connection: Any, _record: Any) -> None:
        connection.execute(f"PRAGMA synchronous = {synchronous}")

    store._engine.dispose()  # those that were opened before


def _send(ways: list[SmtpTransport], work: list[Delivery]) -> int:
    senders, sent = Senders(lambda delivery: delivery.envelope.mail_from), 0
    senders.start(list(ways))
    for delivery in work:
        senders.put(delivery)
    senders.finish()
    while senders.alive:
        for said in senders.events(1.0):
            if isinstance(said, Request):
                said.answer(True)
            sent += isinstance(said, Outcome)
            senders.alive -= isinstance(said, Retired)
    return sent


def _cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


@contextmanager
def any_sink() -> Iterator[tuple[int, str]]:
    """Postfix's sink when it is there, else ours; its port and name."""
    with ExitStack() as stack:
        if tool("smtp-sink"):
            yield stack.enter_context(smtp_sink()), "smtp-sink"
        else:
            yield stack.enter_context(mail_sink())[0], "a sink in Python"


def runs_of(bench: Bench, signed: Bench, connections: list[int]) -> Runs:
    """Everything that is compared in clear."""
    runs: Runs = {"smtplib, one connection": bench.smtplib}
    if tool("smtp-source"):
        runs["smtp-source -s 4"] = bench.postfix
    for n in connections:
        runs[f"{n:2} connections"] = partial(bench.ours, n)
        runs[f"{n:2} connections, signed"] = partial(signed.ours, n)
        runs[f"{n:2} connections, NORMAL"] = partial(bench.ours, n, synchronous="NORMAL")
        runs[f"{n:2} connections{_OFF}"] = partial(bench.without_ledger, n)
        runs[f"{n:2} connections, bare script"] = partial(bench.bare, n)
        runs[f"{n:2} connections, bare, NORMAL"] = partial(bench.bare, n, synchronous="NORMAL")
    return runs


def main() -> None:
    """Print rate, processor time, and the ratios to plain smtplib and to smtp-source."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--messages", type=int, default=1000)
    options.add_argument("--rounds", type=int, default=5)
    options.add_argument("--connections", type=int, nargs="*", default=[1, 4, 16])
    chosen, _ = options.parse_known_args()
    owed, signed = some_messages(chosen.messages), some_messages(chosen.messages, signed=True)
    with tempfile.TemporaryDirectory() as name, any_sink() as (port, sink):
        clear, with_key = Path(name) / "clear", Path(name) / "signed"
        clear.mkdir()
        with_key.mkdir()
        runs = runs_of(Bench(clear, port, owed), Bench(with_key, port, signed), chosen.connections)
        show(f"to {sink}, {len(owed)} messages of {len(owed[0].raw) // 1000} kB", runs, chosen.rounds)
    with tempfile.TemporaryDirectory() as name, tls_sink(Path(name)) as (port, ca_file):
        bench = Bench(Path(name), port, owed, security="tls", ca_file=ca_file)
        runs = {"smtplib, one connection": bench.smtplib}
        runs["smtplib, TCP_NODELAY"] = partial(bench.smtplib, no_delay=True)
        runs |= {f"{n:2} connections": partial(bench.ours, n) for n in chosen.connections}
        show("over TLS, to a sink in Python", runs, min(chosen.rounds, 3))


def show(title: str, runs: Runs, rounds: int) -> None:
    """Interleave the runs and print the medians."""
    found = [{name: run() for name, run in runs.items()} for _ in range(rounds)]
    print(
        f"{title}\n  {'':28} {'mails/s':>8} {'us CPU':>7} {'/smtplib':>9} {'/no ledger':>11} {'/smtp-source':>13}"
    )
    rate = {name: median(one[name][0] for one in found) for name in runs}
    for name in runs:
        cpu = median(one[name][1] for one in found)
        source = f"{rate[name] / rate['smtp-source -s 4']:13.2f}" if "smtp-source -s 4" in rate else ""
        beside = rate[name] / rate["smtplib, one connection"]
        off = rate.get(name.partition(",")[0] + _OFF)
        kept = f"{rate[name] / off:11.2f}" if off else f"{'':11}"
        print(f"  {name:28} {rate[name]:8.0f} {cpu:7.0f} {beside:9.2f} {kept} {source}")


if __name__ == "__main__":
    main()
