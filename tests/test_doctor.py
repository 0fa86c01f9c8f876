"""The doctor says what is wrong and what to do; the operator's commands do what they say."""

import json
from datetime import timedelta

import pytest
from typer.testing import CliRunner

from digest.cli import app
from digest.doctor import examine
from digest.mail.transport import MemoryTransport, Unreachable
from digest.settings import load_settings
from digest.store import outbox
from digest.store.outages import note_outage
from digest.store.outbox import Claim
from tests.builders import NOW, a_profile, owe, subscribe
from tests.servers import free_port
from tests.smtp_script import Script, smtp_script
from tests.test_deliver import go, in_doubt


def settings_for(tmp_path, port, more=""):
    (tmp_path / "config").mkdir(exist_ok=True)
    (tmp_path / "config" / "digest.toml").write_text(
        f'[sender]\naddress = "digest@example.org"\n[delivery]\ntransport = "smtp"\non_unknown = "hold"\n'
        f'[smtp]\nhost = "127.0.0.1"\nport = {port}\nsecurity = "none"\ntimeout = 1\n{more}'
    )
    return load_settings(tmp_path, {})


def findings(settings, store, lookup=None, now=NOW):
    return {finding.name: finding for finding in examine(settings, store, lookup=lookup, now=now)}


def test_a_house_in_order_is_told_so_and_nothing_is_sent(tmp_path, store):
    script = Script()
    records = {
        "example.org": ["google-site-verification=x", "v=spf1 mx -all"],
        "_dmarc.example.org": ["v=DMARC1; p=reject"],
    }
    with smtp_script(script) as port:
        found = findings(settings_for(tmp_path, port), store, lambda name: records.get(name, []))
    assert {name for name, one in found.items() if one.state == "fail"} == set()
    assert found["mail server"].state == found["SPF"].state == found["DMARC"].state == "ok"
    assert "MAIL" not in script.said


def test_each_trouble_comes_with_what_to_do(tmp_path, store):
    owe(store, 1)
    subscribe(store, a_profile(email="lost@example.org", timezone="Mars/Olympus"))
    with store.writing() as tx:
        note_outage(tx, "wrong password", now=NOW, pause=timedelta(minutes=5))
    (tmp_path / ".env").write_text("DIGEST_SECRET=sixteen characters\n")
    (tmp_path / ".env").chmod(0o644)
    settings = settings_for(tmp_path, free_port())
    found = findings(settings, store, lambda _name: ["v=spf1 a", "v=spf1 b"], now=NOW + timedelta(hours=3))
    bad = {name: one for name, one in found.items() if one.state in ("fail", "warn")}
    assert set(bad) >= {
        "zone data",
        "secrets",
        "mail server",
        "SPF",
        "DMARC",
        "last run",
        "sending",
        "outbox",
    }
    assert all(one.remedy and "\n" not in one.remedy for one in bad.values())
    assert bad["secrets"].remedy == f"chmod 600 {tmp_path / '.env'}"
    assert bad["mail server"].remedy.endswith("then: digest doctor")
    assert "Mars/Olympus" in bad["zone data"].said


def test_what_cannot_be_checked_is_told_as_unchecked(tmp_path, store):
    def unreachable(_name):
        raise OSError("no answer")

    with smtp_script(Script()) as port:
        settings = settings_for(tmp_path, port)
        assert findings(settings, store)["DNS records"].state == "unchecked"
        assert findings(settings, store, unreachable)["DNS records"].state == "unchecked"
        assert findings(settings, store)["clock"].state == "unchecked"


@pytest.mark.parametrize(("minutes", "state"), [(1, "ok"), (90, "warn")])
def test_a_clock_that_differs_from_the_mail_servers_is_told(tmp_path, store, minutes, state):
    theirs = (NOW + timedelta(minutes=minutes)).strftime("%a, %d %b %Y %H:%M:%S +0000")
    with smtp_script(Script("CONNECT", f"220 mail.example.org ESMTP {theirs}", times=1)) as port:
        found = findings(settings_for(tmp_path, port), store)
    assert found["clock"].state == state


def test_a_mailbox_is_looked_into_and_one_that_is_missing_is_told(tmp_path, store):
    port = free_port()
    bounces = '[bounces]\naddress = "bounces@example.org"\n'
    assert findings(settings_for(tmp_path, port, bounces), store)["mailbox"].state == "warn"
    (tmp_path / "box" / "new").mkdir(parents=True)
    (tmp_path / "box" / "new" / "1").write_bytes(b"Subject: hello\r\n\r\n")
    found = findings(settings_for(tmp_path, port, '[mailbox]\nmaildir = "box"\n'), store)["mailbox"]
    assert (found.state, found.said) == ("ok", "can be read; it has 1 unread mail")
    (tmp_path / ".env").write_text("DIGEST_IMAP_PASSWORD=secret-of-mine\n")
    imap = f'[mailbox]\nhost = "127.0.0.1"\nport = {free_port()}\nusername = "papers"\ntimeout = 2\n'
    found = findings(settings_for(tmp_path, port, imap), store)["mailbox"]
    assert found.state == "fail"
    assert "[mailbox]" in found.remedy


