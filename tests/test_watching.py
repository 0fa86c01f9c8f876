"""Settings that are changed under a running program are taken over between rounds, or it is told why they are not."""

import logging
import threading
import time

import pytest

from digest.app import App
from digest.cli.verbs import _jobs
from digest.cli.watching import SettingsWatch, keeping_up
from tests.builders import NOW
from tests.test_serve import answer, eventually, serving

GOOD = '[sender]\nname = "One"\n'
SECRET = "DIGEST_SECRET=the secret of all links\n"


@pytest.fixture
def home(tmp_path):
    (tmp_path / "config").mkdir()
    write(tmp_path, GOOD)
    (tmp_path / ".env").write_text(SECRET)
    return tmp_path


@pytest.fixture
def app(home):
    with App.open(home) as app:
        yield app


def write(home, text):
    (home / "config" / "digest.toml").write_text(text)


def name_of(app):
    return app.settings.file.sender.name


@pytest.fixture
def said(home, app, caplog):
    """What is said, in all, at some looks after a file was written."""
    watch = SettingsWatch(app)

    def after(text, *, env=SECRET):
        caplog.clear()
        caplog.set_level(logging.WARNING)
        if text is None:
            (home / "config" / "digest.toml").unlink()
        else:
            write(home, text)
        (home / ".env").write_text(env)
        for _ in range(4):
            watch.look()
        return [record.getMessage() for record in caplog.records]

    return after


def test_a_change_is_in_use_and_is_told_once(app, said):
    assert said(GOOD) == []
    assert said(GOOD.replace("One", "Two") + '[look]\ntheme = "sea"\n') == [
        "the settings were changed and are in use: sender, look"
    ]
    assert name_of(app) == "Two"
    assert b"Two" in app.letters.alert("me@example.org", [], now=NOW).raw


def test_a_remark_in_the_file_changes_nothing_and_is_no_news(said):
    assert said(GOOD + "# a remark\n") == []


def test_what_cannot_be_used_keeps_the_old_and_is_told_once_with_the_remedy(app, said):
    [mistake] = said(GOOD.replace("name", "nmae"))
    assert "are not used, those from before are kept" in mistake
    assert "sender.nmae: unknown key; did you mean name?" in mistake
    assert name_of(app) == "One"
    assert said(GOOD) == ["the settings are again those in use"]


@pytest.mark.parametrize("left", ["", " \n", None])
def test_a_file_that_an_editor_or_a_full_disk_left_empty_is_no_wish_for_the_defaults(app, said, left):
    [told] = said(left)
    assert "is empty or gone; the settings from before are kept" in told
    assert name_of(app) == "One"


def test_a_file_that_is_still_being_written_is_left_alone(home, app):
    watch = SettingsWatch(app)
    for number in range(5):
        write(home, GOOD.replace("One", f"Name {number}"))
        assert not watch.look()
    assert name_of(app) == "One"
    assert watch.look()
    assert name_of(app) == "Name 4"


def test_what_needs_a_new_start_is_told_and_nothing_of_the_rest_is_taken(app, said):
    [told] = said(GOOD.replace("One", "Two"), env="DIGEST_SECRET=quite another secret\n")
    assert "DIGEST_SECRET: is only read at the start: stop this program and start it again" in told
    assert "quite another" not in told
    assert name_of(app) == "One"


def test_a_password_that_is_added_is_in_use_and_is_not_told(app, said):
    assert said(GOOD, env=SECRET + "DIGEST_SMTP_PASSWORD=hunter2-hunter2\n") == [
        "the settings were changed and are in use: .env"
    ]
    assert app.settings.smtp_password.get_secret_value() == "hunter2-hunter2"


def test_a_tenant_is_told_by_the_env_of_its_house_too(tmp_path):
    home = tmp_path / "tenants" / "one"
    (home / "config").mkdir(parents=True)
    write(home, GOOD)
    (tmp_path / ".env").write_text(SECRET)
    with App.open(home) as app:
        watch = SettingsWatch(app)
        (tmp_path / ".env").write_text(SECRET + "DIGEST_SMTP_PASSWORD=hunter2-hunter2\n")
        assert [watch.look(), watch.look(), watch.look()] == [False, True, False]


def test_a_new_pace_holds_for_the_rounds_that_are_running(home, app):
    jobs = {job.name: job for job in _jobs("", app, lambda: NOW, threading.Event())}
    assert jobs["publish"].every().total_seconds() == 60
    write(home, GOOD + "[schedule]\npublish_minutes = 5\n")
    app.renew()
    assert jobs["publish"].every().total_seconds() == 300


def test_settings_wait_for_the_delivery_that_is_going_on(home, app):
    write(home, GOOD.replace("One", "Two"))
    renewing = threading.Thread(target=app.renew)
    with app._one_delivery:
        renewing.start()
        renewing.join(0.3)
        assert name_of(app) == "One"
    renewing.join()
    assert name_of(app) == "Two"


def test_while_a_program_runs_every_change_is_passed_on(home, app):
    passed_on: list[str] = []
    with keeping_up({"one": app}, passed_on.append):
        time.sleep(0.1)
        write(home, GOOD.replace("One", "Two"))
        assert eventually(lambda: passed_on == ["one"])


@pytest.mark.parametrize("schedule", ["--schedule", "--no-schedule"])
def test_the_pages_of_a_running_server_take_on_new_settings(home, schedule):
    with serving(home, schedule) as (_, address):
        assert "One" in answer(address)[1]
        write(home, GOOD.replace("One", "Something else"))
        assert eventually(lambda: "Something else" in answer(address)[1])
