"""A whole morning: 10,000 readers, 10 papers each, from the ledger's "due" to the next server's "250", stage by stage.

    python -m tests.benchmarks.morning_speed [--readers 10000] [--signed] [--connections 4]

Core-seconds of this process (the sink is another), everything durable (synchronous=FULL). Memory is the peak of the
process after a quarter of the readers and at the end: it must not grow with them.
"""

import argparse
import resource
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime, timedelta
from datetime import time as time_of_day
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
from tests.benchmarks.ranking_speed import invented_papers, invented_profiles

NOW = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
DAYS, A_DAY = 28, 100  # of papers before the morning


class Stages:
    """Where core-seconds go: each counts for the innermost stage that is under way."""

    def __init__(self) -> None:
        self.spent: defaultdict[str, float] = defaultdict(float)
        self._open = ["read"]
        self._since = time.process_time()

    def _turn(self) -> None:
        at = time.process_time()
        self.spent[self._open[-1]] += at - self._since
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
            with self.stage(name):
                return act(*args, **more)

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


def arrange(store: Store, readers: int) -> None:
    """A month of pages, and everybody due at eight."""
    papers, subjects = invented_papers(DAYS * A_DAY)
    with store.writing() as tx:
        for day in range(DAYS):
            at = NOW - timedelta(days=DAYS - 1 - day, hours=2)
            page = Page(f"{day}.json", str(day).encode(), at)
            of_day = tuple(papers[day * A_DAY : (day + 1) * A_DAY])
            record_page(tx, page, ParsedPage("test", PageStatus.OK, of_day, listed_on=at.date()))
        for profile in invented_profiles(readers, subjects):
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


def morning(folder: Path, port: int, *, readers: int, connections: int, signed: bool) -> dict[str, float]:
    """Publish and deliver once. Returns core-seconds by stage, and a few figures more."""
    store = WatchedStore(f"sqlite:///{folder / 'digest.db'}", secret=b"a benchmark")
    store.stages = Stages()
    arrange(store, readers)
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
    began = time.perf_counter()
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
    figures = {"mails": sent, "papers": papers, "publish": published, "all": time.perf_counter() - began}
    return dict(stages.spent) | {f"# {name}": value for name, value in figures.items()}


def main() -> None:
    """Print core-seconds and microseconds a reader of each stage."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--readers", type=int, default=10_000)
    options.add_argument("--connections", type=int, default=4)
    options.add_argument("--signed", action="store_true")
    chosen, _ = options.parse_known_args()
    with tempfile.TemporaryDirectory() as folder, any_sink() as (port, sink):
        found = morning(
            Path(folder), port, readers=chosen.readers, connections=chosen.connections, signed=chosen.signed
        )
        size = (Path(folder) / "digest.db").stat().st_size / 1e6
    mails, papers = found.pop("# mails"), found.pop("# papers")
    published, whole = found.pop("# publish"), found.pop("# all")
    print(f"{mails:,.0f} mails of {papers / mails:.1f} papers to {sink}, {chosen.connections} connections")
    for name, seconds in found.items():
        print(f"  {name:10} {seconds:8.2f} core-seconds {seconds / mails * 1e6:8.0f} us a mail")
    print(f"  {'all':10} {sum(found.values()):8.2f} core-seconds")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(
        f"  {published:.1f} s published, {whole:.1f} s in all; {size:.0f} MB of database, peak {peak:.0f} MiB"
    )


if __name__ == "__main__":
    main()