def run(home, *words, code=0):
    result = CliRunner().invoke(app, ["--home", str(home), "--now", "2026-03-02T08:30:00Z", *words])
    assert result.exit_code == code, result.output
    return result.output


@pytest.fixture
def home(tmp_path):
    """A home whose database is the one of a store that is used beside it."""
    from digest.store import Store

    settings_for(tmp_path, free_port())
    opened = Store(f"sqlite:///{tmp_path / 'data' / 'digest.db'}", secret=b"the secret of the tests")
    yield tmp_path, opened
    opened.close()


def state_of(home, number):
    return json.loads(run(home, "outbox", "show", str(number), "--json"))["state"]


def test_the_operator_decides_what_was_in_doubt(home):
    folder, store = home
    for number in (1, 2, 3):
        owe(store, number)
    with store.writing() as tx:
        taken = outbox.claim(tx, Claim("somewhere|else|1", NOW), now=NOW, limit=3)
        for delivery in taken:
            outbox.settle_unknown(tx, delivery, "no answer", now=NOW)
    for number, outcome, state in ((1, "sent", "sent"), (2, "resend", "queued"), (3, "drop", "failed")):
        run(folder, "outbox", "resolve", str(number), "--as", outcome)
        assert state_of(folder, number) == state
    assert "is sent and cannot be resolved" in run(folder, "outbox", "resolve", "1", "--as", "sent", code=1)


def test_a_message_in_doubt_is_not_simply_tried_again(home):
    folder, store = home
    owe(store, 1)
    with store.writing() as tx:
        [delivery] = outbox.claim(tx, Claim("somewhere|else|1", NOW), now=NOW, limit=1)
        outbox.settle_unknown(tx, delivery, "no answer", now=NOW)
    assert "digest outbox resolve" in run(folder, "outbox", "retry", "1", code=1)


def test_the_outbox_can_be_listed_by_state(home):
    folder, store = home
    owe(store, 1)
    owe(store, 2)
    run(folder, "outbox", "hold", "1")
    assert [row["id"] for row in json.loads(run(folder, "outbox", "list", "--state", "held", "--json"))] == [
        1
    ]
    assert "lost" in run(folder, "outbox", "list", "--state", "lost", code=2)


def test_what_is_held_waits_and_then_goes(home):
    folder, store = home
    owe(store, 1)
    run(folder, "outbox", "hold", "1")
    assert go(store, MemoryTransport()).sent == 0
    run(folder, "outbox", "retry", "1")
    assert go(store, MemoryTransport(), now=NOW + timedelta(minutes=31)).sent == 1


def test_retry_asks_a_server_in_trouble_again_at_once(home):
    folder, store = home
    owe(store, 1)
    go(store, MemoryTransport(lambda _: Unreachable("down")))
    assert go(store, MemoryTransport()).sent == 0
    assert run(folder, "outbox", "retry").startswith("1 to be sent")
    assert go(store, MemoryTransport()).sent == 1


def test_show_has_the_bytes_of_the_message(home):
    folder, store = home
    owe(store, 1)
    assert run(folder, "outbox", "show", "1", "--raw").startswith("Message-ID: <1@example.org>")
    assert "digest outbox list" in run(folder, "outbox", "show", "77", code=1)


def test_the_doctor_exits_one_when_something_is_wrong(home):
    folder, _ = home
    found = json.loads(run(folder, "doctor", "--json", code=1))
    assert {"name", "state", "said", "remedy"} == set(found[0])
    assert [one["state"] for one in found if one["name"] == "mail server"] == ["fail"]


def test_a_test_mail_says_what_the_server_said(tmp_path):
    script = Script()
    with smtp_script(script) as port:
        settings_for(tmp_path, port)
        assert "250 2.0.0 taken" in run(tmp_path, "send-test", "me@example.org")
    assert script.taken[0][0] == "me@example.org"


def test_backup_and_restore_from_the_command_line(home):
    folder, store = home
    owe(store, 1)
    assert "1 delivery" in run(folder, "backup", str(folder / "copy.db"))
    owe(store, 2)
    assert "is whole" in run(folder, "restore", "--verify", str(folder / "copy.db"))
    assert state_of(folder, 2) == "queued"
    run(folder, "restore", str(folder / "copy.db"))
    run(folder, "outbox", "show", "2", code=1)


def test_in_doubt_stays_in_the_list_of_what_needs_a_look(home):
    folder, store = home
    owe(store, 1)
    from digest.deliver import Policy
    from tests.test_deliver import Talking

    go(store, Talking(in_doubt), policy=Policy(on_unknown="hold"))
    found = {one["name"]: one for one in json.loads(run(folder, "doctor", "--json", code=1))}
    assert found["in doubt"]["state"] == "warn"
