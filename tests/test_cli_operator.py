"""`digest operator`: what the pages do, from the command line."""

import json

import pytest
from typer.testing import CliRunner

from digest.app import App
from digest.cli import app as program
from digest.settings import load_settings
from digest.store.halt import current_halt
from digest.store.sessions import begin_session
from digest.web.operator.password import matches
from tests.builders import NOW


@pytest.fixture
def digest(tmp_path):
    (tmp_path / "config").mkdir()

    def run(*words, **more):
        return CliRunner().invoke(program, ["--home", str(tmp_path), *words], **more)

    return run


def test_the_password_line_goes_into_env_and_opens_the_pages(digest, tmp_path):
    answer = digest("operator", "password", input="four quite unrelated words\n")
    assert answer.exit_code == 0
    (tmp_path / ".env").write_text(answer.stdout)
    stored = load_settings(tmp_path, {}).operator_hash
    assert stored
    assert matches(stored.get_secret_value(), "four quite unrelated words")


def test_a_password_that_can_be_guessed_is_refused_in_one_line(digest):
    answer = digest("operator", "password", input="secret\n")
    assert answer.exit_code == 2
    assert "at least 12 characters" in answer.stderr
    assert len(answer.stderr.splitlines()) == 1


def test_sending_is_halted_and_resumed_and_both_are_written_down(digest, tmp_path):
    assert "sending is halted" in digest("operator", "halt", "a wrong template").stdout
    assert "was halted before" in digest("operator", "halt", "again").stdout
    with App.open(tmp_path) as app, app.store.reading() as db:
        halt = current_halt(db)
    assert halt
    assert halt.reason == "a wrong template"
    assert "goes on" in digest("operator", "resume").stdout
    assert "was not halted" in digest("operator", "resume").stdout
    lines = json.loads(digest("operator", "audit", "--json").stdout)
    assert [line["act"] for line in lines] == ["resume sending", "halt sending"]
    assert "command line" in digest("operator", "audit").stdout


def test_every_session_ends_at_once(digest, tmp_path):
    with App.open(tmp_path) as app, app.store.writing() as tx:
        begin_session(tx, now=NOW)
        begin_session(tx, now=NOW)
    assert "2 sessions ended" in digest("operator", "logout").stdout
