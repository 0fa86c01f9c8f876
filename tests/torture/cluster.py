"""A cluster on one machine, with everything in it killed at random while it sends.

    python -m tests.torture.cluster --readers 20000 --kills 10

One scheduler, two web processes and four workers share a real PostgreSQL (durable: fsync on) and send to a mail server
that writes down what it accepts. Scheduler, web, workers and PostgreSQL are each killed `--kills` times, at random
moments, and brought back. In the end every reader must have the digest of the day, and a second copy only where the
first was in doubt: the same bytes, of a delivery whose sender died or lost the database between the end of the message
and its commit.
"""

import argparse
import json
import os
import random
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg

from digest.model import Cadence, Interest, Profile
from digest.store import Store
from tests.builders import subscribe_many
from tests.postgres import Server, plain
from tests.servers import free_port
from tests.torture.crew import Crew, Taken, remembering_sink, taken
from tests.torture.kills import add_page

SECRET = "the secret of the trial"
WORKERS, WEBS = 4, 2
SUBJECTS = [
    "speculative decoding",
    "draft model",
    "neural codec",
    "protein folding",
    "graph learning",
    "robot grasping",
]


@dataclass(frozen=True)
class Outcome:
    """What the kills left behind."""

    readers: int
    killed: dict[str, int]  # how often each kind was killed while there was work left
    seconds: float
    lost: int
    twice: int  # second copies inside the stated window
    twice_outside: int  # second copies outside it: there must be none
    different: int  # second copies with other bytes: there must be none
    states: dict[str, int]
    shard_attempts: int


def make_home(home: Path, port: int, kind: str = "procrastinate") -> None:
    """A home whose digest is worked on by workers, with looks every second or two."""
    (home / "config" / "subscribers").mkdir(parents=True)
    (home / "pages").mkdir()
    (home / "config" / "digest.toml").write_text(
        '[sender]\naddress = "digest@example.org"\n[delivery]\ntransport = "smtp"\nlease_seconds = 30\n'
        f'[smtp]\nhost = "127.0.0.1"\nport = {port}\nsecurity = "none"\ntimeout = 10\n'
        f'[cluster]\nengine = "{kind}"\n[schedule]\npublish_minutes = 0.03\ndeliver_minutes = 0.03\n'
    )
    for day in range(12):
        add_page(home, day)


def subscribe(url: str, readers: int) -> None:
    """That many people of the web, due at once."""
    now = datetime.now(UTC)
    at = (now - timedelta(minutes=30)).time().replace(second=0, microsecond=0)
    store = Store(url, secret=SECRET.encode())
    subscribe_many(
        store,
        (
            Profile(
                email=f"reader{number:06}@example.org",
                cadence=Cadence("day", at),
                interests=tuple(Interest((subject,)) for subject in (SUBJECTS[number % 6], SUBJECTS[0])),
                max_papers=3,
            )
            for number in range(readers)
        ),
        now=now,
    )
    store.close()


def trial(folder: Path, *, readers: int, kills: int, seed: int) -> Outcome:
    """One whole trial in `folder`, in this process and its children."""
    home, memory = folder / "home", folder / "taken.tsv"
    server = Server(careful=True)
    url = server.url.render_as_string(hide_password=False)
    os.environ.update({"DIGEST_DATABASE_URL": url, "DIGEST_SECRET": SECRET})
    try:
        with remembering_sink(memory) as port:
            make_home(home, port)
            subscribe(url, readers)
            crew = Crew(folder / "log", _commands(home))
            began = time.monotonic()
            for name in crew.commands:
                crew.start(name)
            try:
                killed = _kill_at_random(
                    crew, server, kills, random.Random(seed), lambda: _left(server, readers)
                )
                _wait(crew, lambda: _left(server, readers) == 0)
            finally:
                crew.end()
            return _count(server, taken(memory), readers, killed, time.monotonic() - began)
    finally:
        server.remove()


def _commands(home: Path) -> dict[str, list[str]]:
    at = ["--home", str(home), "-v"]
    webs = {f"web{n}": [*at, "serve", "--no-schedule", "--port", str(free_port())] for n in range(WEBS)}
    return {"scheduler": [*at, "run"], **webs, **{f"worker{n}": [*at, "worker"] for n in range(WORKERS)}}


def _kill_at_random(
    crew: Crew, server: Server, kills: int, dice: random.Random, left: Callable[[], int]
) -> Counter[str]:
    """Kill each kind so often, in random order; only what was killed while there was work left is counted."""
    order = [kind for kind in ("scheduler", "web", "worker", "postgres") for _ in range(kills)]
    dice.shuffle(order)
    killed: Counter[str] = Counter()
    while left() < 0:  # nothing is queued yet
        time.sleep(0.1)
    for kind in order:
        time.sleep(dice.uniform(0.1, 1.2))
        crew.revive()
        was_left = left()
        if kind == "postgres":
            server.stop(dice.choice([signal.SIGQUIT, signal.SIGKILL]))
            time.sleep(dice.uniform(0.0, 0.5))
            server.start()
        else:
            name = dice.choice([name for name in crew.alive if name.startswith(kind)])
            crew.kill(name)
            time.sleep(dice.uniform(0.0, 0.5))
            crew.start(name)
        killed[kind] += was_left > 0
    return killed


def _wait(crew: Crew, is_done: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 900
    while not is_done():
        crew.revive()
        if time.monotonic() > deadline:
            raise RuntimeError("the cluster does not come to an end")
        time.sleep(0.5)


def _left(server: Server, readers: int) -> int:
    """How many digests were not accepted yet, -1 when none is queued yet."""
    with psycopg.connect(plain(server.url)) as db:
        queued, sent = db.execute(
            "SELECT count(*), count(*) FILTER (WHERE state = 'sent') FROM deliveries"
        ).fetchone() or (0, 0)
    return readers - int(sent) if queued else -1


def _count(
    server: Server, accepted: list[Taken], readers: int, killed: Counter[str], seconds: float
) -> Outcome:
    copies: dict[str, list[Taken]] = {}
    for one in accepted:
        copies.setdefault(one.rcpt_to, []).append(one)
    with psycopg.connect(plain(server.url)) as db:
        doubtful = {row[0] for row in db.execute("SELECT rcpt_to FROM deliveries WHERE attempts > 1")}
        states: dict[str, int] = dict(
            db.execute("SELECT state, count(*) FROM deliveries GROUP BY state").fetchall()
        )
        [attempts] = db.execute("SELECT sum(attempts) FROM shards").fetchone() or (0,)
    doubled = {to: many for to, many in copies.items() if len(many) > 1}
    return Outcome(
        readers=readers,
        killed=dict(killed),
        seconds=round(seconds, 1),
        lost=readers - len(copies),
        twice=sum(len(many) - 1 for to, many in doubled.items() if to in doubtful),
        twice_outside=sum(len(many) - 1 for to, many in doubled.items() if to not in doubtful),
        different=sum(
            len({(one.message_id, one.content_hash) for one in many}) > 1 for many in doubled.values()
        ),
        states=states,
        shard_attempts=int(attempts),
    )


def main() -> None:
    """Run one trial and print its counts."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--readers", type=int, default=20_000)
    options.add_argument("--kills", type=int, default=10)
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--keep", type=Path, help="folder that is left for a look")
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        where = chosen.keep or Path(folder)
        outcome = trial(where, readers=chosen.readers, kills=chosen.kills, seed=chosen.seed)
    print(json.dumps(asdict(outcome)))
    sys.exit(1 if outcome.lost or outcome.twice_outside or outcome.different else 0)


if __name__ == "__main__":
    main()
