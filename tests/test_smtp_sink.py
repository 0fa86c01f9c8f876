"""Postfix's own smtp-sink as the next server: an opponent nobody here wrote."""

import pytest
from sqlalchemy import select

from digest.deliver import Policy, deliver
from digest.mail.smtp import SmtpTransport
from digest.store.schema import deliveries
from digest.tables import SmtpSettings
from tests.builders import NOW, owe
from tests.postfix import HOW, smtp_sink, tool

pytestmark = pytest.mark.skipif(tool("smtp-sink") is None, reason=HOW)


def send(store, port, connections=3):
    wanted = SmtpSettings(host="127.0.0.1", port=port, security="none", timeout=20, end_timeout=20)
    ways = [SmtpTransport(wanted) for _ in range(connections)]
    return deliver(store, ways, policy=Policy(), clock=lambda: NOW)


def states(store):
    with store.reading() as db:
        return sorted(db.execute(select(deliveries.c.state)).scalars())


def test_everything_is_taken_over_several_connections(store):
    for number in range(60):
        owe(store, number)
    with smtp_sink() as port:
        assert send(store, port).sent == 60
    assert set(states(store)) == {"sent"}


@pytest.mark.parametrize("command", ["mail", "rcpt", "data", "."])
@pytest.mark.parametrize(("option", "what"), [("-r", "soft"), ("-f", "hard"), ("-q", "drop")])
def test_what_is_refused_at_any_command_is_not_sent_and_not_lost(store, command, option, what):
    for number in range(4):
        owe(store, number)
    with smtp_sink(option, command) as port:
        report = send(store, port, connections=1)
    assert report.sent == 0
    if (what, command) == ("hard", "mail"):  # the sender is refused: nobody's message was tried
        assert report.stopped is not None
        assert states(store) == ["queued"] * 4
    elif what == "hard":
        assert set(states(store)) <= {"deferred", "failed", "queued"}
    else:
        assert set(states(store)) == {"deferred"}


@pytest.mark.parametrize("command", ["connect", "ehlo"])
@pytest.mark.parametrize("option", ["-r", "-f", "-q"])
def test_a_server_that_does_not_let_us_begin_costs_nobody_an_attempt(store, command, option):
    owe(store, 1)
    with smtp_sink(option, command) as port:
        report = send(store, port, connections=1)
    if (option, command) == ("-f", "ehlo"):  # HELO is asked instead, which this sink allows
        assert report.sent == 1
        return
    assert report.stopped is not None
    assert states(store) == ["queued"]
