"""Power that is cut, under the real program; `disk.c` stands before the disk and forgets what was not synced.

A process writes and delivers, and each commit that returned is acknowledged to the trial. The power goes at a random call;
of what was not synced nothing, any part or all but the end is on the disk. Every acknowledged commit must be there.
"""

import ctypes
import json
import os
import random
import shutil
import sqlite3
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, event

from digest.store import Store
from tests.builders import NOW, owe
from tests.smtp_script import Script, smtp_script
from tests.torture.disk import is_damaged, preloaded, run_apart
from tests.torture.forks import fork, wait

_MESSAGES = 6
_ROUNDS = 4
_NEVER = 10**9
_SECRET = b"a trial"


@dataclass
class Cuts:
    """What the cuts left behind."""

    cuts: int = 0
    acknowledged: int = 0
    gone: int = 0  # acknowledged, and not there
    lost: int = 0  # messages
    different: int = 0
    twice: int = 0
    damaged: int = 0


def cut(cuts: int, *, seed: int = 1, synchronous: str = "FULL") -> Cuts:
    """So many cuts of power at random calls."""
    script = Script()
    with preloaded() as environment, tempfile.TemporaryDirectory() as folder, smtp_script(script) as port:
        told = run_apart("tests.torture.power", [folder, port, synchronous, cuts, seed], environment)
    outcome = Cuts(**told)
    copies: dict[str, Counter[bytes]] = {}
    for to, raw in script.taken:
        copies.setdefault(to, Counter())[raw] += 1
    outcome.twice = sum(one.total() - 1 for one in copies.values())
    outcome.different = sum(len(one) > 1 for one in copies.values())
    return outcome


def births(*, every: int = 1) -> Cuts:
    """Cut the power at each `every`-th call while a new database is made. A database that is there is whole."""
    with preloaded() as environment, tempfile.TemporaryDirectory() as folder:
        return Cuts(**run_apart("tests.torture.power", [folder, 0, "births", every, 0], environment))


# From here on: in the process with our disk, which forks those that suffer.


@dataclass(frozen=True)
class _Place:
    """Where the trials are, and what they work with."""

    folder: Path
    port: int
    synchronous: str


def _cut_all(place: _Place, cuts: int, seed: int) -> dict[str, Any]:
    for name in ("digest.deliver", "digest.mail.smtp", "alembic.command"):
        import_module(name)  # once, to be inherited by every fork
    chance, done = random.Random(seed), Cuts()
    wait(fork(lambda: _template(place.folder / "template")))
    _, calls = _one_cut(place, 0, _NEVER, seed)
    for number in range(1, cuts + 1):
        acknowledged, _ = _one_cut(place, number, chance.randint(1, calls), chance.randint(0, 2**31))
        done.cuts += 1
        done.acknowledged += acknowledged
        kept = place.folder / f"{number}.disk"
        _finish_apart(kept, place.port)
        _count(done, kept / "digest.db", acknowledged)
        for used in (kept, place.folder / str(number)):
            shutil.rmtree(used)
    return done.__dict__


def _count(done: Cuts, file: Path, acknowledged: int) -> None:
    """Hold what is on the disk against what was acknowledged."""
    db = sqlite3.connect(file)
    try:
        there = {row[0] for row in db.execute("SELECT n FROM acknowledged")}
        done.gone += len(set(range(1, acknowledged + 1)) - there)
        owed, sent = db.execute("SELECT count(*), sum(state = 'sent') FROM deliveries").fetchone()
        done.lost += owed - (sent or 0)
        done.damaged += is_damaged(file)
    except sqlite3.DatabaseError:
        done.gone += acknowledged
        done.damaged += 1
    finally:
        db.close()


