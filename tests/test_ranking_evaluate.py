"""The scorer against judged data."""

import gzip
import json
import math
from dataclasses import replace

import pytest

from digest.errors import DigestError
from digest.ranking.baselines import BASELINES
from digest.ranking.evaluate import Evaluation, Row, evaluate, rank_file
from digest.ranking.figures import Judged, by_unit, interval, ndcg
from digest.ranking.judgements import read_papers, read_profiles
from tests.benchmarks import ranking_table
from tests.builders import NOW

SUBJECTS = ["robot grasping", "protein folding", "speech codecs", "draft models"]


def judged(**fields):
    return replace(Judged(id="x-1", task="T1", pool="x"), **fields)


@pytest.fixture
def data(tmp_path):
    """Twelve invented papers on four subjects, and two readers."""
    docs = [
        {
            "id": f"x:{n}",
            "coll": "x",
            "title": f"On {SUBJECTS[n % 4]}, part {n}",
            "abstract": "",
            "upvotes": n,
            "odd": 1,
        }
        for n in range(12)
    ]
    profiles = [
        {
            "id": "x-1",
            "task": "T1",
            "pool": "all",
            "keywords": [["grasping", 2]],
            "liked": [],
            "disliked": [],
        },
        {
            "id": "x-2",
            "task": "T2-liked1",
            "pool": "all",
            "keywords": [],
            "liked": ["x:1"],
            "disliked": [],
            "odd": 1,
        },
    ]
    write(tmp_path / "docs.jsonl.gz", docs)
    write(tmp_path / "profiles.jsonl.gz", profiles)
    write(tmp_path / "pools.jsonl.gz", [{"pool": "all", "docs": [doc["id"] for doc in docs]}])
    lines = [f"x-1\tx:{n}\t1\n" for n in (0, 4, 8)] + [f"x-2\tx:{n}\t1\n" for n in (5, 9)]
    with gzip.open(tmp_path / "qrels.tsv.gz", "wt") as file:
        file.writelines(lines)
    return tmp_path


def write(path, lines):
    with gzip.open(path, "wt") as file:
        file.writelines(json.dumps(line) + "\n" for line in lines)


def test_a_perfect_order_has_gain_one_and_a_useless_one_none():
    scores = {"a": 3.0, "b": 2.0, "c": 1.0}
    assert ndcg(judged(), scores, {"a": 1}, "abc") == 1
    assert ndcg(judged(), scores, {}, "abc") == 0
    assert ndcg(judged(), scores, {"b": 1}, "abc") == pytest.approx(1 / math.log2(3))


def test_a_relevant_paper_without_a_score_comes_last():
    assert ndcg(judged(), {"a": -3.0}, {"a": 1, "b": 1}, "abc") < 1
    assert ndcg(judged(), {"a": -3.0}, {"a": 1}, "abc") == 1


def test_papers_voted_for_are_not_counted():
    assert ndcg(judged(liked=("a",)), {"a": 3.0, "b": 2.0}, {"a": 1, "b": 1}, "ab") == 1


def test_graded_tasks_gain_by_their_grades():
    better = ndcg(judged(task="T2q"), {"a": 2.0, "b": 1.0}, {"a": 3, "b": 1}, "ab")
    worse = ndcg(judged(task="T2q"), {"a": 1.0, "b": 2.0}, {"a": 3, "b": 1}, "ab")
    assert better == 1
    assert worse < better


def test_a_user_of_many_days_counts_once():
    days = [judged(id=f"x-{n}", task="T4-kw", user="7") for n in range(3)] + [
        judged(id="x-9", task="T4-kw", user="8")
    ]
    values = {"x-0": 0.0, "x-1": 1.0, "x-2": 0.5, "x-9": 1.0}
    assert by_unit(days, values) == {"T4-kw x": {"7": 0.5, "8": 1.0}}


def test_an_interval_is_wider_for_scattered_values():
    assert interval([0.1] * 20) == pytest.approx(0)
    assert interval([0.5, -0.5] * 10) > interval([0.05, -0.05] * 10)
    assert interval([1.0]) == 0


def test_rank_file_writes_a_line_for_every_candidate(data, tmp_path):
    out = tmp_path / "run.tsv"
    profiles, docs, pools = (data / f"{name}.jsonl.gz" for name in ("profiles", "docs", "pools"))
    report = rank_file(profiles, docs, pools, out, now=NOW)
    lines = [line.split("\t") for line in out.read_text().splitlines()]
    assert (report.profiles, report.pairs, report.lines) == (2, 24, len(lines))
    assert {line[1] for line in lines if line[0] == "x-1"} == {f"x:{n}" for n in range(12)}
    assert {line[1] for line in lines[:3]} == {"x:0", "x:4", "x:8"}
    assert all(math.isfinite(float(line[2])) for line in lines)


