"""Adding and trying sources: from a saved page or an address to papers, without editing a file."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from digest.cli import app
from digest.errors import DigestError
from digest.settings import load_settings
from digest.sources import add_source, entry_for
from digest.tables import DigestFile, SourceSettings

GOLDEN = Path(__file__).parent / "data" / "pages"
NOW = "2026-03-03T09:00:00Z"


def call(home, *words, code=0):
    result = CliRunner().invoke(
        app, ["--home", str(home), "--now", NOW, *map(str, words)], catch_exceptions=False
    )
    assert result.exit_code == code, result.output
    return result.stdout


def saved_pages():
    for path in sorted(GOLDEN.iterdir()):
        expected = path.with_name(f"{path.name}.expected.json")
        if expected.exists() and json.loads(expected.read_text())["papers"]:
            yield path


@pytest.mark.parametrize("page", list(saved_pages()), ids=lambda path: path.name)
def test_a_saved_page_of_each_family_becomes_a_source_that_works(page, tmp_path):
    call(tmp_path, "init")
    call(tmp_path, "sources", "add", page, "--name", "mine")
    assert [source.name for source in load_settings(tmp_path, {}).file.source] == ["pages", "mine"]
    found = json.loads(call(tmp_path, "run", "--once", "--json"))
    assert [(Path(one["path"]).name, one["status"]) for one in found["ingest"]["pages"]] == [
        (page.name, "ok")
    ]
    assert json.loads(call(tmp_path, "papers", "--json"))


def test_what_is_no_page_is_not_added(tmp_path):
    call(tmp_path, "init")
    before = (tmp_path / "config" / "digest.toml").read_text()
    (tmp_path / "letter.txt").write_text("Dear friend, how are you?")
    assert "unrecognised" in call(tmp_path, "sources", "add", tmp_path / "letter.txt", code=1)
    assert (tmp_path / "config" / "digest.toml").read_text() == before


def test_the_comments_of_the_settings_survive_an_added_source(tmp_path):
    call(tmp_path, "init")
    before = (tmp_path / "config" / "digest.toml").read_text()
    add_source(tmp_path, SourceSettings(name="feed", url="https://pages.example/rss"))
    after = (tmp_path / "config" / "digest.toml").read_text()
    assert after.startswith(before.rstrip("\n"))


def test_the_default_folder_stays_when_the_first_source_is_added(tmp_path):
    add_source(tmp_path, SourceSettings(name="feed", url="https://pages.example/rss"))
    assert [source.name for source in load_settings(tmp_path, {}).file.source] == [
        *(source.name for source in DigestFile().source), "feed",
    ]  # fmt: skip


def test_a_name_or_a_place_that_is_there_already_is_refused(tmp_path):
    add_source(tmp_path, SourceSettings(name="feed", url="https://pages.example/rss"))
    with pytest.raises(DigestError, match="another --name"):
        add_source(tmp_path, SourceSettings(name="feed", url="https://pages.example/other"))
    with pytest.raises(DigestError, match="a source already"):
        add_source(tmp_path, SourceSettings(name="again", url="https://pages.example/rss"))


def test_an_address_gets_a_name_a_person_recognises(tmp_path):
    assert entry_for("https://huggingface.co/papers", None, home=tmp_path).name == "huggingface-daily-papers"
    assert entry_for("https://arxiv.org/list/cs.CL/recent", None, home=tmp_path).name == "arxiv-cs-cl"


def test_a_folder_inside_the_home_is_written_relative_to_it(tmp_path):
    (tmp_path / "saved").mkdir()
    assert entry_for(str(tmp_path / "saved"), None, home=tmp_path).path == Path("saved")


def test_trying_a_source_stores_nothing(tmp_path):
    call(tmp_path, "init", "--demo")
    assert "huggingface-json" in call(tmp_path, "sources", "test", "pages")
    assert json.loads(call(tmp_path, "papers", "--json")) == []
    assert (
        "there are: pages"
        in CliRunner().invoke(app, ["--home", str(tmp_path), "sources", "test", "other"]).output
    )
