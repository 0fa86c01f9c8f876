"""Golden pairs: a page, and everything that is read from it. DIGEST_UPDATE_GOLDEN=1 rewrites the second halves."""

import json
import os
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

import pytest

from digest.model import Page, ParsedPage
from digest.pages import parse

FOLDER = Path(__file__).parent / "data" / "pages"
PAGES = sorted(path for path in FOLDER.iterdir() if not path.name.endswith(".expected.json"))
REWRITE = os.environ.get("DIGEST_UPDATE_GOLDEN") == "1"  # read at import: no test sees the environment


def as_json(parsed: ParsedPage) -> str:
    known = asdict(parsed) | {
        "papers": [{k: v for k, v in asdict(paper).items() if v not in (None, ())} for paper in parsed.papers]
    }
    return json.dumps(known, indent=1, ensure_ascii=False, default=str) + "\n"


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_a_page_is_read_as_its_golden_twin_says(path):
    page = Page(path.name, path.read_bytes(), fetched_at=datetime(2026, 3, 2, 8, 0, tzinfo=UTC))
    golden = path.with_name(path.name + ".expected.json")

    read = as_json(parse(page))

    if REWRITE:
        golden.write_text(read, encoding="utf-8")
    assert read == golden.read_text(encoding="utf-8")


def test_every_golden_twin_has_its_page():
    twins = {path.name.removesuffix(".expected.json") for path in FOLDER.glob("*.expected.json")}

    assert twins == {path.name for path in PAGES}
