"""The scorer against judged data: `digest rank` writes a run, `digest evaluate` a table beside baselines."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from digest.model import Interest, Profile
from digest.ranking.baselines import BASELINES
from digest.ranking.figures import Judged, by_unit, interval, mean, ndcg
from digest.ranking.judgements import (
    Collections,
    Pools,
    find,
    open_text,
    read_papers,
    read_pools,
    read_profiles,
    read_relevance,
    read_run,
)
from digest.ranking.scorer import PaperRanker
from digest.ranking.taste import Taste

HEADLINE = (
    "T1", "T2-liked10", "T2-kw+liked10", "T2s-kw+liked5+disliked5", "T3", "T3kw", "T4-kw", "T4-kw+liked10"
)  # fmt: skip
OURS = "digest"
# Nobody reads further, and no measure here looks further.
DEEPEST = 200
# What a table compares with unless told otherwise; the SVM takes minutes.
USUAL_BASELINES = ("keyword count", "tf-idf", "bm25", "mean of liked", "upvotes")

Scores = Mapping[str, float]


@dataclass(frozen=True, slots=True)
class RankFileReport:
    """What `rank_file` has done."""

    profiles: int
    pairs: int  # profiles x candidates
    lines: int


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table."""

    group: str  # task and collection
    units: int
    figures: Mapping[str, float]  # system -> nDCG@10, where it can do the task
    intervals: Mapping[str, float]  # baseline -> half the 95 % interval of our difference to it


@dataclass(frozen=True, slots=True)
class Evaluation:
    """The table of tasks."""

    systems: tuple[str, ...]
    rows: tuple[Row, ...]
    headline: Mapping[str, float]  # system -> mean over the headline tasks, where it does all of them


def rank_file(
    profiles: Path, papers: Path, pools: Path, out: Path, *, now: datetime, ranker: PaperRanker | None = None
) -> RankFileReport:
    """Rank every pool for its profiles and write `profile <TAB> paper <TAB> score` lines, the best 200 papers first.

    Raises DigestError when a file is missing or a line is not what it should be.
    """
    asked, candidates = read_profiles(profiles), read_pools(pools)
    runs = rank_all(asked, read_papers(papers), candidates, now=now, ranker=ranker)
    lines = 0
    with open_text(out, "wt") as file:
        for judged, scores in runs:
            file.writelines(f"{judged.id}\t{paper}\t{score!r}\n" for paper, score in scores.items())
            lines += len(scores)
    return RankFileReport(len(asked), sum(len(candidates[judged.pool]) for judged in asked), lines)


def evaluate(
    data: Path,
    *,
    now: datetime,
    tasks: Sequence[str] = (),
    baselines: Sequence[str] = USUAL_BASELINES,
    ranker: PaperRanker | None = None,
    others: Mapping[str, Path] | None = None,
) -> Evaluation:
    """Rank everything in a folder of judged data and compare; `tasks` are prefixes, all tasks when empty.

    `others` are run files of further systems, by name; a profile that is not in one is none of its tasks.
    """
    profiles = [
        judged
        for judged in read_profiles(find(data, "profiles.jsonl"))
        if not tasks or judged.task.startswith(tuple(tasks))
    ]
    collections, pools = read_papers(find(data, "docs.jsonl")), read_pools(find(data, "pools.jsonl"))
    relevance = read_relevance(find(data, "qrels.tsv"))
    runs = {OURS: rank_all(profiles, collections, pools, now=now, ranker=ranker)}
    runs |= {name: _baseline(name, profiles, collections, pools) for name in baselines}
    runs |= {name: _written(profiles, read_run(path)) for name, path in (others or {}).items()}
    systems = {
        name: by_unit(
            profiles, {j.id: ndcg(j, scores, relevance.get(j.id, {}), pools[j.pool]) for j, scores in run}
        )
        for name, run in runs.items()
    }
    groups = dict.fromkeys(judged.group for judged in profiles)
    rows = tuple(_row(group, systems) for group in groups)
    return Evaluation(tuple(systems), rows, _headlines(rows, tuple(systems)))


def rank_all(
    profiles: Sequence[Judged],
    collections: Collections,
    pools: Pools,
    *,
    now: datetime,
    ranker: PaperRanker | None = None,
) -> Iterator[tuple[Judged, Scores]]:
    """Each profile with the scores of its pool, best first, pool by pool; a collection is fitted once."""
    parameters = (ranker or PaperRanker()).get_params()
    fitted: dict[str, PaperRanker] = {}
    for pool in dict.fromkeys(judged.pool for judged in profiles):
        candidates = [collections.papers[paper_id] for paper_id in pools[pool]]
        name = collections.name_of[pools[pool][0]]
        if name not in fitted:
            fitted[name] = PaperRanker(**parameters).fit(collections.by_name[name])
        asked = [judged for judged in profiles if judged.pool == pool]
        ranker = fitted[name]
        batches = ranker.serve(
            ranker.lay_out(candidates, now=now),
            [_profile(judged) for judged in asked],
            [_taste(judged, collections) for judged in asked],
            now=now,
            limit=DEEPEST,
        )
        rankings = (batch.standings(row) for batch in batches for row in range(len(batch.places)))
        for judged, standings in zip(asked, rankings, strict=True):
            yield judged, {one.paper_id: one.value for one in standings}


def _baseline(
    name: str, profiles: Sequence[Judged], collections: Collections, pools: Pools
) -> Iterator[tuple[Judged, Scores]]:
    fitted = {}
    for judged in profiles:
        collection = collections.name_of[pools[judged.pool][0]]
        papers = collections.by_name[collection]
        if collection not in fitted:
            fitted[collection] = BASELINES[name](papers), {paper.id: row for row, paper in enumerate(papers)}
        score, place = fitted[collection]
        values = score(judged)
        if values is not None:
            yield judged, {paper: float(values[place[paper]]) for paper in pools[judged.pool]}


def _written(profiles: Sequence[Judged], run: Mapping[str, Scores]) -> Iterator[tuple[Judged, Scores]]:
    yield from ((judged, run[judged.id]) for judged in profiles if judged.id in run)


def _row(group: str, systems: Mapping[str, Mapping[str, Mapping[str, float]]]) -> Row:
    ours = systems[OURS][group]
    others = {name: found[group] for name, found in systems.items() if name != OURS and group in found}
    figures = {OURS: mean(list(ours.values()))} | {n: mean(list(v.values())) for n, v in others.items()}
    intervals = {
        name: interval([ours[unit] - found[unit] for unit in found]) for name, found in others.items()
    }
    return Row(group, len(ours), figures, intervals)


def _headlines(rows: Sequence[Row], systems: Sequence[str]) -> dict[str, float]:
    headlines = {}
    for system in systems:
        found: dict[str, list[float]] = {}
        for row in rows:
            if system in row.figures:
                found.setdefault(row.group.split(" ")[0], []).append(row.figures[system])
        if all(task in found for task in HEADLINE):
            headlines[system] = mean([mean(found[task]) for task in HEADLINE])
    return headlines


def _profile(judged: Judged) -> Profile:
    return Profile(
        email=judged.id, interests=tuple(Interest((word,), weight) for word, weight in judged.keywords)
    )


def _taste(judged: Judged, collections: Collections) -> Taste | None:
    if not judged.liked and not judged.disliked:
        return None
    known = collections.papers
    return Taste.of(
        [known[paper] for paper in judged.liked if paper in known],
        [known[paper] for paper in judged.disliked if paper in known],
    )
