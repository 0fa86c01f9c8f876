"""A whole morning: many readers, ten papers each, from the ledger's "due" to the next server's "250", stage by stage.

    python -m tests.benchmarks.morning_speed [--readers 1000 3000 10000] [--signed] [--loners] [--connections 4]

Core-seconds of this process (the sink is another), everything durable (synchronous=FULL), each number of readers in a
process of its own. Readers share keywords as people do, or (`--loners`) name six times as many different ones. Memory is
what the morning adds at its peak to what the house has learnt before: it must not grow with the readers.
"""

import argparse
import resource
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime, timedelta
from datetime import time as time_of_day
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric import rsa
from sqlalchemy import Connection, func, select

from digest import desk
from digest.deliver import Policy, deliver
from digest.letters import Letters
from digest.mail.dkim import Key, Signer
from digest.mail.render import Renderer
from digest.mail.smtp import SmtpTransport
from digest.material import FittedOnce
from digest.model import Cadence, Page, PageStatus, ParsedPage, Profile
from digest.publish import Limits, publish
from digest.store import Store
from digest.store.papers import record_page, seen_since
from digest.store.people import FileProfile, put_file_profile
from digest.store.schema import shown
from digest.tables import SenderSettings, SmtpSettings
from tests.benchmarks.delivery_speed import any_sink
from tests.benchmarks.population import colleagues, invented_papers, loners

NOW = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
_LOOKS = 10_000
DAYS, A_DAY = 28, 100  # of papers before the morning


class Stages:
    """Where core-seconds go: each counts for the innermost stage that is under way.

    What looking at the clock costs, four times a mail, is taken off.
    """

    def __init__(self) -> None:
        self.spent: defaultdict[str, float] = defaultdict(float)
        self._open = ["read"]
        self._a_look = 0.0
        self._since = began = time.process_time()
        for _ in range(_LOOKS):
            self._turn()
        self._a_look = (self._since - began) / _LOOKS
        self.spent.clear()

    def _turn(self) -> None:
        at = time.process_time()
        self.spent[self._open[-1]] += at - self._since - self._a_look
        self._since = at

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """What is done inside counts as this."""
        self._turn()
        self._open.append(name)
        try:
            yield
        finally:
            self._turn()
            self._open.pop()

    def watched(self, name: str, act: Callable[..., Any]) -> Callable[..., Any]:
        """The same function, counted as this stage."""

        def watched(*args: Any, **more: Any) -> Any:
            self._turn()
            self._open.append(name)
            try:
                return act(*args, **more)
            finally:
                self._turn()
                self._open.pop()

        return watched


class WatchedStore(Store):
    """Counts what is done inside a transaction that writes."""

    stages: Stages

    def writing(self) -> AbstractContextManager[Connection]:
        """See `Store.writing`."""
        return self._watched()

    @contextmanager
    def _watched(self) -> Iterator[Connection]:
        with self.stages.stage("store"), super().writing() as tx:
            yield tx


def record_month(store: Store) -> list[list[str]]:
    """A page a day for a month. Returns the words of the subjects that its papers are about."""
    subjects: list[list[str]]
    papers, subjects = invented_papers(DAYS * A_DAY)
    with store.writing() as tx:
        for day in range(DAYS):
            at = NOW - timedelta(days=DAYS - 1 - day, hours=2)
            page = Page(f"{day}.json", str(day).encode(), at)
            of_day = tuple(papers[day * A_DAY : (day + 1) * A_DAY])
            record_page(tx, page, ParsedPage("test", PageStatus.OK, of_day, listed_on=at.date()))
    return subjects


def arrange(store: Store, readers: int, *, alone: bool) -> None:
    """A month of pages, and everybody due at eight."""
    subjects = record_month(store)
    with store.writing() as tx:
        for profile in (loners if alone else colleagues)(readers, subjects):
            cadence = Cadence(at=time_of_day(8))
            wanted = Profile(email=profile.email, interests=profile.interests, cadence=cadence)
            said = FileProfile(wanted, "x", store.address_hash(profile.email), NOW, NOW)
            put_file_profile(tx, said, now=NOW - timedelta(days=1))


