"""Kill a delivering process with SIGKILL at a named point, or at a random moment, and count what a server accepted.

Each trial is a database of its own with a few messages owed. A process delivers and dies; another one finishes. With one
connection every point has an exact verdict: nothing is ever lost, and a second copy, of the same bytes, is possible only
from a final dot to the commit of its outcome, which may be shared with the note before the next dot. With several
connections at most one message a connection may be doubled. With the policy "hold" nothing is ever doubled: what is in
doubt is `unknown`.
"""

import json
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections import Counter
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import timedelta
from importlib import import_module
from pathlib import Path
from typing import Any

from digest.store import Store
from tests.builders import NOW, owe
from tests.smtp_script import Script, smtp_script
from tests.torture.forks import fork, wait

MESSAGES = 8
IN_DOUBT = ("smtp.after_dot", "smtp.after_reply", "deliver.before_commit")
BETWEEN = ("smtp.data", "smtp.body")  # the outcome of the message before may still wait for the next note
POINTS = (
    "smtp.connect", "smtp.connected", "smtp.data", "smtp.body", "smtp.before_dot", *IN_DOUBT, "deliver.after_commit",
)  # fmt: skip
RANDOM = "a random moment"


@dataclass(frozen=True)
class Trial:
    """One death."""

    number: int
    point: str
    times: int  # die when the point is passed so many times
    connections: int
    policy: str
    died: bool = False
    unknown: int = 0
    open: int = 0  # rows that are neither sent nor unknown at the end
    damaged: bool = False


@dataclass
class Count:
    """What all trials of one kind left behind."""

    trials: int = 0
    deaths: int = 0
    lost: int = 0
    twice: int = 0
    different: int = 0
    unknown: int = 0
    too_many: int = 0  # trials with more second copies than their kind may have
    damaged: int = 0


@dataclass
class Outcome:
    """All of it: by point for one connection, and the rest under its own name."""

    by_kind: dict[str, Count] = field(default_factory=dict)

    def total(self, name: str) -> int:
        """The sum of one count."""
        return sum(getattr(count, name) for count in self.by_kind.values())


def allowed_twice(trial: Trial) -> int:
    """How many second copies this death may leave."""
    if trial.policy == "hold":
        return 0
    if trial.connections == 1 and trial.point != RANDOM:
        after_an_outcome = trial.point in BETWEEN and trial.times > 1
        return 1 if trial.point in IN_DOUBT or after_an_outcome else 0
    return trial.connections


def run(trials: int, *, seed: int, at_random: bool) -> Outcome:
    """So many deaths, spread over all points (or over time), one to four connections and both policies."""
    script = Script()
    memory = Path("/dev/shm")  # death is tried here, and not the disk
    where = memory if memory.is_dir() else None
    with tempfile.TemporaryDirectory(dir=where) as folder, smtp_script(script) as port:
        command = [sys.executable, "-m", "tests.torture.points", folder, str(port), str(trials), str(seed)]
        told = subprocess.run([*command, str(int(at_random))], check=True, capture_output=True, text=True)
    done = [Trial(**trial) for trial in json.loads(told.stdout)]
    return judge(done, script.taken)


def judge(trials: list[Trial], taken: list[tuple[str, bytes]]) -> Outcome:
    """Hold what was accepted against what was owed."""
    copies: dict[int, Counter[tuple[str, bytes]]] = {}
    for rcpt_to, content in taken:
        number = int(rcpt_to.removeprefix("reader").partition("@")[0])
        copies.setdefault(number, Counter())[rcpt_to, content] += 1
    outcome = Outcome()
    for trial in trials:
        kind = f"{trial.point}, {'one connection' if trial.connections == 1 else 'several'}, {trial.policy}"
        count = outcome.by_kind.setdefault(kind, Count())
        mine = [copies.get(trial.number * MESSAGES + n, Counter()) for n in range(MESSAGES)]
        missing = sum(not one for one in mine)
        twice = sum(one.total() - 1 for one in mine if one)
        count.trials += 1
        count.deaths += trial.died
        count.unknown += trial.unknown
        count.lost += max(missing - trial.unknown, 0) + trial.open
        count.twice += twice
        count.different += sum(len(one) > 1 for one in mine)
        count.too_many += twice > allowed_twice(trial)
        count.damaged += trial.damaged
    return outcome


