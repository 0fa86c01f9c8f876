"""A disk that fails at the Nth write, under the real program; `disk.c` stands before the disk.

A whole `digest run --once`, from an empty home to mail that was sent, with its Nth change of a file failing, for every N
until it passes. Whatever failed, it is told in words, the database is whole, and the next run, on a disk that works,
leaves nobody without a digest and nobody with two that differ.
"""

import ctypes
import errno
import json
import os
import random
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from email import message_from_bytes
from importlib import import_module
from pathlib import Path
from typing import Any

from tests.smtp_script import Script, smtp_script
from tests.torture.forks import fork, wait
from tests.torture.kills import FIRST_DAY, add_page, make_home

SOURCE = Path(__file__).with_name("disk.c")
READERS = 3
ERRORS = (errno.EIO, errno.ENOSPC, errno.EDQUOT)
_NEVER = 10**9


@dataclass
class Failures:
    """What the failing disk left behind."""

    trials: int = 0
    calls: int = 0  # changes of files in a run that was left alone
    lost: int = 0
    different: int = 0
    twice: int = 0
    damaged: int = 0
    unclear: list[str] = field(default_factory=list)  # what was told in more than a line, or not at all


def can_run() -> str | None:
    """Why these trials cannot run here, None when they can."""
    if not sys.platform.startswith("linux"):
        return "needs Linux"
    return None if shutil.which("gcc") else "needs a C compiler: apt-get install gcc libc6-dev"


def fail(every: int = 1, *, seed: int = 1) -> Failures:
    """Let each `every`-th change of a file fail in a run of its own, with each error in turn, once or for ever."""
    script = Script()
    with preloaded() as environment, tempfile.TemporaryDirectory() as folder, smtp_script(script) as port:
        told = run_apart("tests.torture.disk", [folder, port, every, seed], environment)
    outcome = Failures(told["trials"], told["calls"], damaged=told["damaged"], unclear=told["unclear"])
    for trial in range(-1, told["trials"]):
        mine = [(to, raw) for to, raw in script.taken if to.endswith(f"@{_domain(trial)}")]
        outcome.lost += READERS - len({to for to, _ in mine})
        copies = Counter(raw for _, raw in mine)
        outcome.twice += copies.total() - len(copies)
        outcome.different += len(copies) - len({message_from_bytes(raw)["Message-ID"] for raw in copies})
        outcome.different += len(copies) - len({to for to, _ in mine})
    return outcome


@contextmanager
def preloaded() -> Iterator[dict[str, str]]:
    """The environment of a process before whose disk ours stands."""
    with tempfile.TemporaryDirectory() as folder:
        library = Path(folder) / "disk.so"
        command = ["gcc", "-O2", "-shared", "-fPIC", "-o", str(library), str(SOURCE), "-ldl", "-lpthread"]
        subprocess.run(command, check=True)
        yield {**os.environ, "LD_PRELOAD": str(library), "PYTHONDONTWRITEBYTECODE": "1"}


def run_apart(module: str, words: list[object], environment: dict[str, str]) -> dict[str, Any]:
    command = [sys.executable, "-m", module, *map(str, words)]
    told = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, env=environment)
    return dict(json.loads(told.stdout))


# From here on: in the process with our disk, which forks those that suffer.


def _domain(trial: int) -> str:
    return f"trial{trial + 1}.example.org"


def _fail_all(folder: Path, port: int, every: int, seed: int) -> dict[str, Any]:
    import_module("alembic.command")  # all of it loaded once, inherited by every fork
    import_module("digest.app")
    chance, done = random.Random(seed), Failures()
    alone = _home(folder, -1, port)
    _, done.calls, _ = _once(alone, _NEVER)
    for at in range(1 + seed % every, done.calls + 1, every):
        home = _home(folder, done.trials, port)
        number, for_ever = ERRORS[done.trials % len(ERRORS)], chance.random() < 0.3
        done.trials += 1
        what = f"{errno.errorcode[number]} at call {at}{' and ever after' * for_ever}"
        code, _, told = _once(home, at, number, for_ever=for_ever)
        if code not in (0, 1) or "escaped" in told or "Traceback" in told or (code and not told):
            done.unclear.append(f"{what}: exit {code}: {told[-600:]}")
        code, _, told = _once(home, hours=1)  # what was put off is due by then
        if code != 0:
            done.unclear.append(f"after {what}: exit {code}: {told[-600:]}")
        done.damaged += is_damaged(home / "data" / "digest.db")
        shutil.rmtree(home)
    return done.__dict__


def _once(
    home: Path, at: int = 0, number: int = 0, *, for_ever: bool = False, hours: int = 0
) -> tuple[int, int, str]:
    """One run in a process of its own, on a bad disk from the `at`-th call. Its exit code, its calls, what it told."""
    from digest.cli import app

    told, calls = home.with_suffix(".told"), home.with_suffix(".calls")

    def work() -> None:
        ours = ctypes.CDLL(None)
        out = os.open(told, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(out, 1)
        os.dup2(out, 2)
        if at:
            ours.disk_fail(str(home).encode(), at, number, int(for_ever))
        try:
            now = FIRST_DAY + timedelta(hours=hours)
            words = ["--home", str(home), "--now", now.isoformat(), "run", "--once"]
            code = app(words, standalone_mode=False) or 0
        except BaseException as error:
            os.write(2, f"escaped: {type(error).__name__}: {error}\n".encode())
            code = 70
        calls.write_text(str(ours.disk_calls()))
        os._exit(code)

    code = os.waitstatus_to_exitcode(wait(fork(work)))
    return code, int(calls.read_text()), told.read_text()


def _home(folder: Path, trial: int, port: int) -> Path:
    home = folder / str(trial + 1)
    make_home(home, READERS, port)
    for profile in (home / "config" / "subscribers").iterdir():
        profile.write_text(profile.read_text().replace("@example.org", f"@{_domain(trial)}"))
    add_page(home, 0)
    return home


def is_damaged(file: Path) -> bool:
    db = sqlite3.connect(file)
    try:
        return bool(db.execute("PRAGMA integrity_check(1)").fetchone()[0] != "ok")
    finally:
        db.close()


if __name__ == "__main__":
    place, at_port, step, start = sys.argv[1:]
    print(json.dumps(_fail_all(Path(place), int(at_port), int(step), int(start))))
