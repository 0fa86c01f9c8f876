"""One paper all the way: page, score, digest, message, outbox, a real SMTP server, and the process that carries it."""

import json
import os
import signal
import subprocess
import sys
import time
from email import message_from_bytes
from email.policy import default

import pytest
from typer.testing import CliRunner

from digest.cli import app
from digest.shipped import shipped
from tests.servers import Mailbox, smtp_server

NOW = "2026-03-03T09:00:00Z"


def make_home(home, port):
    CliRunner().invoke(app, ["--home", str(home), "init", "--demo"], catch_exceptions=False)
    (home / "config" / "digest.toml").write_text(
        '[sender]\nname = "The Digest"\naddress = "digest@example.org"\nreply_to = "editor@example.org"\n'
        '[delivery]\ntransport = "smtp"\n[schedule]\npublish_minutes = 0.01\ndeliver_minutes = 0.01\n'
        f'[smtp]\nhost = "127.0.0.1"\nport = {port}\nsecurity = "none"\n'
    )


def content_of(mail, kind):
    part = mail.get_body([kind])
    assert part is not None
    return part.get_content()


def test_every_due_digest_arrives_alone_whole_and_readable(tmp_path):
    mailbox = Mailbox()
    with smtp_server(mailbox) as port:
        make_home(tmp_path, port)
        result = CliRunner().invoke(app, ["--home", str(tmp_path), "--now", NOW, "run", "--once", "--json"])
    assert json.loads(result.stdout)["deliver"]["sent"] == len(mailbox.received) == 3
    assert len({rcpt_to for _, rcpt_to, _ in mailbox.received}) == 3
    for mail_from, rcpt_to, content in mailbox.received:
        mail = message_from_bytes(content, policy=default)
        assert not mail.defects
        assert not any(part.defects for part in mail.walk())
        assert [address.addr_spec for address in mail["To"].addresses] == [rcpt_to]
        assert (
            [address.addr_spec for address in mail["From"].addresses] == [mail_from] == ["digest@example.org"]
        )
        assert mail["Cc"] is mail["Bcc"] is None
        text, html = content_of(mail, "plain"), content_of(mail, "html")
        assert text.count("https://") >= 5
        assert "<html" in html
        assert mail["List-Unsubscribe"] == "<mailto:editor@example.org?subject=unsubscribe>"
        assert max(map(len, content.split(b"\r\n"))) <= 78 or b"List-" in content
        assert b"\n" not in content.replace(b"\r\n", b"")


def test_a_subscriber_finds_a_paper_of_a_saved_page_in_their_mail(tmp_path):
    mailbox = Mailbox()
    page = shipped("config") / "demo" / "pages" / "2026-03-02-search.txt"
    with smtp_server(mailbox) as port:
        make_home(tmp_path, port)
        for sample in (tmp_path / "pages").iterdir():
            if sample.name != page.name:
                sample.unlink()
        CliRunner().invoke(
            app, ["--home", str(tmp_path), "--now", NOW, "run", "--once"], catch_exceptions=False
        )
    [content] = [content for _, rcpt_to, content in mailbox.received if rcpt_to == "marta@example.org"]
    text = content_of(message_from_bytes(content, policy=default), "plain")
    assert "Drafting in the Margins" in " ".join(text.split())
    assert "Why: speculative decoding" in " ".join(text.split())


@pytest.mark.skipif(os.name != "posix", reason="signals as POSIX knows them; run it on Linux or macOS")
def test_the_running_service_sends_what_is_due_and_ends_on_sigterm(tmp_path):
    mailbox = Mailbox()
    with smtp_server(mailbox) as port:
        make_home(tmp_path, port)
        for file in (tmp_path / "config" / "subscribers").glob("*.toml"):
            file.unlink()
        for page in (tmp_path / "pages").iterdir():
            os.utime(page, (0, 0))
        # Twice a day, half a day apart: one of the two slots is always near enough to be sent.
        for name, hour in (("early", "00:00"), ("late", "12:00")):
            text = f'email = "{name}@example.org"\ncadence = {{ every = "day", at = "{hour}" }}\ntrending = 1.0\n'
            (tmp_path / "config" / "subscribers" / f"{name}.toml").write_text(text)
        process = subprocess.Popen(
            [sys.executable, "-m", "digest", "--home", str(tmp_path), "run"],
            stderr=subprocess.PIPE,
            text=True,
        )
        deadline = time.monotonic() + 60
        while not mailbox.received and time.monotonic() < deadline and process.poll() is None:
            time.sleep(0.05)
        process.send_signal(signal.SIGTERM)
        _, told = process.communicate(timeout=30)
    assert mailbox.received, told
    assert process.returncode == 0, told
    assert "Traceback" not in told
