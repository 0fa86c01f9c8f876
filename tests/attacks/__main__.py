"""`python -m tests.attacks`: the attacks in large numbers. Prints one line a figure, and exits 1 when one does not hold."""

import argparse
import json
import logging
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

from tests.attacks.bombing import bomb
from tests.attacks.forged import METHODS, erased, expired, forgeries, revoked, taken_for_good
from tests.attacks.fortress import Fortress, fortress
from tests.attacks.hostile import assault
from tests.attacks.timing import compare

Figure = tuple[str, float, str, bool]  # name, value, limit, whether it holds
_PER_HOUSE = 1000


def hostile(count: int) -> Iterator[Figure]:
    """Hostile requests, a new house for every thousand."""
    wrong = 0
    for seed in range(0, count, _PER_HOUSE):
        with _house() as built:
            for one in assault(built, min(_PER_HOUSE, count - seed), seed=seed + 1):
                print(f"  {one.what}: {one.request}", file=sys.stderr)
                wrong += 1
    yield f"hostile requests that broke something, of {count:,}", wrong, "0", wrong == 0


def forged(_: int) -> Iterator[Figure]:
    """Every forged, foreign, old and revoked token there is."""
    tried = taken = 0
    for attack in (forgeries, expired, revoked, erased):
        with _house() as built:
            wrong = list(attack(built))
            for method, one in taken_for_good(built, wrong):
                print(f"  {method} {one}", file=sys.stderr)
                taken += 1
            tried += len(wrong) * len(METHODS)
    yield f"bad tokens that got another page, of {tried:,}", taken, "0", taken == 0


def bombing(count: int) -> Iterator[Figure]:
    """A day of sign-ups in other people's names."""
    with _house() as built:
        most = built.app.settings.file.web.confirmations_per_day
        done = bomb(built, count, victims=max(count // 10, 1), networks=max(count // 20, 1))
    yield f"mails caused by {done.tries:,} sign-ups in a day", done.mails, f"<= {most}", done.mails <= most
    yield "mails to one victim", done.most_for_one, "<= 1", done.most_for_one <= 1


def timing(pairs: int) -> Iterator[Figure]:
    """The time of an answer, for friends and strangers, on both forms that take an address."""
    for form in ("/", "/link"):
        with _house() as built:
            done = compare(built, pairs, form=form)
        name = f"P(known faster) at {form}, {pairs:,} pairs, medians {done.known_ms:.2f} and {done.unknown_ms:.2f} ms"
        yield name, round(done.known_faster, 3), "0.5 +- 0.05", abs(done.known_faster - 0.5) <= 0.05


def _house() -> AbstractContextManager[Fortress]:
    return fortress(Path(tempfile.mkdtemp(prefix="attacks-")))


_KINDS: dict[str, Callable[[int], Iterator[Figure]]] = {
    "hostile": hostile,
    "forged": forged,
    "bombing": bombing,
    "timing": timing,
}


def main() -> int:
    """Run what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=10_000, help="hostile requests, and sign-ups")
    parser.add_argument("--pairs", type=int, default=1_500, help="of known and unknown addresses")
    parser.add_argument("--only", choices=list(_KINDS), action="append", help="some of the attacks")
    parser.add_argument("--out", type=Path, help="write the figures as JSON, too")
    asked = parser.parse_args()
    logging.disable(logging.CRITICAL)
    figures = []
    for name, attack in _KINDS.items():
        if asked.only and name not in asked.only:
            continue
        for figure in attack(asked.pairs if name == "timing" else asked.requests):
            figures.append(figure)
            print(
                f"{figure[0]}: {figure[1]:g} (limit {figure[2]}) {'pass' if figure[3] else 'FAIL'}",
                flush=True,
            )
    if asked.out:
        asked.out.write_text(
            json.dumps([dict(zip(("name", "value", "limit", "pass"), f, strict=True)) for f in figures])
        )
    return 0 if all(figure[3] for figure in figures) else 1


if __name__ == "__main__":
    sys.exit(main())