def letters(*, signed: bool) -> Letters:
    """The writer of all mails, with a key of 2,048 bits when `signed`."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    sign = Signer([Key("s", "digest.example.org", key)]) if signed else None
    web_url = "https://digest.example.org"
    return Letters(Renderer(), SenderSettings(), secret=b"a benchmark of mails", web_url=web_url, sign=sign)


def morning(
    folder: Path, port: int, *, readers: int, connections: int, signed: bool, alone: bool
) -> dict[str, float]:
    """Publish and deliver once. Returns core-seconds by stage, and a few figures more."""
    store = WatchedStore(f"sqlite:///{folder / 'digest.db'}", secret=b"a benchmark")
    store.stages = Stages()
    arrange(store, readers, alone=alone)
    writer, fitted = letters(signed=signed), FittedOnce()
    with store.reading() as db:  # what a house that was running yesterday knows already
        corpus = seen_since(db, NOW - timedelta(days=90), limit=20_000)
    fitted([one.paper for one in corpus])
    stages = store.stages = Stages()
    for where, act, name in (
        (desk, "materials", "rank"),
        (desk, "compose", "compose"),
        (writer, "write", "render"),
    ):
        setattr(where, act, stages.watched(name, getattr(where, act)))
    learnt, began = peak(), time.perf_counter()
    queued = publish(store, writer, limits=Limits(), now=NOW, fitted=fitted).queued
    published = time.perf_counter() - began
    wanted = SmtpSettings(host="127.0.0.1", port=port, security="none")
    ways = [SmtpTransport(wanted) for _ in range(connections)]
    with stages.stage("send"):
        store.stages = Stages()  # what sending writes is part of sending
        sent = deliver(store, ways, policy=Policy(), clock=lambda: NOW).sent
    assert queued == sent
    with store.reading() as db:
        papers = db.execute(select(func.count()).select_from(shown)).scalar_one()
    store.close()
    whole = time.perf_counter() - began
    figures = {
        "mails": sent,
        "papers": papers,
        "publish": published,
        "all": whole,
        "learnt": learnt,
        "peak": peak(),
    }
    return dict(stages.spent) | {f"# {name}": value for name, value in figures.items()}


def peak() -> float:
    """The most memory this process has had, in MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def measure(readers: int, connections: int, *, signed: bool, alone: bool) -> dict[str, float]:
    """A morning in a folder of its own, to a sink of its own."""
    with tempfile.TemporaryDirectory() as folder, any_sink() as (port, _):
        found = morning(
            Path(folder), port, readers=readers, connections=connections, signed=signed, alone=alone
        )
        return found | {"# size": (Path(folder) / "digest.db").stat().st_size / 1e6}


def show(found: dict[str, float]) -> None:
    """Core-seconds and milliseconds a mail of each stage."""
    said = {name.removeprefix("# "): found.pop(name) for name in list(found) if name.startswith("# ")}
    mails = said["mails"]
    print(f"{mails:,.0f} mails of {said['papers'] / mails:.1f} papers")
    for name, seconds in (*found.items(), ("all", sum(found.values()))):
        print(f"  {name:10} {seconds:8.2f} core-seconds {seconds / mails * 1e3:8.3f} ms a mail")
    print(
        f"  {said['publish']:.1f} s published, {said['all']:.1f} s in all; {said['size']:.0f} MB of database"
    )
    print(f"  peak {said['peak']:.0f} MiB, {said['peak'] - said['learnt']:.0f} more than before the morning")


def main() -> None:
    """Print a table for each number of readers."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--readers", type=int, nargs="+", default=[1_000, 3_000, 10_000])
    options.add_argument("--connections", type=int, default=4)
    options.add_argument("--signed", action="store_true")
    options.add_argument("--loners", action="store_true", help="readers with keywords of their own")
    chosen, _ = options.parse_known_args()
    kind = "readers with keywords of their own" if chosen.loners else "readers who share keywords"
    print(f"{kind}, {chosen.connections} connections, {'signed' if chosen.signed else 'unsigned'}")
    for readers in chosen.readers:
        with ProcessPoolExecutor(1, get_context("spawn")) as process:
            act = partial(measure, signed=chosen.signed, alone=chosen.loners)
            show(process.submit(act, readers, chosen.connections).result())


if __name__ == "__main__":
    main()
