"""How a morning grows: workers and readers, from "due" to "sent", with a mail server that takes everything at once.

    python -m tests.benchmarks.cluster_speed --workers 1 2 4 --readers 1000 10000 100000
    python -m tests.benchmarks.cluster_speed --workers 2 --readers 1000000          # one cell; needs 30 GB of disk

A month of papers, a hundred a day; readers with three to six keywords of their own, ten papers each. Every worker is a
process that publishes shards from one PostgreSQL (durable) until none is left, then sends what is owed. A line says how
long both took, what a digest cost in CPU of the workers and of PostgreSQL, and the most memory a worker ever had. The
last line is the growth exponent: 1.00 means that ten times the readers cost ten times the CPU.
"""

import argparse
import json
import math
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Self

from digest.deliver import Policy, deliver
from digest.mail.transport import AboutToEnd, Following, nothing
from digest.material import FittedOnce
from digest.model import Envelope, Profile
from digest.publish import Limits, ShardPublisher, plan
from digest.store import Store
from digest.tables import DeliverySettings
from tests import postgres
from tests.benchmarks.morning_speed import A_DAY, DAYS, NOW, letters, record_month
from tests.benchmarks.population import loners
from tests.builders import subscribe_many

WORKER = "import sys; from tests.benchmarks.cluster_speed import work; work(sys.argv[1])"
ROOM = 30_000  # bytes of disk that a reader needs at most, with PostgreSQL's log
AT_ONCE = 10_000
PHASES = ("publish", "send")


@dataclass(frozen=True)
class Phase:
    """Publishing, or sending."""

    seconds: float
    worker_ms: float  # CPU of all workers, a reader
    database_ms: float  # CPU of PostgreSQL, a reader


@dataclass(frozen=True)
class Line:
    """One measurement."""

    workers: int
    readers: int
    publish: Phase
    send: Phase
    papers: float  # in a digest
    memory_mb: float  # the most of any worker
    disk_kb: float  # of the database, a reader

    @property
    def cpu_ms(self) -> float:
        """Of everybody, a reader."""
        return sum(one.worker_ms + one.database_ms for one in (self.publish, self.send))

    def __str__(self) -> str:
        seconds = self.publish.seconds + self.send.seconds
        phases = "".join(
            f"{one.seconds:9.1f} {one.worker_ms:6.2f} {one.database_ms:6.2f}"
            for one in (self.publish, self.send)
        )
        return (
            f"{self.workers:7} {self.readers:8} {phases} {self.readers / seconds:8.0f} {self.papers:6.1f}"
            f" {self.memory_mb:9.0f} {self.disk_kb:7.1f}"
        )


