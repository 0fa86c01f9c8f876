"""The long trials: `python -m tests.torture`. One line a figure, `name value limit pass`; exit 1 when one fails.

python -m tests.torture --named 3000 --random 2000 --scripts 10000 --disk 1 --cuts 300
"""

import argparse
import json
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from itertools import chain
from pathlib import Path

from tests.torture import dates, disk, headers, points, power, scripts


@dataclass(frozen=True)
class Figure:
    """One measured number and the most it may be."""

    name: str
    value: float
    limit: float

    @property
    def passed(self) -> bool:
        """Whether it holds."""
        return self.value <= self.limit


def figures(named: int, at_random: int, smtp: int, seed: int) -> Iterator[Figure]:
    """Run what was asked for."""
    for name, trials, is_random in (("named points", named, False), ("random moments", at_random, True)):
        if trials:
            yield from _deaths(name, points.run(trials, seed=seed, at_random=is_random))
    if smtp:
        verdicts = scripts.run(smtp, seed=seed)
        for example in verdicts.examples[:20]:
            print(f"  wrong: {example}", file=sys.stderr)
        yield Figure("random SMTP scripts", verdicts.scripts, verdicts.scripts)
        yield Figure("random SMTP scripts: wrong verdicts", verdicts.wrong, 0)
        yield Figure(
            "random SMTP scripts: slowest message, seconds", round(verdicts.slowest, 2), scripts.LONGEST
        )


def disk_figures(passes: int, cuts: int, seed: int) -> Iterator[Figure]:
    """A failing disk and cuts of power, where a C compiler is at hand."""
    missing = disk.can_run()
    if missing and (passes or cuts):
        print(f"no trials of the disk: {missing}", file=sys.stderr)
        return
    for number in range(passes):
        yield from _errors(f"disk errors, pass {number + 1}", disk.fail(seed=seed + number))
    if cuts:
        kept = power.cut(cuts, seed=seed)
        yield Figure("power cuts", kept.cuts, kept.cuts)
        yield Figure("power cuts: commits acknowledged", kept.acknowledged, kept.acknowledged)
        yield Figure("power cuts: acknowledged commits lost", kept.gone, 0)
        yield Figure("power cuts: messages lost", kept.lost, 0)
        yield Figure("power cuts: copies that differ", kept.different, 0)
        yield Figure("power cuts: damaged databases", kept.damaged, 0)
        yield Figure("power cuts: same bytes twice", kept.twice, kept.cuts * 2)


def _errors(name: str, outcome: disk.Failures) -> Iterator[Figure]:
    for example in outcome.unclear[:20]:
        print(f"  unclear: {example}", file=sys.stderr)
    yield Figure(name, outcome.trials, outcome.trials)
    yield Figure(f"{name}: not told in words", len(outcome.unclear), 0)
    yield Figure(f"{name}: digests lost", outcome.lost, 0)
    yield Figure(f"{name}: copies that differ", outcome.different, 0)
    yield Figure(f"{name}: damaged databases", outcome.damaged, 0)
    yield Figure(f"{name}: same bytes twice", outcome.twice, outcome.trials)


def generated_figures(texts: int, zones: int | None, seed: int) -> Iterator[Figure]:
    """Generated headers, and the dates of so many zones; None: of all."""
    if texts:
        fared = headers.run(texts, seed=seed)
        for example in fared.examples[:20]:
            print(f"  header {example}", file=sys.stderr)
        yield Figure("generated titles, names and addresses", fared.texts, fared.texts)
        yield Figure("generated titles, names and addresses: extra headers", fared.extra, 0)
        yield Figure("generated titles, names and addresses: came back changed", fared.changed, 0)
    if zones != 0:
        days = dates.run(zones, seed=seed)
        for example in days.examples[:20]:
            print(f"  date {example}", file=sys.stderr)
        yield Figure("time zones", days.zones, days.zones)
        yield Figure("time zones: local dates", days.dates, days.dates)
        yield Figure("time zones: wrong local dates", days.wrong, 0)


def _deaths(name: str, outcome: points.Outcome) -> Iterator[Figure]:
    print(f"{name}: {'':34} trials deaths lost twice unknown", file=sys.stderr)
    for kind, count in sorted(outcome.by_kind.items()):
        numbers = (count.trials, count.deaths, count.lost, count.twice, count.unknown)
        print(f"  {kind:48} {' '.join(f'{number:6}' for number in numbers)}", file=sys.stderr)
    deaths = outcome.total("deaths")
    yield Figure(f"kill -9 at {name}", deaths, deaths)
    yield Figure(f"kill -9 at {name}: lost", outcome.total("lost"), 0)
    yield Figure(f"kill -9 at {name}: copies that differ", outcome.total("different"), 0)
    yield Figure(f"kill -9 at {name}: damaged databases", outcome.total("damaged"), 0)
    yield Figure(f"kill -9 at {name}: deaths with more copies than allowed", outcome.total("too_many"), 0)
    yield Figure(f"kill -9 at {name}: same bytes twice", outcome.total("twice"), deaths * 4)


def main() -> None:
    """Run the trials, print the figures, and write them to a file when asked to."""
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("--named", type=int, default=3000, help="deaths at named points")
    options.add_argument("--random", type=int, default=2000, help="deaths at random moments")
    options.add_argument("--scripts", type=int, default=10_000, help="random SMTP scripts")
    options.add_argument("--disk", type=int, default=1, help="passes in which each write of a run fails once")
    options.add_argument("--cuts", type=int, default=300, help="cuts of power")
    options.add_argument("--headers", type=int, default=200_000, help="generated titles, names and addresses")
    options.add_argument("--zones", type=int, help="time zones whose dates are looked at; all when unset")
    options.add_argument("--seed", type=int, default=int(time.time()))  # a new one each time, told
    options.add_argument("--out", type=Path, help="also as JSON into this file")
    chosen = options.parse_args()
    print(f"seed {chosen.seed}", file=sys.stderr)
    found = []
    wanted = chain(
        disk_figures(chosen.disk, chosen.cuts, chosen.seed),
        generated_figures(chosen.headers, chosen.zones, chosen.seed),
        figures(chosen.named, chosen.random, chosen.scripts, chosen.seed),
    )
    for figure in wanted:
        found.append(figure)
        print(
            f"{figure.name}\t{figure.value:g}\t{figure.limit:g}\t{'pass' if figure.passed else 'FAIL'}",
            flush=True,
        )
    if chosen.out:
        chosen.out.write_text(json.dumps([asdict(one) | {"pass": one.passed} for one in found], indent=1))
    sys.exit(0 if all(figure.passed for figure in found) else 1)


if __name__ == "__main__":
    main()
