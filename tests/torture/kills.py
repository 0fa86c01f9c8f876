"""Kill `digest run --once` with SIGKILL at random moments, then count what a real SMTP server accepted.

    python -m tests.torture.kills --kills 100 --readers 50

Every run is a process of its own, forked from one that has loaded the program, so that the moments of death spread over
the work and not over the imports. When a run ends by itself a day passes: a new page, a new digest for everybody. At the
end one run is left alone. Then every reader must have every day's digest, and a second copy only with the same bytes and
the same Message-ID: a crash between the server's 250 and the commit of `sent` is the one window in which that happens.
"""

import argparse
import json
import math
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.policy import default
from pathlib import Path

from tests.servers import Mailbox, smtp_server

FIRST_DAY = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


@dataclass(frozen=True)
class Outcome:
    """What the kills left behind."""

    kills: int
    days: int
    owed: int  # digests that had to arrive
    lost: int
    twice: int  # second copies with the same bytes and Message-ID
    different: int  # second copies that differ: there must be none


def make_home(home: Path, readers: int, port: int) -> None:
    """A home with that many readers who like the same thing, and a mail server on loopback."""
    (home / "config" / "subscribers").mkdir(parents=True)
    (home / "pages").mkdir()
    (home / "config" / "digest.toml").write_text(
        '[sender]\naddress = "digest@example.org"\n[delivery]\ntransport = "smtp"\nbatch = 7\n'
        f'[smtp]\nhost = "127.0.0.1"\nport = {port}\nsecurity = "none"\n'
    )
    for number in range(readers):
        (home / "config" / "subscribers" / f"r{number:03}.toml").write_text(
            f'email = "reader{number:03}@example.org"\ncadence = {{ every = "day", at = "07:30" }}\nmax_papers = 3\n'
            '[[interest]]\nkeywords = ["speculative decoding"]\n'
        )


def add_page(home: Path, day: int) -> None:
    """A page of that day, written long enough ago to be settled."""
    entries = [
        {
            "paper": {
                "id": f"26{day % 12 + 1:02}.{day:02}{number:03}",
                "title": f"Speculative Decoding on Day {day}, Part {number}",
                "summary": f"We speculate on decoding, day {day}, part {number}.",
                "authors": [{"name": "A. Author", "hidden": False}],
                "publishedAt": "2026-03-01T00:00:00.000Z",
                "upvotes": number,
            },
            "numComments": 0,
        }
        for number in range(4)
    ]
    page = home / "pages" / f"day-{day:04}.json"
    page.write_text(json.dumps(entries))
    os.utime(page, (0, 0))


def run_and_kill(home: Path, kills: int, seed: int) -> int:
    """In a process of its own: run and kill until `kills` runs died. Returns the number of days that passed."""
    from digest.cli import app  # loaded once, inherited by every fork

    moments = random.Random(seed)
    add_page(home, 0)
    whole = _ends_within(_fork(app, home, 0), math.inf)  # one run is left alone, to know how long one takes
    assert whole is not None
    day, died = 1, 0
    add_page(home, day)
    while died < kills:
        child = _fork(app, home, day)
        took = _ends_within(child, moments.uniform(0, 1.2 * whole))
        if took is None:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
            died += 1
        else:
            # On a busy machine the first may have taken so long that hardly any would die in time.
            whole = max(took, 0.9 * whole)
            day += 1
            add_page(home, day)
    _, status = os.waitpid(_fork(app, home, day), 0)
    if os.waitstatus_to_exitcode(status) != 0:
        raise SystemExit(f"the last run failed: {status}")
    return day + 1


def _ends_within(child: int, seconds: float) -> float | None:
    """For how many seconds the process went on, None when it still does."""
    began = time.monotonic()
    while (gone := time.monotonic() - began) < seconds:
        if os.waitpid(child, os.WNOHANG)[0]:
            return gone
        time.sleep(min(0.005, seconds - gone))
    return None


def _fork(app: object, home: Path, day: int) -> int:
    child = os.fork()
    if child:
        return child
    devnull = os.open(os.devnull, os.O_WRONLY)
    os.dup2(devnull, 1)
    now = (FIRST_DAY + timedelta(days=day)).isoformat()
    try:
        code = app(["--home", str(home), "--now", now, "run", "--once"], standalone_mode=False)  # type: ignore[operator]
        os._exit(code or 0)
    except BaseException as error:
        code = getattr(error, "exit_code", 1)
        os._exit(code if isinstance(code, int) else 1)


def count(received: Sequence[tuple[str, str, bytes]], readers: int, kills: int, days: int) -> Outcome:
    """Hold what arrived against what was owed: every reader, every day."""
    copies: dict[str, list[bytes]] = {}
    for _, _, content in received:
        copies.setdefault(str(message_from_bytes(content, policy=default)["Message-ID"]), []).append(content)
    first = [message_from_bytes(contents[0], policy=default) for contents in copies.values()]
    arrived = Counter((str(m["To"]), m["Date"].datetime.date()) for m in first)
    owed = {
        (f"reader{number:03}@example.org", (FIRST_DAY + timedelta(days=day)).date())
        for number in range(readers)
        for day in range(days)
    }
    doubled = sum(count - 1 for count in arrived.values())
    return Outcome(
        kills=kills,
        days=days,
        owed=len(owed),
        lost=len(owed - {(to.strip("<>"), on) for to, on in arrived}),
        twice=sum(len(contents) - 1 for contents in copies.values() if len(set(contents)) == 1),
        different=doubled + sum(len(set(contents)) > 1 for contents in copies.values()),
    )


def trial(folder: Path, *, kills: int, readers: int, seed: int) -> Outcome:
    """One whole trial in `folder`."""
    mailbox = Mailbox()
    with smtp_server(mailbox) as port:
        make_home(folder, readers, port)
        command = [sys.executable, "-m", "tests.torture.kills", "--in", str(folder), "--kills", str(kills)]
        told = subprocess.run([*command, "--seed", str(seed)], check=True, capture_output=True, text=True)
    return count(mailbox.received, readers, kills, int(told.stdout.split()[-1]))


def main() -> None:
    """Run one trial and print its counts."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--kills", type=int, default=100)
    options.add_argument("--readers", type=int, default=50)
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--in", dest="folder", type=Path, help=argparse.SUPPRESS)
    chosen = options.parse_args()
    if chosen.folder:
        print(run_and_kill(chosen.folder, chosen.kills, chosen.seed))
        return
    with tempfile.TemporaryDirectory() as folder:
        print(trial(Path(folder), kills=chosen.kills, readers=chosen.readers, seed=chosen.seed))


if __name__ == "__main__":
    main()
