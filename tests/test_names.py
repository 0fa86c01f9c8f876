"""A host name becomes addresses in time, or the time is told; those who send to others do not wait."""

import socket
import threading
import time

import pytest

from digest.errors import MailboxError
from digest.mail import names
from digest.mail.imap import ImapMailbox
from digest.mail.names import addresses_of
from digest.mail.smtp import SmtpTransport
from digest.mail.transport import Unreachable
from digest.mail.turns import Turns
from digest.model import Envelope
from digest.tables import MailboxSettings, SmtpSettings
from tests.smtp_script import Script, smtp_script

QUICK = {"security": "none", "timeout": 0.3, "end_timeout": 0.3}


def transport_to(host, port):
    return SmtpTransport(SmtpSettings(host=host, port=port, **QUICK))


@pytest.fixture
def hanging_resolver(monkeypatch):
    """Knows addresses, and never says what a name stands for until the test is over."""
    real, is_over = socket.getaddrinfo, threading.Event()

    def getaddrinfo(host, port, *, flags=0, **more):
        if flags & socket.AI_NUMERICHOST:
            return real(host, port, flags=flags, **more)
        is_over.wait(10)
        raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    yield
    is_over.set()


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "::1"])
def test_names_and_addresses_give_what_the_system_gives(host):
    assert addresses_of(host, 25, 5) == socket.getaddrinfo(host, 25, type=socket.SOCK_STREAM)


def test_what_can_be_no_name_is_refused_in_words(monkeypatch):
    monkeypatch.undo()
    with pytest.raises(OSError, match="cannot be the name of a server"):
        addresses_of("mail..example", 25, 5)


@pytest.mark.usefixtures("hanging_resolver")
def test_a_resolver_that_hangs_is_waited_for_as_long_as_was_said():
    began = time.monotonic()
    with transport_to("localhost", 25) as transport:
        with pytest.raises(
            Unreachable, match=r"localhost:25: DNS did not say within 0\.3 seconds what the name"
        ):
            transport.connect()
    assert 0.2 < time.monotonic() - began < 2


@pytest.mark.usefixtures("hanging_resolver")
def test_no_server_however_patient_we_are_with_it_gets_more_than_its_time_for_its_name(monkeypatch):
    assert names.LOOKUP_SECONDS == 5
    monkeypatch.setattr(names, "LOOKUP_SECONDS", 0.2)
    began = time.monotonic()
    with SmtpTransport(SmtpSettings(host="localhost", port=25, security="none", timeout=60)) as transport:
        with pytest.raises(Unreachable, match=r"within 0\.2 seconds what the name .*; check \[smtp\] host"):
            transport.connect()
    mailbox = ImapMailbox(MailboxSettings(host="localhost", username="me", timeout=60), "secret")
    with pytest.raises(MailboxError, match=r"within 0\.2 seconds what the name .*; check \[mailbox\] host"):
        mailbox.count()
    assert time.monotonic() - began < 5


@pytest.mark.usefixtures("hanging_resolver")
def test_a_resolver_that_hangs_stops_no_other_connection():
    turns, said = Turns(), []

    def sends_to(host, port):
        try:
            with transport_to(host, port) as transport:
                message = Envelope("digest@example.org", "reader@example.org"), b"Subject: hello\r\n"
                said.append(transport.send(*message, lambda: True))
        except Unreachable as error:
            said.append(str(error))

    with smtp_script(Script()) as port:
        turns.begin(lambda: sends_to("localhost", port))
        turns.begin(lambda: sends_to("127.0.0.1", port))
        while len(said) < 2:
            turns.take(0.1)
    assert said[0] == "250 2.0.0 taken"
    assert "what the name stands for" in said[1]


def test_a_name_nobody_knows_is_told_as_the_system_tells_it(monkeypatch):
    def getaddrinfo(*_, **__):
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    with transport_to("localhost", 25) as transport:
        with pytest.raises(
            Unreachable, match="cannot connect to localhost:25: Name or service not known; check"
        ):
            transport.connect()