def _runner(folder: Path, port: int, trials: int, seed: int, *, at_random: bool) -> None:
    """A process without threads, which forks those that die."""
    for name in ("digest.deliver", "digest.mail.smtp", "digest.store", "alembic.command"):
        import_module(name)  # once, to be inherited by every fork
    chance = random.Random(seed)
    template = folder / "template.db"
    wait(fork(lambda: _make(template)))
    _rehearse(folder / "rehearsal.db", template, port)
    done: list[Trial] = []
    deaths = number = 0
    whole = 0.0  # seconds of a delivery that is left alone
    while deaths < trials and number < 3 * trials + 1:
        point = RANDOM if at_random else POINTS[number % len(POINTS)]
        connections = chance.choice((1, 1, 2, 4))
        policy = chance.choice(("resend", "resend", "hold"))
        passes = connections if point.startswith("smtp.connect") else MESSAGES  # how often it will be passed
        trial = Trial(number, point, chance.randint(1, passes), connections, policy)
        began = time.monotonic()
        moment = chance.uniform(0, whole) if whole else 60.0
        done.append(_die_and_finish(trial, folder / f"{number}.db", template, port, moment))
        whole = whole or (time.monotonic() - began) / 2
        deaths += done[-1].died
        number += 1
    print(json.dumps([trial.__dict__ for trial in done]))


def _rehearse(file: Path, template: Path, port: int) -> None:
    """Deliver once, to nobody who is counted, so that every fork inherits what is loaded and built at the first time."""
    shutil.copy(template, file)
    rehearsal = Trial(-1, RANDOM, 0, 1, "resend")
    _address(file, rehearsal)
    _deliver(file, rehearsal, port, dies=False)


def _die_and_finish(trial: Trial, file: Path, template: Path, port: int, moment: float) -> Trial:
    shutil.copy(template, file)
    _address(file, trial)
    child = fork(lambda: _deliver(file, trial, port))
    if trial.point == RANDOM:
        _kill_at(child, moment)
    died = os.WIFSIGNALED(wait(child))
    wait(fork(lambda: _deliver(file, trial, port, dies=False)))
    told = _states(file)
    for path in file.parent.glob(f"{trial.number}.*"):
        path.unlink()
    return replace(trial, died=died, **told)


def _kill_at(child: int, moment: float) -> None:
    """After so many seconds, if it is still there then."""
    ends_at = time.monotonic() + moment
    while time.monotonic() < ends_at:
        if os.waitid(os.P_PID, child, os.WEXITED | os.WNOHANG | os.WNOWAIT):
            return
        time.sleep(0.001)
    os.kill(child, signal.SIGKILL)


def _make(file: Path) -> None:
    """What every trial starts with: a database in which a few messages are owed."""
    store = Store(f"sqlite:///{file}", secret=b"a trial")
    for n in range(MESSAGES):
        owe(store, n)
    store.close()


def _address(file: Path, trial: Trial) -> None:
    """Send the messages of this trial to addresses of its own, so that the server's takings can be told apart."""
    with closing(sqlite3.connect(file)) as db, db:
        db.execute(
            "UPDATE deliveries SET rcpt_to = 'reader' || (? + id - 1) || '@example.org'",
            (trial.number * MESSAGES,),
        )


def _states(file: Path) -> dict[str, Any]:
    """How many are in doubt or still open at the end, and whether the file is damaged."""
    with closing(sqlite3.connect(file)) as db:
        states = Counter(state for (state,) in db.execute("SELECT state FROM deliveries"))
        damaged = db.execute("PRAGMA integrity_check(1)").fetchone()[0] != "ok"
    still_open = MESSAGES - states["sent"] - states["unknown"]
    return {"unknown": states["unknown"], "open": still_open, "damaged": damaged}


def _deliver(file: Path, trial: Trial, port: int, *, dies: bool = True) -> None:
    from digest import sending
    from digest.crashpoints import arm
    from digest.deliver import Policy, deliver
    from digest.mail.smtp import SmtpTransport
    from digest.tables import SmtpSettings

    sending._MESSAGES_A_CONNECTION = 1
    store = Store(f"sqlite:///{file}", secret=b"a trial")
    wanted = SmtpSettings(host="127.0.0.1", port=port, security="none", timeout=5)
    if dies and trial.point != RANDOM:
        arm(trial.point, trial.times)
    policy = Policy(batch=4, on_unknown=trial.policy)  # type: ignore[arg-type]
    later = NOW if dies else NOW + timedelta(minutes=30)
    deliver(
        store, [SmtpTransport(wanted) for _ in range(trial.connections)], policy=policy, clock=lambda: later
    )
    store.close()


if __name__ == "__main__":
    folder, port, trials, seed, at_random = sys.argv[1:]
    _runner(Path(folder), int(port), int(trials), int(seed), at_random=bool(int(at_random)))
