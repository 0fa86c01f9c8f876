"""`digest doctor mail`: a message before the rules, a server before the door."""

import json

import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from typer.testing import CliRunner

from digest.app import App
from digest.cli import app
from digest.doctor_mail import examine_sample, examine_theme, knock, sample_mail
from digest.mail.catalogue import sample, sample_message
from digest.mail.dkim import Key, Signer
from digest.mail.lint import lint
from digest.mail.render import KINDS, Renderer
from digest.mail.themes import THEMES
from digest.settings import load_settings
from tests.builders import NOW
from tests.servers import free_port

KEY = Key("digest", "example.org", generate_private_key(65537, 2048))
END = b"\r\n\r\n--=_"  # of the HTML part, and of the text part before it


def message(kind="digest"):
    return sample_message(sample(kind, Renderer()), sign=Signer([KEY])).raw


def verdicts(raw):
    found: dict[str, str] = {}
    for check in lint(raw):
        if found.get(check.name) != "fail":
            found[check.name] = check.state
    return found


def settings_of(tmp_path, toml=""):
    (tmp_path / "config").mkdir(exist_ok=True)
    (tmp_path / "config" / "digest.toml").write_text(
        '[sender]\naddress = "papers@example.org"\n[delivery]\ntransport = "smtp"\n' + toml
    )
    return load_settings(tmp_path, {})


@pytest.mark.parametrize("kind", KINDS)
def test_no_mail_of_ours_fails_a_rule(kind):
    failed = [check for check in lint(message(kind)) if check.state == "fail" and check.name != "leaving"]
    assert failed == []


def test_a_digest_keeps_every_rule():
    assert {check.name: check.said for check in lint(message()) if check.state != "ok"} == {}


@pytest.mark.parametrize(
    ("before", "after", "rule"),
    [
        (b"\r\n\r\n", b"\r\n\n", "lines"),
        (b"Subject: ", b"Subject: x\r\nSubject: ", "headers"),
        (b"Date: ", b"X-Date: ", "headers"),
        (b"List-Unsubscribe: ", b"X-Unsubscribe: ", "leaving"),
        (b"List-Unsubscribe-Post: ", b"X-Post: ", "leaving"),
        (b"DKIM-Signature: ", b"X-Signature: ", "signature"),
        (b"list-unsubscribe-post:", b"", "signature"),
        (b"List-ID: ", b"List-ID: =?utf-8?B?eA==?= ", "list headers"),
        (END, b"<script>x</script>" + END, "markup"),
        (END, b'<img src=3D"https://t.example/p.gif" alt=3D"">' + END, "pictures"),
        (END, b'<img src=3D"cid:x">' + END, "pictures"),
        (b"prefers-color-scheme", b"prefers-nothing", "dark"),
    ],
)
def test_each_rule_sees_what_breaks_it(before, after, rule):
    raw = message()
    assert before in raw, before
    assert verdicts(raw.replace(before, after)).get(rule) in ("warn", "fail")


def test_a_link_in_one_part_only_is_told():
    before, end, after = message().rpartition(END)
    raw = before + b'<a href=3D"https://elsewhere.example/x">x</a>' + end + after
    assert verdicts(raw)["parts"] == "warn"


@pytest.mark.parametrize(
    "raw", [b"", b"\x00\xff", b"Subject: only\r\n\r\nbody", b"Content-Type: text/html; charset=x\r\n\r\n<p>"]
)
def test_whatever_stands_in_a_file_is_judged_and_not_fallen_over(raw):
    assert any(check.state == "fail" for check in lint(raw))


def test_a_port_that_is_nowhere_set_gives_no_advice_about_settings(tmp_path):
    toml = f'[smtp]\nhost = "127.0.0.1"\nport = {free_port()}\nsecurity = "none"\n'
    for finding in knock(settings_of(tmp_path, toml)):
        assert finding.state == "unchecked"
        assert "check" not in finding.said


@pytest.mark.parametrize("theme", THEMES.values(), ids=list(THEMES))
def test_every_theme_can_be_read(theme):
    assert examine_theme(theme).state == "ok"


def test_the_command_lints_what_this_home_would_send(tmp_path):
    (tmp_path / "config").mkdir()
    answer = CliRunner().invoke(app, ["--home", str(tmp_path), "doctor", "mail", "--json"])
    found = {finding["name"]: finding["state"] for finding in json.loads(answer.stdout)}
    assert found["parts"] == "ok"
    assert found["leaving"] == "unchecked"  # nothing leaves this home
    assert answer.exit_code == 0
    assert found["size"] == "ok"
    assert found["contrast"] == "ok"
    with App.open(tmp_path) as home:
        assert b"Subject: " in sample_mail(home.letters, now=NOW)


def test_a_home_that_sends_is_told_to_let_people_leave_in_one_press(tmp_path):
    settings = settings_of(tmp_path)
    with App.open(tmp_path) as home:
        states = {found.name: found.state for found in examine_sample(settings, home.letters, now=NOW)}
    assert states["leaving"] == "warn"


def test_the_command_lints_a_file(tmp_path):
    (tmp_path / "config").mkdir()
    (tmp_path / "bad.eml").write_bytes(b"Subject: x\n\nhello")
    answer = CliRunner().invoke(
        app, ["--home", str(tmp_path), "doctor", "mail", "--message", str(tmp_path / "bad.eml")]
    )
    assert answer.exit_code == 1
    assert "not CRLF" in answer.output
    missing = CliRunner().invoke(app, ["--home", str(tmp_path), "doctor", "mail", "--message", "nowhere.eml"])
    assert missing.exit_code == 1
    assert "cannot be read" in missing.output
