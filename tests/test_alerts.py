"""The operator is told by mail what needs a look: once, in words to act on, and never about mail that cannot leave."""

import shutil
from collections import namedtuple
from dataclasses import replace
from datetime import timedelta
from email import message_from_bytes, policy

import pytest
from sqlalchemy import select, update
from typer.testing import CliRunner

from digest.alerts import alert
from digest.app import App
from digest.cli import app as cli
from digest.letters import Letters
from digest.mail.transport import MemoryTransport
from digest.space import shortage
from digest.store.halt import halt_sending
from digest.store.outages import note_outage
from digest.store.returned import Returned, record_returned
from digest.store.schema import deliveries, messages
from digest.store.sources import SourceState, put_source_state
from digest.tables import AlertSettings
from tests.builders import NOW, owe
from tests.test_deliver import go

TO = AlertSettings(to="operator@example.org", least_free_mb=0)


@pytest.fixture
def tell(store, tmp_path):
    """Alert at so many minutes after NOW."""
    return lambda minutes=0, wanted=TO: alert(
        store, Letters.for_preview(), wanted, tmp_path, now=NOW + timedelta(minutes=minutes)
    )


def source(store, name="daily", *, days=3, **fields):
    state = SourceState(name, "unreachable", NOW, NOW, reason="no answer in time", failures=9)
    with store.writing() as tx:
        put_source_state(tx, replace(state, succeeded_at=NOW - timedelta(days=days), **fields))


def told(store):
    query = (
        select(messages.c.raw).join(deliveries).where(deliveries.c.kind == "alert").order_by(deliveries.c.id)
    )
    with store.reading() as db:
        mails = [message_from_bytes(raw, policy=policy.default) for raw in db.execute(query).scalars()]
    return [(mail["Subject"], next(mail.iter_parts()).get_content()) for mail in mails]


def test_nothing_is_said_while_all_is_well_or_nobody_wants_to_know(store, tell):
    owe(store, 1)
    assert tell() == 0
    source(store)
    assert tell(wanted=AlertSettings()) == 0
    assert told(store) == []


def test_a_source_that_gives_nothing_is_told_with_what_to_do(store, tell):
    source(store)
    source(store, "yesterday", days=1)
    assert tell() == 1
    [(subject, text)] = told(store)
    assert "daily" in subject
    assert "no answer in time" in text
    assert "digest sources test daily" in text


def test_a_changed_format_is_told_at_once(store, tell):
    source(store, days=0, state="changed", failures=0, reason="it had papers before")
    assert tell() == 1


def test_the_same_trouble_is_told_once_a_day_and_another_after_an_hour(store, tell):
    source(store)
    assert [tell(minutes) for minutes in (0, 5, 65, 23 * 60)] == [1, 0, 0, 0]
    source(store, "another")
    assert tell(24 * 60 - 5) == 2
    assert [tell(24 * 60 + minutes) for minutes in (0, 60)] == [0, 0]
    assert tell(48 * 60) == 2


def test_an_alert_is_a_delivery_like_any_other(store, tell):
    source(store)
    tell()
    transport = MemoryTransport()
    assert go(store, transport).sent == 1
    assert [envelope.rcpt_to for envelope, _ in transport.sent] == ["operator@example.org"]


def test_trouble_with_the_mail_server_and_with_alerts_themselves_is_not_mailed(store, tell):
    source(store)
    tell()
    with store.writing() as tx:
        tx.execute(update(deliveries).values(state="failed", settled_at=NOW, last_reply="550 no"))
        note_outage(tx, "wrong password", now=NOW, pause=timedelta(minutes=5))
    source(store, failures=0, state="ok")
    assert tell(120) == 0


def test_mails_that_failed_are_in_doubt_or_wait_are_told(store, tell):
    for number, state in enumerate(("failed", "unknown", "deferred")):
        owe(store, number)
        with store.writing() as tx:
            tx.execute(
                update(deliveries)
                .where(deliveries.c.state == "queued")
                .values(state=state, settled_at=NOW, last_reply="554 5.7.1 looks like spam")
            )
    assert tell(150) == 3
    [(_, text)] = told(store)
    for words in ("5.7.1 looks like spam", "digest outbox list --state failed", "digest outbox resolve"):
        assert words in " ".join(text.split())