def _births(folder: Path, every: int) -> dict[str, Any]:
    import_module("alembic.command")
    done = Cuts()
    for at in range(1, _NEVER, every):
        home, kept = folder / str(at), folder / f"{at}.disk"
        home.mkdir()
        kept.mkdir()

        def work(home: Path = home, kept: Path = kept, at: int = at) -> None:
            ctypes.CDLL(None).disk_cut(str(home).encode(), str(kept).encode(), at, at)
            Store(f"sqlite:///{home / 'digest.db'}", secret=_SECRET).close()

        died = os.WIFSIGNALED(wait(fork(work)))
        again = wait(fork(lambda kept=kept: Store(f"sqlite:///{kept / 'digest.db'}", secret=_SECRET).close()))  # type: ignore[misc]
        done.gone += again != 0  # it could not be made, or opened, after the power was back
        done.damaged += is_damaged(kept / "digest.db")
        if not died:
            return done.__dict__
        done.cuts += 1
    raise AssertionError("it never ends")


def _template(folder: Path) -> None:
    store = Store(f"sqlite:///{folder / 'digest.db'}", secret=_SECRET)
    with store.writing() as tx:
        tx.exec_driver_sql("CREATE TABLE acknowledged (n INTEGER PRIMARY KEY)")
    store.close()


def _one_cut(place: _Place, number: int, at: int, seed: int) -> tuple[int, int]:
    """One process that suffers. Returns how many commits it acknowledged, and how many calls it made."""
    home, kept, answer = (place.folder / f"{number}{part}" for part in ("", ".disk", ".said"))
    shutil.copytree(place.folder / "template", home)
    shutil.copytree(place.folder / "template", kept)

    def work() -> None:
        ours = ctypes.CDLL(None)
        said = os.open(answer, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        ours.disk_cut(str(home).encode(), str(kept).encode(), at, seed)
        _suffer(home, number, place, lambda: os.write(said, b"."))
        os.write(said, str(ours.disk_calls()).encode())

    wait(fork(work))
    told = answer.read_text()
    return told.count("."), int(told.strip(".") or 0)


def _suffer(home: Path, number: int, place: _Place, acknowledge: Callable[[], object]) -> None:
    """Owe and deliver, again and again; every commit that returned is acknowledged."""
    store = Store(f"sqlite:///{home / 'digest.db'}", secret=_SECRET)
    writing, count = store.writing, 0

    @contextmanager
    def acknowledged() -> Iterator[Connection]:
        nonlocal count
        with writing() as tx:
            yield tx
            tx.exec_driver_sql("INSERT INTO acknowledged VALUES (?)", (count + 1,))
        count += 1
        acknowledge()

    @event.listens_for(store._engine, "connect")
    def _often(connection: Any, _record: Any) -> None:
        connection.execute("PRAGMA wal_autocheckpoint = 25")
        connection.execute(f"PRAGMA synchronous = {place.synchronous}")

    store._engine.dispose()
    store.writing = acknowledged  # type: ignore[method-assign]
    for turn in range(_ROUNDS):
        for n in range(_MESSAGES):
            owe(store, (number * _ROUNDS + turn) * _MESSAGES + n)
        _deliver(store, place.port)
    store.close()


def _deliver(store: Store, port: int) -> None:
    from digest.deliver import Policy, deliver
    from digest.mail.smtp import SmtpTransport
    from digest.tables import SmtpSettings

    wanted = SmtpSettings(host="127.0.0.1", port=port, security="none", timeout=5)
    deliver(store, [SmtpTransport(wanted) for _ in range(2)], policy=Policy(batch=4), clock=lambda: NOW)


def _finish_apart(kept: Path, port: int) -> None:
    """After the power is back, in a process of its own."""

    def work() -> None:
        store = Store(f"sqlite:///{kept / 'digest.db'}", secret=_SECRET)
        _deliver(store, port)
        store.close()

    wait(fork(work))


if __name__ == "__main__":
    where, at_port, how, how_many, start = sys.argv[1:]
    if how == "births":
        print(json.dumps(_births(Path(where), int(how_many))))
    else:
        print(json.dumps(_cut_all(_Place(Path(where), int(at_port), how), int(how_many), int(start))))
