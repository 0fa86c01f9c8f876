"""Writes the ranking's figures into README.md: `python -m tests.benchmarks.ranking_table [DATA] [NAME=RUN.tsv ...]`.

DATA is a folder of judged data (see digest/ranking/judgements.py), ../shared/rank/dev unless named. Each NAME=RUN.tsv is
a row for another system, from a file of profile, paper and score. What stands between the two marks of README.md is
replaced; everything else stays.
"""

import sys
from pathlib import Path

from digest.ranking.baselines import BASELINES
from digest.ranking.evaluate import OURS, evaluate
from tests.builders import NOW

ROOT = Path(__file__).parents[2]
DATA = ROOT.parent / "shared" / "rank" / "dev"
BEGIN, END = "<!-- ranking: written by `make bench-ranking` -->", "<!-- /ranking -->"
COLUMNS = {
    "T1": "keywords only",
    "T2-liked10": "10 likes",
    "T2-kw+liked10": "keywords + 10 likes",
    "T3kw": "one keyword",
    "T4-kw": "a day's papers",
    "T4-kw+liked10": "a day's papers, + 10 likes",
}
NAMES = {
    OURS: "`digest`",
    "bm25": "BM25",
    "tf-idf": "TF-IDF",
    "svm of liked": "TF-IDF and SVM of liked papers",
}
# Of fewer readers, queries or topics a difference says nothing.
ENOUGH = 50


def figures(evaluation):
    """System -> its figures by column, the headline first; None where it cannot do the task."""
    by_task = {row.group.split(" ")[0]: row.figures for row in evaluation.rows}
    return {
        system: [evaluation.headline.get(system), *(by_task.get(task, {}).get(system) for task in COLUMNS)]
        for system in evaluation.systems
    }


def table(evaluation):
    """The figures as lines of Markdown, the best of each column in bold."""
    rows = figures(evaluation)
    columns = zip(*rows.values(), strict=True)
    best = [max((value for value in column if value is not None), default=None) for column in columns]
    lines = [f"| | headline | {' | '.join(COLUMNS.values())} |", "|---" * (len(COLUMNS) + 2) + "|"]
    for system, values in sorted(rows.items(), key=lambda row: -(row[1][0] or 0)):
        cells = [
            "" if value is None else f"**{value:.3f}**" if value == highest else f"{value:.3f}"
            for value, highest in zip(values, best, strict=True)
        ]
        lines.append(f"| {NAMES.get(system, system)} | {' | '.join(cells)} |".replace("0.", "."))
    return lines


def verdict(evaluation, other):
    """In how many tasks the difference to another system is more than chance."""
    rows = [row for row in evaluation.rows if row.units >= ENOUGH and other in row.figures]
    gains = [(row.figures[OURS] - row.figures[other], row.intervals[other]) for row in rows]
    better, worse = sum(gain > sure for gain, sure in gains), sum(gain < -sure for gain, sure in gains)
    return (
        f"Against {NAMES.get(other, other)}, of {len(rows)} tasks with {ENOUGH} or more readers or queries: "
        f"significantly better in {better}, significantly worse in {worse} (95 %, paired bootstrap)."
    )


def written_into(text, lines):
    """The text with what stands between the marks replaced by these lines."""
    before, _, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not end:
        raise SystemExit(f"README.md has no place for the table: write {BEGIN} and {END} where it belongs")
    return "\n".join([before + BEGIN, *lines, END + after])


def main(arguments):
    others = dict(one.split("=", 1) for one in arguments if "=" in one)
    data = next((Path(one) for one in arguments if "=" not in one), DATA)
    if not data.is_dir():
        print(f"skipped: there is no folder of judged data at {data}; name one to measure the ranking")
        return
    evaluation = evaluate(
        data,
        now=NOW,
        baselines=tuple(BASELINES),
        others={name: Path(run) for name, run in others.items()},
    )
    verdicts = [verdict(evaluation, other) for other in ("bm25", *others)]
    lines = [*table(evaluation), "", *verdicts]
    readme = ROOT / "README.md"
    readme.write_text(written_into(readme.read_text("utf-8"), lines), "utf-8")
    print("\n".join(lines))


if __name__ == "__main__":
    main(sys.argv[1:])
