"""Reads folders of judged data.

A folder holds `docs`, `profiles` and `pools` as JSON lines and `qrels` as profile, paper, relevance separated by tabs,
each plain or with `.gz`. Fields that are not known here are passed over.
"""

import gzip
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, TextIO

from digest.errors import DigestError
from digest.model import Paper
from digest.ranking.figures import Judged

Pools = Mapping[str, Sequence[str]]


@dataclass(frozen=True)
class Collections:
    """Papers by id, and all papers of the collection each belongs to: what idf and the like are learnt from."""

    papers: Mapping[str, Paper]
    by_name: Mapping[str, Sequence[Paper]]
    name_of: Mapping[str, str]


def find(data: Path, name: str) -> Path:
    """The file of that name in a folder, compressed or not."""
    for path in (data / f"{name}.gz", data / name):
        if path.is_file():
            return path
    raise DigestError(f"{data} has no {name} or {name}.gz: is it a folder of judged data?")


def read_profiles(path: Path) -> list[Judged]:
    """The profiles to rank for."""
    return [
        Judged(
            id=line["id"],
            task=line.get("task", ""),
            pool=line["pool"],
            keywords=(
                *map(_keyword, line.get("keywords", ())),
                *((word, -weight) for word, weight in map(_keyword, line.get("negative", ()))),
            ),
            liked=tuple(line.get("liked", ())),
            disliked=tuple(line.get("disliked", ())),
            user=str(line.get("user", "")),
        )
        for line in _lines(path, "id", "pool")
    ]


def read_papers(path: Path) -> Collections:
    """All papers, those without a collection being one."""
    papers: dict[str, Paper] = {}
    name_of: dict[str, str] = {}
    by_name: dict[str, list[Paper]] = {}
    for line in _lines(path, "id"):
        paper = Paper(
            id=line["id"],
            title=line.get("title") or "",
            abstract=line.get("abstract") or None,
            published_on=_day(line.get("published_on")),
            upvotes=line.get("upvotes"),
            comments=line.get("comments"),
        )
        papers[paper.id], name_of[paper.id] = paper, line.get("coll", "")
        by_name.setdefault(name_of[paper.id], []).append(paper)
    return Collections(papers, by_name, name_of)


def read_pools(path: Path) -> dict[str, list[str]]:
    """Name of a pool -> its candidates; an empty pool is a mistake."""
    return {line["pool"]: line["docs"] for line in _lines(path, "pool", "docs")}


def read_relevance(path: Path) -> dict[str, dict[str, float]]:
    """Profile -> paper -> relevance."""
    found: dict[str, dict[str, float]] = {}
    with open_text(path, "rt") as file:
        for line in file:
            profile, paper, relevance = line.rstrip("\n").split("\t")
            found.setdefault(profile, {})[paper] = float(relevance)
    return found


def read_run(path: Path) -> dict[str, dict[str, float]]:
    """Profile -> paper -> score, from lines as `rank_file` writes them."""
    found: dict[str, dict[str, float]] = {}
    with open_text(path, "rt") as file:
        for number, line in enumerate(file, start=1):
            try:
                profile, paper, score = line.rstrip("\n").split("\t")
                found.setdefault(profile, {})[paper] = float(score)
            except ValueError as cause:
                raise DigestError(
                    f"{path}, line {number}: not profile, paper and score, set apart by tabs"
                ) from cause
    return found


def _keyword(entry: str | list[Any]) -> tuple[str, float]:
    """A keyword stands alone or with its weight."""
    return (entry, 1.0) if isinstance(entry, str) else (str(entry[0]), float(entry[1]))


def _day(text: object) -> date | None:
    try:
        return date.fromisoformat(str(text)[:10])
    except ValueError:
        return None


def _lines(path: Path, *needed: str) -> Iterator[dict[str, Any]]:
    with open_text(path, "rt") as file:
        for number, text in enumerate(file, start=1):
            try:
                line = json.loads(text)
                missing = [key for key in needed if key not in line]
            except (ValueError, TypeError) as cause:
                raise DigestError(f"{path}, line {number}: not a JSON object") from cause
            if missing:
                raise DigestError(f"{path}, line {number}: {' and '.join(missing)} missing")
            yield line


def open_text(path: Path, mode: str) -> TextIO:
    """Open a plain or compressed file as UTF-8 text."""
    try:
        if path.suffix == ".gz":
            return gzip.open(path, mode, encoding="utf-8")  # type: ignore[return-value]
        return path.open(mode, encoding="utf-8")  # type: ignore[return-value]
    except OSError as cause:
        raise DigestError(f"{path}: {cause.strerror or cause}") from cause