def test_a_mail_that_waits_says_what_it_was_told(store, tell):
    owe(store, 1)
    words = "message refused: 550 5.7.20 no; our DKIM signature did not hold"
    with store.writing() as tx:
        tx.execute(update(deliveries).values(state="deferred", last_reply=words))
    assert tell(150) == 1
    [(_, text)] = told(store)
    assert words in " ".join(text.split())


@pytest.mark.parametrize(
    ("status", "words", "remedy"),
    [
        ("5.7.20", "smtp; 550 5.7.20 no passing signature", "the key in DNS must be the one that signs"),
        ("5.7.1", "smtp; 554 5.7.1 we do not like it", "looks for what they may not like"),
    ],
)
def test_mail_that_receivers_send_back_for_what_is_ours_is_told(store, tell, status, words, remedy):
    owe(store, 1)
    with store.writing() as tx:
        record_returned(tx, Returned("a", 1, "policy", status, words), now=NOW)
        tx.execute(update(deliveries).values(state="sent", settled_at=NOW))
    assert tell(24 * 60 + 1) == 0
    assert tell(60) == 1
    [(subject, text)] = told(store)
    assert "Receivers refuse our mail" in subject
    assert words in " ".join(text.split())
    assert remedy in " ".join(text.split())


def test_a_mailbox_that_cannot_be_read_is_told_after_an_hour(store, tell):
    with store.writing() as tx:
        note_outage(tx, "no answer in time", now=NOW, pause=timedelta(minutes=5), name="mailbox")
    assert tell(30) == 0
    assert tell(90) == 1


Usage = namedtuple("Usage", "total used free")


@pytest.fixture
def nearly_full(monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(100 << 30, 0, 150 << 20))


def test_a_small_disk_is_told_in_small_units(monkeypatch, tmp_path):
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(24 << 20, 0, 300 << 10))
    assert str(shortage(tmp_path, 200)).startswith("only 300 kB are free")


def test_a_disk_that_is_nearly_full_is_told(store, tell, nearly_full, tmp_path):
    assert str(shortage(tmp_path, 200)).startswith("only 150 MB are free")
    assert shortage(tmp_path, 100) is None
    assert shortage(tmp_path / "nowhere", 200) is not None
    assert tell(wanted=AlertSettings(to="operator@example.org")) == 1


def test_the_status_says_what_stops_mail_and_what_to_do(tmp_path):
    (tmp_path / "pages").mkdir()
    with App.open(tmp_path) as app, app.store.writing() as tx:
        note_outage(tx, "wrong password", now=NOW, pause=timedelta(minutes=5))
        note_outage(tx, "no answer in time", now=NOW, pause=timedelta(minutes=5), name="mailbox")
        halt_sending(tx, "a mistake in the template", now=NOW)
    told = CliRunner().invoke(cli, ["--home", str(tmp_path), "status"]).output
    for words in (
        "The mail server takes nothing. Since 2026-03-02 08:00 UTC: wrong password. 08:05 UTC is the next try",
        "The mailbox cannot be read. Since 2026-03-02 08:00 UTC: no answer in time",
        "a mistake in the template. `digest operator resume` lets it go on",
    ):
        assert words in told


def test_on_a_disk_that_is_nearly_full_what_waits_is_sent_and_nothing_new_is_taken_in(tmp_path, monkeypatch):
    (tmp_path / "pages").mkdir()
    with App.open(tmp_path) as app:
        owe(app.store, 1)
        monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(100 << 30, 0, 150 << 20))
        ingested, published = app.ingest(now=NOW), app.publish(now=NOW)
        delivered = app.deliver(clock=lambda: NOW)
    assert "only 150 MB are free" in ingested.unreachable["disk"]
    assert ingested.has_trouble
    assert published.has_trouble
    assert "what waits is still sent" in published.skipped[0].reason
    assert delivered.sent == 1
