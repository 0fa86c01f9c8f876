"""The next message is announced together with the end of the one before: a round trip saved, and nothing else changed."""

import time

import pytest
from sqlalchemy import select

from digest.deliver import Policy, deliver
from digest.errors import PermanentTransportError, TemporaryTransportError
from digest.mail.smtp import SmtpTransport
from digest.mail.transport import InDoubt
from digest.model import Envelope
from digest.store.schema import deliveries
from digest.tables import SmtpSettings
from tests.builders import NOW, owe
from tests.servers import scripted_server
from tests.smtp_script import MISDEEDS, Script, smtp_script

PATIENT = {"host": "127.0.0.1", "security": "none", "timeout": 20, "end_timeout": 20}
QUICK = PATIENT | {"timeout": 0.5, "end_timeout": 0.5}  # for servers that keep quiet


def to(reader):
    return Envelope("digest@example.org", f"{reader}@example.org")


ONE, TWO, THREE = ((to(name), f"Subject: {name}\r\n".encode()) for name in ("one", "two", "three"))


def yes():
    return True


def transport_to(port, *, wanted=PATIENT):
    return SmtpTransport(SmtpSettings(port=port, **wanted))


def test_the_announcement_travels_with_the_end_and_does_not_wait_for_its_answer():
    """This server answers the end of a message only when it has read what follows it."""
    taken = []

    def talk(peer):
        def say(*lines):
            peer.wfile.write(b"".join(line + b"\r\n" for line in lines))

        say(b"220 hello")
        peer.rfile.readline()
        say(b"250-x", b"250 PIPELINING")
        ahead: list[bytes] = []
        while line := ahead.pop(0) if ahead else peer.rfile.readline():
            if line.startswith(b"DATA"):
                say(b"354 go on")
                taken.append(b"".join(iter(peer.rfile.readline, b".\r\n")))
                ahead = [peer.rfile.readline() for _ in range(3)] if len(taken) < 3 else []
            say(b"250 ok")

    with scripted_server(talk) as port, transport_to(port) as transport:
        for message, following in ((ONE, TWO), (TWO, THREE), (THREE, None)):
            assert transport.send(*message, yes, lambda following=following: following) == "250 ok"
    assert taken == [raw for _, raw in (ONE, TWO, THREE)]


def test_what_was_announced_and_does_not_come_reaches_nobody():
    script = Script()
    with smtp_script(script) as port, transport_to(port) as transport:
        transport.send(*ONE, yes, lambda: TWO)
        transport.send(*THREE, yes)
    assert script.taken == [("one@example.org", ONE[1]), ("three@example.org", THREE[1])]
    assert script.connections == 2


def test_the_same_bytes_for_somebody_else_are_another_message():
    script = Script()
    with smtp_script(script) as port, transport_to(port) as transport:
        transport.send(to("one"), b"same\r\n", yes, lambda: (to("two"), b"same\r\n"))
        transport.send(to("three"), b"same\r\n", yes)
    assert [rcpt for rcpt, _ in script.taken] == ["one@example.org", "three@example.org"]


def test_to_leave_a_server_that_waits_for_a_message_no_word_is_said_that_it_could_take_for_one():
    script, began = Script(), time.monotonic()
    with smtp_script(script) as port:
        with transport_to(port) as transport:
            transport.send(*ONE, yes, lambda: TWO)
        assert time.monotonic() - began < 10
    assert len(script.taken) == 1
    assert "QUIT" not in script.said


@pytest.mark.parametrize("reply", ["451 4.3.0 later", "554 5.7.1 no"])
def test_a_refused_message_does_not_cost_the_announced_one(reply):
    script = Script(at="DOT", act=reply, times=1)
    with smtp_script(script) as port, transport_to(port) as transport:
        with pytest.raises((TemporaryTransportError, PermanentTransportError)):
            transport.send(*ONE, yes, lambda: TWO)
        transport.send(*TWO, yes)
    assert script.taken == [("two@example.org", TWO[1])]
    assert script.connections == 1


