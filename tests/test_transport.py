"""The ways out: SMTP with a real server, folders, and what each says when it cannot."""

import ssl
import threading
from email import message_from_bytes
from email.policy import default
from typing import Any

import pytest
import trustme

from digest.errors import PermanentTransportError, TemporaryTransportError
from digest.mail.folders import FileTransport, MaildirTransport
from digest.mail.smtp import SmtpTransport
from digest.mail.transport import MemoryTransport, Withdrawn
from digest.model import Envelope
from digest.tables import SmtpSettings
from tests.servers import Mailbox, free_port, scripted_server, smtp_server

ENVELOPE = Envelope("digest@example.org", "reader@example.org")
RAW = b"Subject: hello\r\n\r\nfirst\r\n.hidden dot\r\n..two\r\nlast\r\n"


def yes() -> bool:
    return True


def plain(port, **more):
    return SmtpTransport(SmtpSettings(host="127.0.0.1", port=port, security="none", timeout=20.0, **more))


def every_transport(tmp_path):
    return {
        "files": FileTransport(tmp_path / "files"),
        "maildir": MaildirTransport(tmp_path / "maildir"),
        "memory": MemoryTransport(),
    }


@pytest.mark.parametrize("kind", ["files", "maildir", "memory", "smtp"])
def test_every_transport_takes_a_message_and_says_so(kind, tmp_path):
    mailbox = Mailbox()
    with smtp_server(mailbox) as port:
        transport = plain(port) if kind == "smtp" else every_transport(tmp_path)[kind]
        with transport:
            assert transport.send(ENVELOPE, RAW, yes)


@pytest.mark.parametrize("kind", ["files", "maildir", "memory", "smtp"])
def test_no_transport_sends_what_is_withdrawn_before_the_end(kind, tmp_path):
    mailbox = Mailbox()
    with smtp_server(mailbox) as port:
        transport = plain(port) if kind == "smtp" else every_transport(tmp_path)[kind]
        with transport, pytest.raises(Withdrawn):
            transport.send(ENVELOPE, RAW, lambda: False)
    assert mailbox.received == []
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []
    assert getattr(transport, "sent", []) == []


def test_smtp_carries_the_bytes_unchanged_and_keeps_its_connection():
    mailbox = Mailbox()
    with smtp_server(mailbox) as port, plain(port) as transport:
        for _ in range(3):
            assert transport.send(ENVELOPE, RAW, yes) == "250 accepted"
    assert mailbox.received == [("digest@example.org", "reader@example.org", RAW)] * 3


def test_the_end_is_announced_after_the_body_and_before_the_answer():
    order: list[str] = []

    def say(word: str, answer: Any) -> Any:
        order.append(word)
        return answer

    mailbox = Mailbox(on_data=lambda _content: say("accepted", "250 ok"))
    with smtp_server(mailbox) as port, plain(port) as transport:
        transport.send(ENVELOPE, RAW, lambda: say("about to end", True))
    assert order == ["about to end", "accepted"]


@pytest.mark.parametrize(
    ("reply", "about_reader"),
    [
        ("550 5.1.1 no such user", True),
        ("550 no such user", True),
        ("553 5.1.3 bad address", True),
        ("550 5.7.1 blocked for spam", False),
        ("552 5.2.2 mailbox full", False),
        ("554 5.7.0 policy", False),
    ],
)
def test_a_refused_recipient_is_the_readers_fault_only_when_the_server_says_so(reply, about_reader):
    mailbox = Mailbox(on_rcpt=lambda _address: reply)
    with (
        smtp_server(mailbox) as port,
        plain(port) as transport,
        pytest.raises(PermanentTransportError) as caught,
    ):
        transport.send(ENVELOPE, RAW, yes)
    assert caught.value.about_reader is about_reader
    assert caught.value.code == int(reply[:3])


def test_greylisting_is_temporary_and_the_connection_serves_the_next_reader():
    mailbox = Mailbox(on_rcpt=lambda address: "451 4.7.1 later" if address.startswith("grey") else "250 ok")
    with smtp_server(mailbox) as port, plain(port) as transport:
        with pytest.raises(TemporaryTransportError) as caught:
            transport.send(Envelope("digest@example.org", "grey@example.org"), RAW, yes)
        assert not caught.value.whole_server
        transport.send(ENVELOPE, RAW, yes)
    assert [rcpt_to for _, rcpt_to, _ in mailbox.received] == ["reader@example.org"]


def test_a_refused_body_is_not_the_readers_fault():
    mailbox = Mailbox(on_data=lambda _content: "554 5.6.0 we do not like it")
    with (
        smtp_server(mailbox) as port,
        plain(port) as transport,
        pytest.raises(PermanentTransportError) as caught,
    ):
        transport.send(ENVELOPE, RAW, yes)
    assert not caught.value.about_reader


def test_nobody_listening_is_told_with_the_address():
    port = free_port()
    with (
        plain(port) as transport,
        pytest.raises(TemporaryTransportError, match=f"127.0.0.1:{port}") as caught,
    ):
        transport.send(ENVELOPE, RAW, yes)
    assert caught.value.whole_server


