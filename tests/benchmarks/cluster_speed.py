"""How publishing grows: workers and readers, with ranking, composing and rendering, and sending left out.

    python -m tests.benchmarks.cluster_speed --workers 1 2 4 --readers 1000 10000 100000

Every worker is a process that takes shards from one PostgreSQL until none is left. A line says how long that took, what a
digest cost in CPU of the workers and of PostgreSQL, and the most memory a worker ever had. The last line is the growth
exponent: 1.00 means that ten times the readers cost ten times the CPU.
"""

import argparse
import json
import math
import os
import resource
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from digest.letters import Letters
from digest.material import FittedOnce
from digest.model import Interest
from digest.publish import Limits, ShardPublisher, plan
from digest.store import Store
from tests import postgres
from tests.builders import NOW, a_paper, a_profile, record, subscribe_many

PAPERS = 300
SUBJECTS = [f"subject{number}" for number in range(60)]
WORKER = "import sys; from tests.benchmarks.cluster_speed import work; work(sys.argv[1])"


@dataclass(frozen=True)
class Line:
    """One measurement."""

    workers: int
    readers: int
    seconds: float
    cpu_ms: float  # of all workers, a reader
    database_ms: float  # of PostgreSQL, a reader
    memory_mb: float  # the most of any worker


def corpus() -> list:  # type: ignore[type-arg]
    """Papers about some of sixty subjects each."""
    return [
        a_paper(
            n,
            title=f"A study of {SUBJECTS[n % 60]} and {SUBJECTS[n * 7 % 60]}",
            abstract=" ".join(
                f"{SUBJECTS[(n * k + k) % 60]} word{(n * 31 + k * 17) % 4000}" for k in range(1, 70)
            ),
            upvotes=n % 90,
        )
        for n in range(PAPERS)
    ]


def work(url: str) -> None:
    """One worker: publish shards until none is left, and say what it cost."""
    store = Store(url, secret=postgres.SECRET)
    shards = ShardPublisher(store, Letters.for_preview(), Limits(), FittedOnce())
    print("ready", flush=True)
    sys.stdin.readline()
    before = time.process_time()
    stopping = threading.Event()
    while shards.publish_open(clock=lambda: NOW + timedelta(seconds=1), is_stopping=stopping.is_set):
        pass
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"cpu": time.process_time() - before, "memory": most}), flush=True)
    store.close()


def measure(server: postgres.Server, workers: int, readers: int) -> Line:
    """One line of the table."""
    url = server.new_database()
    store = Store(url, secret=postgres.SECRET)
    record(store, *corpus())
    subscribe_many(
        store,
        (
            a_profile(
                email=f"reader{number}@example.org",
                interests=tuple(Interest((SUBJECTS[number * k % 60],)) for k in (1, 7, 11)),
            )
            for number in range(readers)
        ),
    )
    plan(store, limits=Limits(), now=NOW, wake=lambda _tx, _numbers: None)
    crew = [
        subprocess.Popen(
            [sys.executable, "-c", WORKER, url], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        for _ in range(workers)
    ]
    for one in crew:
        assert one.stdout is not None
        one.stdout.readline()
    database, began = server.cpu_seconds(), time.monotonic()
    for one in crew:
        assert one.stdin is not None
        one.stdin.write("go\n")
        one.stdin.flush()
    told = [json.loads(one.communicate()[0].splitlines()[-1]) for one in crew]
    seconds = time.monotonic() - began
    with store.reading() as db:
        assert db.exec_driver_sql("SELECT count(*) FROM deliveries").scalar() == readers
    store.close()
    server.drop_database(url)
    return Line(
        workers,
        readers,
        seconds,
        sum(one["cpu"] for one in told) / readers * 1e3,
        (server.cpu_seconds() - database) / readers * 1e3,
        max(one["memory"] for one in told),
    )


def exponent(lines: list[Line]) -> float:
    """Of the least squares line through log CPU over log readers."""
    points = [
        (math.log(line.readers), math.log((line.cpu_ms + line.database_ms) * line.readers)) for line in lines
    ]
    mean = [sum(axis) / len(points) for axis in zip(*points, strict=True)]
    rise = sum((x - mean[0]) * (y - mean[1]) for x, y in points)
    return float(rise / sum((x - mean[0]) ** 2 for x, _ in points))


def main() -> None:
    """Print the table."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--workers", type=int, nargs="+", default=[1, 2, 4])
    options.add_argument("--readers", type=int, nargs="+", default=[1000, 4000])
    chosen = options.parse_args()
    print(f"{datetime.now(UTC):%Y-%m-%d} on {os.cpu_count()} cores, {PAPERS} papers")
    print("workers  readers  seconds  readers/s  worker ms  database ms  memory MB")
    server = postgres.Server(careful=True)
    try:
        for workers in chosen.workers:
            lines = []
            for readers in chosen.readers:
                line = measure(server, workers, readers)
                lines.append(line)
                print(
                    f"{workers:7} {readers:8} {line.seconds:8.1f} {readers / line.seconds:10.0f} {line.cpu_ms:10.2f}"
                    f" {line.database_ms:12.2f} {line.memory_mb:10.0f}",
                    flush=True,
                )
            if len(lines) > 1:
                print(f"{workers:7} growth exponent {exponent(lines):.2f}", flush=True)
    finally:
        server.remove()


if __name__ == "__main__":
    main()
