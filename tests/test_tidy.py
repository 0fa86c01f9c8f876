"""What is kept no longer than stated, and what is kept whatever its age."""

from datetime import timedelta

import pytest
from sqlalchemy import func, select, update

from digest.model import DeliveryState
from digest.store import retention
from digest.store.schema import deliveries, messages, shown, skips
from digest.tables import RetentionSettings
from digest.tidy import tidy
from tests.builders import NOW, a_profile, owe, subscribe

KEEP = RetentionSettings(messages_days=60, ledger_days=400, bounces_days=180)


def rows(store, table):
    with store.reading() as db:
        return db.scalar(select(func.count()).select_from(table))


def settle(store, delivery_id, state, at):
    with store.writing() as tx:
        tx.execute(
            update(deliveries).where(deliveries.c.id == delivery_id).values(state=state, settled_at=at)
        )


def test_the_text_of_a_mail_goes_first_and_that_it_was_sent_stays_known(store):
    settle(store, owe(store, 1), DeliveryState.SENT, NOW - timedelta(days=61))
    settle(store, owe(store, 2), DeliveryState.SENT, NOW - timedelta(days=59))
    report = tidy(store, KEEP, now=NOW)
    assert (report.messages, report.deliveries) == (1, 0)
    assert (rows(store, messages), rows(store, deliveries)) == (1, 2)


def test_a_delivery_goes_with_what_it_showed(store):
    settle(store, owe(store, 1), DeliveryState.FAILED, NOW - timedelta(days=401))
    assert tidy(store, KEEP, now=NOW).deliveries == 1
    assert (rows(store, deliveries), rows(store, shown), rows(store, messages)) == (0, 0, 0)


@pytest.mark.parametrize("state", [DeliveryState.QUEUED, DeliveryState.UNKNOWN, DeliveryState.HELD])
def test_what_is_owed_in_doubt_or_held_is_kept_whatever_its_age(store, state):
    settle(store, owe(store, 1), state, NOW - timedelta(days=4000))
    tidy(store, KEEP, now=NOW)
    assert (rows(store, deliveries), rows(store, messages)) == (1, 1)


def test_old_reasons_for_getting_nothing_are_forgotten_chunk_by_chunk(store, monkeypatch):
    monkeypatch.setattr(retention, "CHUNK", 2)
    monkeypatch.setattr("digest.tidy.CHUNK", 2)
    person = subscribe(store, a_profile())
    with store.writing() as tx:
        for days in (500, 499, 498, 497, 10):
            at = NOW - timedelta(days=days)
            tx.execute(
                skips.insert().values(
                    subscriber_id=person.id, issue_on=at.date(), why="nothing_new", detail="", skipped_at=at
                )
            )
    assert tidy(store, KEEP, now=NOW).skips == 4
    assert rows(store, skips) == 1


def test_tidying_twice_finds_nothing_more(store):
    settle(store, owe(store, 1), DeliveryState.SENT, NOW - timedelta(days=401))
    tidy(store, KEEP, now=NOW)
    again = tidy(store, KEEP, now=NOW)
    assert (again.messages, again.deliveries, again.skips, again.bounces) == (0, 0, 0, 0)