def test_a_server_that_hangs_up_after_the_end_leaves_the_outcome_open():
    def talk(peer):
        peer.wfile.write(b"220 hello\r\n")
        while line := peer.rfile.readline():
            if line.lower().startswith(b"data"):
                peer.wfile.write(b"354 go on\r\n")
                while peer.rfile.readline() != b".\r\n":
                    pass
                return
            peer.wfile.write(b"250 ok\r\n")

    with (
        scripted_server(talk) as port,
        plain(port) as transport,
        pytest.raises(TemporaryTransportError) as caught,
    ):
        transport.send(ENVELOPE, RAW, yes)
    assert caught.value.whole_server


def test_a_silent_server_ends_in_time():
    done = threading.Event()

    def say_nothing(_peer: object) -> None:
        done.wait(10)

    with scripted_server(say_nothing) as port:
        transport = SmtpTransport(SmtpSettings(host="127.0.0.1", port=port, security="none", timeout=0.3))
        with transport, pytest.raises(TemporaryTransportError, match="no answer in time"):
            transport.send(ENVELOPE, RAW, yes)
        done.set()


@pytest.fixture(scope="module")
def authority():
    return trustme.CA()


def tls_context(authority, name="127.0.0.1"):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(name).configure_cert(context)
    return context


def secured(port, ca_file, security="starttls"):
    return SmtpTransport(
        SmtpSettings(host="127.0.0.1", port=port, security=security, ca_file=ca_file, timeout=20.0)
    )


@pytest.fixture
def ca_file(authority, tmp_path):
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    return tmp_path / "ca.pem"


def test_starttls_with_a_good_certificate_sends(authority, ca_file):
    mailbox = Mailbox()
    with smtp_server(mailbox, tls_context=tls_context(authority), require_starttls=True) as port:
        with secured(port, ca_file) as transport:
            transport.send(ENVELOPE, RAW, yes)
    assert len(mailbox.received) == 1


def test_implicit_tls_with_a_good_certificate_sends(authority, ca_file):
    mailbox = Mailbox()
    with smtp_server(mailbox, ssl_context=tls_context(authority)) as port:
        with secured(port, ca_file, security="tls") as transport:
            transport.send(ENVELOPE, RAW, yes)
    assert len(mailbox.received) == 1


@pytest.mark.parametrize("wrong", ["name", "authority"])
def test_a_wrong_certificate_sends_nothing(wrong, authority, ca_file):
    issuer = authority if wrong == "name" else trustme.CA()
    context = tls_context(issuer, "elsewhere.example" if wrong == "name" else "127.0.0.1")
    mailbox = Mailbox()
    with smtp_server(mailbox, tls_context=context, require_starttls=True) as port:
        with (
            secured(port, ca_file) as transport,
            pytest.raises(TemporaryTransportError, match="not to be trusted"),
        ):
            transport.send(ENVELOPE, RAW, yes)
    assert mailbox.received == []


def test_a_server_without_starttls_gets_nothing(ca_file):
    mailbox = Mailbox()
    with smtp_server(mailbox) as port:
        with secured(port, ca_file) as transport, pytest.raises(TemporaryTransportError, match="STARTTLS"):
            transport.send(ENVELOPE, RAW, yes)
    assert mailbox.received == []


def test_a_wrong_password_is_the_operators_business_and_never_told(authority, ca_file):
    from aiosmtpd.smtp import AuthResult

    mailbox = Mailbox()
    settings = SmtpSettings(host="127.0.0.1", port=1, username="me", ca_file=ca_file, timeout=2.0)
    refuses = {"authenticator": lambda *_: AuthResult(success=False, handled=False), "auth_require_tls": True}
    with smtp_server(mailbox, tls_context=tls_context(authority), **refuses) as port:
        transport = SmtpTransport(settings.model_copy(update={"port": port}), "the secret password")
        with transport, pytest.raises(TemporaryTransportError, match="DIGEST_SMTP_PASSWORD") as caught:
            transport.send(ENVELOPE, RAW, yes)
    assert caught.value.whole_server
    assert "the secret password" not in str(caught.value)


def test_a_message_written_twice_is_one_file(tmp_path):
    for transport in (FileTransport(tmp_path / "files"), MaildirTransport(tmp_path / "maildir")):
        with transport:
            transport.send(ENVELOPE, RAW, yes)
            transport.send(ENVELOPE, RAW, yes)
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert len(files) == 2
    assert all(message_from_bytes(path.read_bytes(), policy=default)["Subject"] == "hello" for path in files)


def test_a_folder_that_cannot_be_written_is_told(tmp_path):
    (tmp_path / "taken").write_text("a file stands where the folder should be")
    with (
        FileTransport(tmp_path / "taken") as transport,
        pytest.raises(TemporaryTransportError, match=r"\[delivery\] folder"),
    ):
        transport.send(ENVELOPE, RAW, yes)
