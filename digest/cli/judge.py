"""`rank` and `evaluate`: the scorer on files of judged data, for those who want to measure it."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from digest.cli.context import Context, complain, exits_in_words
from digest.cli.output import print_json, print_table
from digest.mail.wording import counted

if TYPE_CHECKING:
    from digest.ranking.evaluate import Evaluation

AsJson = Annotated[bool, typer.Option("--json", help="Answer in JSON.")]


def rank(
    ctx: typer.Context,
    profiles: Annotated[
        Path, typer.Option("--profiles", help="Profiles, one JSON object a line; may be gzipped.")
    ],
    papers: Annotated[Path, typer.Option("--papers", help="Papers, one JSON object a line; may be gzipped.")],
    pools: Annotated[Path, typer.Option("--pools", help="Candidates of each pool, one JSON object a line.")],
    out: Annotated[
        Path, typer.Option("--out", help="Where the run goes: profile, paper and score, by tabs.")
    ],
    as_json: AsJson = False,
) -> None:
    """Rank the papers of every pool for its profiles.

    Example: digest rank --profiles profiles.jsonl.gz --papers docs.jsonl.gz --pools pools.jsonl.gz --out run.tsv
    """
    from digest.ranking.evaluate import rank_file

    context: Context = ctx.obj
    with exits_in_words():
        report = rank_file(profiles, papers, pools, out, now=context.now)
    if as_json:
        print_json({"profiles": report.profiles, "pairs": report.pairs, "lines": report.lines, "out": out})
    else:
        complain(
            f"{counted(report.profiles, 'profile')}, {counted(report.pairs, 'profile-paper pair')} ranked; {counted(report.lines, 'line')} in {out}"
        )


def evaluate(
    ctx: typer.Context,
    data: Annotated[Path, typer.Argument(help="Folder with docs, profiles, pools and qrels.")],
    task: Annotated[
        list[str] | None, typer.Option("--task", help="Only tasks that begin like this; may be repeated.")
    ] = None,
    every_baseline: Annotated[
        bool, typer.Option("--every-baseline", help="With the slow ones, which take minutes.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Measure the ranking on judged data, beside baselines.

    Example: digest evaluate ../shared/rank/dev --task T1
    """
    from digest.ranking.baselines import BASELINES
    from digest.ranking.evaluate import USUAL_BASELINES
    from digest.ranking.evaluate import evaluate as measure

    context: Context = ctx.obj
    baselines = tuple(BASELINES) if every_baseline else USUAL_BASELINES
    with exits_in_words():
        found = measure(data, now=context.now, tasks=tuple(task or ()), baselines=baselines)
    if as_json:
        rows = [
            {"group": r.group, "units": r.units, "ndcg": dict(r.figures), "interval": dict(r.intervals)}
            for r in found.rows
        ]
        print_json({"rows": rows, "headline": dict(found.headline)})
    else:
        _print(found)


def _print(found: "Evaluation") -> None:
    def cell(value: float | None) -> str:
        return "" if value is None else f"{value:.3f}"

    rows = [
        (row.group, row.units, *(cell(row.figures.get(name)) for name in found.systems)) for row in found.rows
    ]
    rows.append(("headline", "", *(cell(found.headline.get(name)) for name in found.systems)))
    print_table(("nDCG@10", "n", *found.systems), rows)