@pytest.mark.parametrize("stage", ["MAIL", "RCPT", "DATA"])
@pytest.mark.parametrize("reply", ["450 4.2.0 greylisted", "550 5.1.1 no such user"])
def test_the_announced_one_is_refused_in_its_own_turn_and_the_connection_goes_on(stage, reply):
    script = Script(at=stage, act=reply, times=1, after=1)
    with smtp_script(script) as port, transport_to(port) as transport:
        assert transport.send(*ONE, yes, lambda: TWO).startswith("250")
        with pytest.raises((TemporaryTransportError, PermanentTransportError)):
            transport.send(*TWO, yes, lambda: THREE)
        transport.send(*THREE, yes)
    assert [rcpt for rcpt, _ in script.taken] == ["one@example.org", "three@example.org"]
    assert script.connections == 1


@pytest.mark.parametrize("act", ["drop", "421 4.3.2 too many messages", "reset"])
def test_a_server_that_ends_after_the_message_before_gets_the_announced_one_on_a_new_connection(act):
    script = Script(at="MAIL", act=act, times=1, after=1)
    with smtp_script(script) as port, transport_to(port) as transport:
        transport.send(*ONE, yes, lambda: TWO)
        transport.send(*TWO, yes)
    assert [raw for _, raw in script.taken] == [ONE[1], TWO[1]]
    assert script.connections == 2


@pytest.mark.parametrize("misdeed", MISDEEDS)
def test_a_server_that_gives_no_answer_to_the_end_leaves_only_that_message_in_doubt(misdeed):
    script = Script(at="DOT", act=misdeed, times=1)
    wanted = QUICK if misdeed in ("hang", "drip") else PATIENT
    with smtp_script(script) as port, transport_to(port, wanted=wanted) as transport:
        with pytest.raises(InDoubt):
            transport.send(*ONE, yes, lambda: TWO)
        transport.send(*TWO, yes)
    assert [rcpt for rcpt, _ in script.taken] == ["one@example.org", "two@example.org"]


@pytest.mark.parametrize(
    ("extensions", "following"),
    [
        ((), TWO),
        (("PIPELINING",), (to("jörg"), b"not sayable here\r\n")),
        (("PIPELINING", "SIZE 100"), (to("two"), b"x" * 101)),
    ],
)
def test_what_may_not_be_announced_is_not(extensions, following):
    script = Script(extensions=extensions)
    with smtp_script(script) as port, transport_to(port) as transport:
        transport.send(*ONE, yes, lambda: following)
        transport.send(*THREE, yes)
    assert script.said.count("MAIL") == 2
    assert script.connections == 1


@pytest.mark.parametrize("connections", [1, 3])
def test_everybody_gets_their_own_message_whatever_becomes_of_the_one_before(store, connections):
    for number in range(30):
        owe(store, number)
    script = Script(at="DOT", act="452 4.3.1 later", times=5, after=9)
    with smtp_script(script) as port:
        ways = [transport_to(port) for _ in range(connections)]
        report = deliver(store, ways, policy=Policy(batch=7), clock=lambda: NOW)
    assert (report.sent, report.deferred) == (25, 5)
    assert len(script.taken) == 25
    assert all(f"To: {rcpt}\r\n".encode() in raw for rcpt, raw in script.taken)


def test_when_the_server_is_given_up_what_was_announced_was_not_tried(store):
    for number in range(40):
        owe(store, number)
    script = Script(at="DOT", act="451 4.3.0 out of order")
    with smtp_script(script) as port:
        report = deliver(store, [transport_to(port)], policy=Policy(), clock=lambda: NOW)
    assert (report.deferred, report.sent) == (10, 0)
    with store.reading() as db:
        attempts = db.execute(select(deliveries.c.state, deliveries.c.attempts)).all()
    assert sorted(attempts) == [("deferred", 1)] * 10 + [("queued", 0)] * 30
