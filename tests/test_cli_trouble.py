"""What a person reads on the command line when mail does not leave, and what they type then."""

import re
from datetime import UTC, datetime

import pytest
from typer.testing import CliRunner

from digest.app import App
from digest.cli import app as program
from digest.doctor import examine
from digest.doctor_mail import knock
from digest.errors import StoreError
from digest.settings import load_settings
from digest.store.people import suppress
from tests.builders import NOW as INSTANT
from tests.servers import free_port
from tests.smtp_script import Script, smtp_script

NOW = "2026-03-03T09:00:00Z"
AT_NINE = datetime(2026, 3, 3, 9, tzinfo=UTC)
READER = "marta@example.org"


def call(home, *words, now=NOW, code=0):
    result = CliRunner().invoke(program, ["--home", str(home), "--now", now, *words])
    assert result.exit_code == code, result.output + result.stderr
    return result


@pytest.fixture
def home(tmp_path):
    call(tmp_path, "init", "--demo")
    return tmp_path


def send_through(home, port, security="none"):
    (home / "config" / "digest.toml").write_text(
        '[sender]\naddress = "digest@example.org"\n[delivery]\ntransport = "smtp"\n'
        f'[smtp]\nhost = "127.0.0.1"\nport = {port}\nsecurity = "{security}"\n'
        '[[source]]\nname = "pages"\npath = "pages"\n'
    )


def test_what_was_not_tried_is_waiting_and_the_list_says_why(home):
    send_through(home, free_port())
    assert "sent         0, deferred 0, failed 0, waiting 3\n" in call(home, "run", "--once", code=1).stdout
    listed = call(home, "outbox", "list")
    assert listed.stdout.count("queued") == 3
    assert listed.stderr.startswith(
        "digest: The mail server takes nothing. Since 2026-03-03 09:00 UTC: cannot connect"
    )


def test_a_delivery_is_shown_with_instants_a_person_reads(home):
    send_through(home, free_port())
    call(home, "run", "--once", code=1)
    assert re.search(
        r"^due at +2026-03-03 09:00:00 UTC$", call(home, "outbox", "show", "1").stdout, re.MULTILINE
    )


def test_a_list_without_open_mails_complains_of_nothing(home):
    call(home, "run", "--once")
    assert call(home, "outbox", "list").stderr == ""


def test_who_was_refused_for_good_gets_nothing_until_the_operator_says_so(home):
    with smtp_script(Script("RCPT", "550 5.1.1 no such user", times=1)) as port:
        send_through(home, port)
        told = call(home, "run", "--once", code=1).stdout
        assert "`digest outbox list --state failed` says who and why" in told
        refused = call(home, "outbox", "list", "--state", "failed").stdout.splitlines()[1].split()[3]
        with App.open(home) as app:
            found = {f.name: f.said for f in examine(app.settings, app.store, lookup=None, now=AT_NINE)}
        assert found["refused"].startswith(
            "1 mail could not be sent within a day; the last one: recipient refused"
        )
        listed = call(home, "subscribers", "list").stdout
        assert [line.split()[0] for line in listed.splitlines() if "refused for good" in line] == [refused]
        call(home, "subscribers", "resume", refused)
        assert "gets nothing" not in call(home, "subscribers", "list").stdout


def test_who_called_our_mail_spam_is_not_brought_back(home):
    call(home, "subscribers", "list")
    with App.open(home) as app, app.store.writing() as tx:
        suppress(tx, app.store.address_hash(READER), "complaint", "a report", INSTANT)
    assert "called our mail spam" in call(home, "subscribers", "resume", READER, code=1).stderr
    assert "gets nothing: called our mail spam" in call(home, "subscribers", "list").stdout


def test_what_was_done_is_told_although_a_later_step_breaks(home, monkeypatch):
    def full(_, *, now):
        raise StoreError("the disk is full")

    monkeypatch.setattr(App, "tidy", full)
    result = call(home, "run", "--once", code=1)
    assert "sent         3, deferred 0, failed 0" in result.stdout
    assert result.stderr == "digest: the disk is full\n"


def test_the_port_that_is_set_is_knocked_at_first(home):
    send_through(home, free_port(), "starttls")
    settings = load_settings(home, {})
    own, *others = knock(settings)
    assert (own.name, own.state) == (f"port {settings.file.smtp.port} (starttls)", "fail")
    assert [one.name for one in others] == ["port 465 (tls)", "port 587 (starttls)"]
