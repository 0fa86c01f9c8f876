"""What the database part of publishing costs a reader: everything but ranking, composing and rendering.

    python -m tests.benchmarks.ledger_speed --readers 10000

Both databases, in CPU time of this process; the digests are of ten papers and 40 kB, and are not composed but given.
"""

import argparse
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from unittest import mock

from digest import desk
from digest.compose import Material
from digest.model import Digest, Envelope, Issue, Message, Pick, Profile, Reason, ReasonKind, Score, Section
from digest.publish import Limits, publish
from digest.store import Store
from digest.store.people import Subscriber
from digest.writing import Writing
from tests import postgres
from tests.builders import NOW, a_paper, a_profile, record, subscribe_many

PAPERS = 200
BODY = b"a line of a digest, as long as most of its lines are\r\n" * 740  # 40 kB
WHY = tuple(Reason(ReasonKind.KEYWORD, f"keyword {n}", 0.3) for n in range(3))
PICKS = tuple(Pick(a_paper(n), Score(a_paper(n).id, 1.0 - n / 100, WHY), Section.TOP) for n in range(10))


class GivenWriter:
    """Writes the same mail to everybody."""

    def write(self, digest: Digest, subscriber: Subscriber, *, now: object) -> Message:
        """Whatever the digest says."""
        message_id = f"<{digest.issue.key}.{subscriber.id}@example.org>"
        return Message(
            message_id, Envelope("digest@example.org", subscriber.email), "Your papers", Writing.whole(BODY)
        )

    def catch_up(self, digest: Digest, subscriber: Subscriber, *, since: object, now: object) -> Message:
        """Nobody is back from a pause here."""
        raise NotImplementedError


def given_digest(issue: Issue, profile: Profile, _material: Material) -> Digest:
    """Ten papers, with three reasons each."""
    return Digest(issue, profile.email, PICKS, PAPERS, profile)


@contextmanager
def a_store(kind: str) -> Iterator[Store]:
    """A database of that kind with papers."""
    if kind == "sqlite":
        with tempfile.TemporaryDirectory() as folder:
            store = Store(f"sqlite:///{Path(folder) / 'digest.db'}", secret=postgres.SECRET)
            yield store
            store.close()
        return
    with postgres.database() as url:
        store = Store(url, secret=postgres.SECRET)
        yield store
        store.close()


def measure(kind: str, readers: int) -> float:
    """Microseconds of CPU for one more reader: what a round costs whoever comes is not counted."""
    few = readers // 4
    return (spent(kind, readers) - spent(kind, few)) / (readers - few) * 1e6


def spent(kind: str, readers: int) -> float:
    """Seconds of CPU that a round takes."""
    nothing = Material({}, ())
    with a_store(kind) as store:
        record(store, *(a_paper(number) for number in range(PAPERS)))
        subscribe_many(store, (a_profile(email=f"reader{number}@example.org") for number in range(readers)))
        with (
            mock.patch.object(
                desk, "materials", lambda _ranker, _papers, given, **_now: [nothing] * len(given)
            ),
            mock.patch.object(desk, "compose", given_digest),
        ):
            began = time.process_time()
            report = publish(store, GivenWriter(), limits=Limits(), now=NOW)
            seconds = time.process_time() - began
    assert report.queued == readers
    return seconds


def main() -> None:
    """Print a line for each database."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--readers", type=int, default=10_000)
    readers = options.parse_args().readers
    for kind in ("sqlite", "postgresql"):
        print(f"{kind:<12} {measure(kind, readers):6.0f} us for one more reader")


if __name__ == "__main__":
    main()