class Nowhere:
    """A way out that takes everything at once and keeps nothing."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        return

    def connect(self) -> None:
        """There is nobody to reach."""

    def send(
        self, envelope: Envelope, raw: bytes, about_to_end: AboutToEnd, following: Following = nothing
    ) -> str:
        """Take it."""
        about_to_end()
        return "250 2.0.0 ok"


def readers_of(count: int, subjects: list[list[str]]) -> Iterator[Profile]:
    """That many, some at a time."""
    for first in range(0, count, AT_ONCE):
        for profile in loners(min(AT_ONCE, count - first), subjects, seed=first):
            number = first + int(profile.email.removeprefix("reader").partition("@")[0])
            yield replace(profile, email=f"reader{number}@example.org")


def arrange(store: Store, readers: int) -> None:
    """A month of pages, everybody due, and the run planned."""
    subscribe_many(store, readers_of(readers, record_month(store)), now=NOW)
    plan(store, limits=Limits(), now=NOW, wake=lambda _tx, _numbers: None)


def work(url: str) -> None:
    """One worker: publish until nothing is left, then send until nothing is left, and say what each cost."""
    store = Store(url, secret=postgres.SECRET)
    shards = ShardPublisher(store, letters(signed=False), Limits(), FittedOnce())

    def clock() -> datetime:
        return NOW + timedelta(seconds=1)

    def publish() -> None:
        while shards.publish_open(clock=clock, is_stopping=lambda: False):
            pass

    def send() -> None:
        ways = [Nowhere() for _ in range(DeliverySettings().connections)]
        deliver(store, ways, policy=Policy(), clock=clock)

    for act in (publish, send):
        print("ready", flush=True)
        sys.stdin.readline()
        before = time.process_time()
        act()
        most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(json.dumps({"cpu": time.process_time() - before, "memory": most}), flush=True)
    store.close()


class Crew:
    """The workers of one measurement."""

    def __init__(self, url: str, workers: int) -> None:
        self.memory_mb = 0.0
        self._all = [
            subprocess.Popen(
                [sys.executable, "-c", WORKER, url], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
            )
            for _ in range(workers)
        ]

    def phase(self, server: postgres.Server, readers: int) -> Phase:
        """Let all of them do the next thing, and wait until the last has done it."""
        for one in self._all:
            assert one.stdout is not None
            assert one.stdout.readline() == "ready\n", "a worker could not begin"
        database, began = server.cpu_seconds(), time.monotonic()
        for one in self._all:
            assert one.stdin is not None
            one.stdin.write("go\n")
            one.stdin.flush()
        told = [json.loads(one.stdout.readline()) for one in self._all if one.stdout is not None]
        seconds = time.monotonic() - began
        self.memory_mb = max(self.memory_mb, *(one["memory"] for one in told))
        spent = (sum(one["cpu"] for one in told), server.cpu_seconds() - database)
        return Phase(seconds, *(each / readers * 1e3 for each in spent))

    def end(self) -> None:
        """Wait for them."""
        for one in self._all:
            one.communicate()


def measure(server: postgres.Server, workers: int, readers: int) -> Line:
    """One line of the table."""
    url = server.new_database()
    store = Store(url, secret=postgres.SECRET)
    arrange(store, readers)
    crew = Crew(url, workers)
    publish, send = crew.phase(server, readers), crew.phase(server, readers)
    crew.end()
    with store.reading() as db:
        sent = db.exec_driver_sql("SELECT count(*) FROM deliveries WHERE state = 'sent'").scalar_one()
        papers = db.exec_driver_sql("SELECT count(*) FROM shown").scalar_one()
        size = db.exec_driver_sql("SELECT pg_database_size(current_database())").scalar_one()
        skipped = db.exec_driver_sql("SELECT count(*) FROM skips").scalar_one()
    assert sent + skipped == readers, f"{readers - sent - skipped} of {readers} are lost"
    assert skipped < readers / 100, f"{skipped} of {readers} found nothing for them"
    store.close()
    server.drop_database(url)
    return Line(workers, readers, publish, send, papers / sent, crew.memory_mb, size / readers / 1e3)


def exponent(lines: list[Line]) -> float:
    """Of the least squares line through log CPU over log readers."""
    points = [(math.log(line.readers), math.log(line.cpu_ms * line.readers)) for line in lines]
    mean = [sum(axis) / len(points) for axis in zip(*points, strict=True)]
    rise = sum((x - mean[0]) * (y - mean[1]) for x, y in points)
    return float(rise / sum((x - mean[0]) ** 2 for x, _ in points))


def main() -> None:
    """Print the table."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--workers", type=int, nargs="+", default=[1, 2, 4])
    options.add_argument("--readers", type=int, nargs="+", default=[1000, 4000])
    chosen, _ = options.parse_known_args()
    free = shutil.disk_usage(tempfile.gettempdir()).free
    if free < ROOM * max(chosen.readers):
        sys.exit(f"{max(chosen.readers)} readers need {ROOM * max(chosen.readers) / 1e9:.0f} GB of disk")
    print(f"{datetime.now(UTC):%Y-%m-%d} on {os.cpu_count()} cores, {A_DAY} papers a day for {DAYS} days")
    print("                  publish:               send:")
    print("workers  readers   seconds worker     db  seconds worker     db  mails/s papers memory MB disk kB")
    server = postgres.Server(careful=True)
    try:
        for workers in chosen.workers:
            lines = []
            for readers in chosen.readers:
                lines.append(measure(server, workers, readers))
                print(lines[-1], flush=True)
            if len(lines) > 1:
                print(f"{workers:7} growth exponent {exponent(lines):.2f}", flush=True)
    finally:
        server.remove()


if __name__ == "__main__":
    main()
