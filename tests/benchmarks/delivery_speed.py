"""Mails a second from the outbox to `sent`, beside what others do with the same bytes and the same sink.

Interleaved rounds, medians. The sink is Postfix's smtp-sink where it is at hand (tests/postfix.py), else our own. All of
ours keep the whole ledger: claim, two-half hand-over, every note and outcome durable (synchronous=FULL).
"""

import argparse
import resource
import smtplib
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, date, datetime
from functools import partial
from pathlib import Path
from statistics import median

from digest.deliver import Policy, deliver
from digest.mail.smtp import SmtpTransport
from digest.model import Digest, Envelope, Issue, Message, Profile
from digest.store import Store
from digest.store.owing import Owed, owe_digests
from digest.store.people import FileProfile, find_subscriber, put_file_profile
from digest.tables import SmtpSettings
from tests.benchmarks.sink import mail_sink, tls_sink
from tests.postfix import environment, smtp_sink, tool

MESSAGES = 600
ROUNDS = 3
NOW = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
BODY = (
    b"X-Filler: yes\r\n\r\n"
    + b"The quick brown fox jumps over the lazy dog, and then some more of it.\r\n" * 530
)  # 38 kB


def a_message(number: int) -> Message:
    """38 kB, as a digest of twenty papers is."""
    envelope = Envelope("digest@example.org", f"reader{number}@example.org")
    head = f"Message-ID: <{number}@example.org>\r\n".encode()
    return Message(f"<{number}@example.org>", envelope, "A digest", head + BODY)


def fill(store: Store, day: int) -> None:
    """Owe everybody one message."""
    issue = Issue(f"2026-03-{day:02}/day", date(2026, 3, day), NOW)
    with store.writing() as tx:
        for number in range(MESSAGES):
            message = a_message(day * MESSAGES + number)
            profile = Profile(email=message.envelope.rcpt_to)
            said = FileProfile(profile, "x", store.address_hash(profile.email), NOW, NOW)
            put_file_profile(tx, said, now=NOW)
            person = find_subscriber(tx, profile.email)
            assert person is not None
            digest = Digest(issue, profile.email, (), 0, profile)
            owe_digests(tx, [Owed(digest, message, person, ())], now=NOW)


class Bench:
    """One folder for databases, one sink; every measurement is (messages a second, CPU microseconds a message)."""

    def __init__(self, folder: Path, port: int) -> None:
        self._folder = folder
        self._port = port
        self._databases = 0

    def ours(self, connections: int, **security: object) -> tuple[float, float]:
        """Through the ledger, over that many connections."""
        self._databases += 1
        store = Store(f"sqlite:///{self._folder / f'{self._databases}.db'}", secret=b"a benchmark")
        fill(store, 1)
        wanted = SmtpSettings(**({"host": "127.0.0.1", "port": self._port, "security": "none"} | security))
        ways = [SmtpTransport(wanted) for _ in range(connections)]
        spent = timed(lambda: deliver(store, ways, policy=Policy(batch=200), clock=lambda: NOW).sent)
        store.close()
        return spent

    def smtplib(self) -> tuple[float, float]:
        """Ready bytes over one kept connection of `smtplib`, and no memory of anything."""
        messages = [a_message(number) for number in range(MESSAGES)]

        def send() -> int:
            with smtplib.SMTP("127.0.0.1", self._port) as connection:
                for message in messages:
                    connection.sendmail(message.envelope.mail_from, [message.envelope.rcpt_to], message.raw)
            return MESSAGES

        return timed(send)

    def postfix(self) -> tuple[float, float]:
        """Postfix's own load generator, four sessions that keep their connections: C, and no memory of anything."""
        path = tool("smtp-source")
        assert path is not None
        command = [
            path,
            "-d",
            "-s",
            "4",
            "-m",
            str(MESSAGES),
            "-l",
            str(len(BODY)),
            f"127.0.0.1:{self._port}",
        ]
        began = time.perf_counter()
        subprocess.run(command, check=True, env=environment())
        return MESSAGES / (time.perf_counter() - began), 0.0


def timed(send: Callable[[], int]) -> tuple[float, float]:
    """Rate and CPU of sending everything."""
    began, cpu = time.perf_counter(), _cpu()
    assert send() == MESSAGES
    return MESSAGES / (time.perf_counter() - began), (_cpu() - cpu) / MESSAGES * 1e6


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


def main() -> None:
    """Print a table: rate, CPU, and the ratio to plain smtplib."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--connections", type=int, nargs="*", default=[1, 2, 4, 8, 16])
    options.add_argument("--tls", action="store_true", help="also over TLS, to our own sink")
    chosen, _ = options.parse_known_args()
    with tempfile.TemporaryDirectory() as name, any_sink() as (port, sink):
        bench = Bench(Path(name), port)
        runs: dict[str, Callable[[], tuple[float, float]]] = {"smtplib, one connection": bench.smtplib}
        if tool("smtp-source"):
            runs["smtp-source -s 4"] = bench.postfix
        runs |= {f"outbox to `sent`, {n:2} connections": partial(bench.ours, n) for n in chosen.connections}
        show(f"to {sink}, {MESSAGES} messages of {len(BODY) // 1000} kB", runs)
    if chosen.tls:
        with tempfile.TemporaryDirectory() as name, tls_sink(Path(name)) as (port, ca_file):
            bench = Bench(Path(name), port)
            tls = {"security": "tls", "ca_file": ca_file}
            show(
                "over TLS, to a sink in Python",
                {
                    f"outbox to `sent`, {n:2} connections": partial(bench.ours, n, **tls)
                    for n in chosen.connections
                },
            )


def show(title: str, runs: dict[str, Callable[[], tuple[float, float]]]) -> None:
    """Interleave the runs and print the medians."""
    rounds = [{name: run() for name, run in runs.items()} for _ in range(ROUNDS)]
    print(title)
    first = median(one[next(iter(runs))][0] for one in rounds)
    for name in runs:
        rate, cpu = (median(one[name][part] for one in rounds) for part in (0, 1))
        print(f"  {name:36} {rate:7.0f} mails/s  {cpu:5.0f} us CPU a mail   ratio {rate / first:.2f}")


if __name__ == "__main__":
    main()
