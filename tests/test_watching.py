"""A program that is left running says when its settings have changed, and what to do."""

import logging

import pytest

from digest.cli.verbs import _jobs
from digest.cli.watching import SettingsWatch

GOOD = '[sender]\nname = "One"\n'


@pytest.fixture
def home(tmp_path):
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "digest.toml").write_text(GOOD)
    return tmp_path


def said_after(watch, caplog, home, text):
    caplog.clear()
    caplog.set_level(logging.INFO)
    (home / "config" / "digest.toml").write_text(text)
    for _ in range(3):
        watch.look()
    return [record.getMessage() for record in caplog.records]


def test_a_change_is_told_once_with_what_to_do(home, caplog):
    watch = SettingsWatch(home)
    assert said_after(watch, caplog, home, GOOD) == []
    [said] = said_after(watch, caplog, home, GOOD.replace("One", "Two"))
    assert said == "the settings were changed: stop this program and start it again to use them"
    assert said_after(watch, caplog, home, GOOD) == [
        "the settings are again those that this program began with"
    ]


def test_a_change_that_cannot_be_used_is_told_with_the_mistake(home, caplog):
    [said] = said_after(SettingsWatch(home), caplog, home, GOOD.replace("name", "nmae"))
    assert "cannot be used; the old ones are kept" in said
    assert "sender.nmae: unknown key; did you mean name?" in said


def test_a_secret_that_is_added_is_a_change_and_is_not_told(home, caplog):
    watch = SettingsWatch(home)
    (home / ".env").write_text("DIGEST_SMTP_PASSWORD=hunter2-hunter2\n")
    watch.look()
    assert "the settings were changed" in caplog.text
    assert "hunter2" not in caplog.text


def test_whoever_runs_the_rounds_looks_at_the_settings(home):
    from digest.app import App

    with App.open(home) as app:
        assert "settings" in [job.name for job in _jobs("", app, lambda: None, None)]  # type: ignore[arg-type, return-value]