def test_the_table_sets_ours_beside_the_baselines(data):
    table = evaluate(data, now=NOW, baselines=tuple(BASELINES))
    rows = {row.group: row for row in table.rows}
    assert set(rows) == {"T1 x", "T2-liked1 x"}
    assert rows["T1 x"].figures["digest"] == 1
    assert rows["T2-liked1 x"].figures["digest"] == 1
    assert "keyword count" not in rows["T2-liked1 x"].figures
    assert "svm of liked" not in rows["T1 x"].figures
    assert rows["T1 x"].figures["upvotes"] < 1
    assert table.headline == {}


def test_only_the_tasks_asked_for_are_evaluated(data):
    table = evaluate(data, now=NOW, tasks=("T1",), baselines=())
    assert [row.group for row in table.rows] == ["T1 x"]


def test_a_missing_file_is_said_in_one_line(tmp_path):
    with pytest.raises(DigestError, match=r"has no profiles\.jsonl"):
        evaluate(tmp_path, now=NOW)
    with pytest.raises(DigestError, match=r"nowhere\.jsonl"):
        rank_file(tmp_path / "nowhere.jsonl", tmp_path, tmp_path, tmp_path / "out", now=NOW)


@pytest.mark.parametrize("line", ["{", "[]", '{"id": "a"}'])
def test_a_broken_line_is_named(tmp_path, line):
    path = tmp_path / "profiles.jsonl"
    path.write_text(line + "\n")
    with pytest.raises(DigestError, match="line 1"):
        read_profiles(path)


def test_plain_files_and_bare_keywords_are_read_as_well(tmp_path):
    path = tmp_path / "profiles.jsonl"
    path.write_text(
        '{"id": "a", "pool": "p", "keywords": ["robots", ["codecs", 2]], "negative": ["survey"]}\n'
    )
    assert read_profiles(path)[0].keywords == (("robots", 1.0), ("codecs", 2.0), ("survey", -1.0))


def test_papers_without_a_collection_are_one_collection(tmp_path):
    path = tmp_path / "docs.jsonl"
    path.write_text('{"id": "a", "title": "A"}\n{"id": "b", "published_on": "2026-01-02"}\n')
    collections = read_papers(path)
    assert [paper.id for paper in collections.by_name[""]] == ["a", "b"]


@pytest.mark.slow
def test_the_scorer_beats_the_baselines_on_judged_data(shared):
    table = evaluate(shared / "rank" / "dev", now=NOW, tasks=("T1", "T3kw"), baselines=("bm25",))
    for row in table.rows:
        assert row.figures["digest"] - row.figures["bm25"] > row.intervals["bm25"], row.group


def test_a_run_of_another_system_stands_in_the_table(data, tmp_path):
    run = tmp_path / "other.tsv"
    run.write_text("".join(f"x-1\tx:{n}\t{12 - n}\n" for n in range(12)))
    table = evaluate(data, now=NOW, baselines=(), others={"other": run})
    by_group = {row.group: row.figures for row in table.rows}
    assert 0 < by_group["T1 x"]["other"] < by_group["T1 x"]["digest"]
    assert "other" not in by_group["T2-liked1 x"]


@pytest.mark.parametrize("line", ["x-1 x:1 0.5", "x-1\tx:1\thigh", "x-1\tx:1"])
def test_a_broken_line_of_a_run_is_named(data, tmp_path, line):
    run = tmp_path / "other.tsv"
    run.write_text(f"x-1\tx:0\t1\n{line}\n")
    with pytest.raises(DigestError, match="line 2: not profile, paper and score"):
        evaluate(data, now=NOW, baselines=(), others={"other": run})


def an_evaluation(**headline):
    intervals = {"bm25": 0.02}
    rows = tuple(
        Row(f"{task} x", units, {"digest": 0.5, "bm25": other}, intervals)
        for task, units, other in (
            ("T1", 60, 0.4),
            ("T2-liked10", 60, 0.49),
            ("T3kw", 60, 0.6),
            ("T4-kw", 9, 0.1),
        )
    )
    return Evaluation(("digest", "bm25"), rows, headline)


def test_the_table_of_the_readme_replaces_the_one_before_and_nothing_else():
    lines = ranking_table.table(an_evaluation(digest=0.4, bm25=0.3))
    text = f"Before.\n{ranking_table.BEGIN}\nold\n{ranking_table.END}\nAfter.\n"
    written = ranking_table.written_into(text, lines)
    assert written.startswith("Before.\n")
    assert written.endswith("\nAfter.\n")
    assert "old" not in written
    assert ranking_table.written_into(written, lines) == written
    assert "| `digest` | **.400** | **.500** |" in written
    assert "| BM25 | .300 | .400 |" in written


def test_a_verdict_counts_only_what_is_more_than_chance():
    said = ranking_table.verdict(an_evaluation(), "bm25")
    assert "of 3 tasks" in said
    assert "better in 1, significantly worse in 1 " in said


def test_without_judged_data_the_table_is_left_alone(tmp_path, capsys):
    ranking_table.main([str(tmp_path / "nowhere")])
    assert "skipped: there is no folder of judged data at" in capsys.readouterr().out


def test_the_readme_has_a_place_for_the_table():
    readme = (ranking_table.ROOT / "README.md").read_text("utf-8")
    assert ranking_table.written_into(readme, ["a line"]).count("a line") >= 1
