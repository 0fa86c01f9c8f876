"""Many workers: planned in one transaction, harmless twice, fenced, and the same bytes as one process alone."""

import gc
import json
import subprocess
import sys
import threading
import tracemalloc
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from pydantic import SecretStr
from sqlalchemy import event, func, select, update

from digest import publish as verb
from digest.deliver import DeliverReport
from digest.errors import StoreError
from digest.letters import Letters
from digest.mail.render import Renderer
from digest.material import FittedOnce
from digest.publish import Limits, ShardPublisher, plan, publish
from digest.settings import Settings
from digest.store import Store, runs
from digest.store.outbox import Claim
from digest.store.readers import change_subscriber
from digest.store.runs import (
    MAX_ATTEMPTS,
    count_open,
    finish_shard,
    give_back,
    renew_shard,
    take_shard,
    wake_shards,
)
from digest.store.schema import papers, subscribers
from digest.store.schema_cluster import shards, snapshots
from digest.store.snapshots import keep_snapshot, read_snapshot, take_snapshot
from digest.tables import DeliverySettings, DigestFile, SenderSettings
from tests.builders import NOW, a_paper, a_profile, kept_mails, record, subscribe, subscribe_many
from tests.test_publish import decoding, weather

# Ends whoever holds a lock of the kind leaders hold, as when their machine is gone, and waits until they are.
CUT_LOCKS = (
    "SELECT pg_terminate_backend(pid, 10000) FROM pg_locks JOIN pg_database ON pg_database.oid = database"
    " WHERE locktype = 'advisory' AND granted AND pid <> pg_backend_pid() AND datname = current_database()"
)
LEASE = Claim("a worker", NOW + timedelta(minutes=1))


def nobody(_tx, _numbers):
    """Wakes nobody."""


def some_readers(store, count=5):
    record(store, *(decoding(number) for number in range(1, 9)), weather(9))
    return [subscribe(store, a_profile(email=f"reader{number}@example.org")) for number in range(count)]


def plan_now(store, *, size=2, now=NOW):
    """Plan with small shards; gives their numbers."""
    with store.writing() as tx:
        return runs.plan_run(
            tx,
            now,
            snapshot=lambda: keep_snapshot(tx, take_snapshot(tx, now - timedelta(days=90), limit=99), now),
            size=size,
        )


def worker(store):
    return ShardPublisher(store, Letters.for_preview(), Limits(), FittedOnce())


def work_off(store, numbers, now=NOW):
    return [worker(store).publish(number, clock=lambda: now) for number in numbers]


def sent_bytes(store):
    return {row.rcpt_to: raw for row, raw in kept_mails(store)}


def test_a_run_is_planned_in_shards_that_hold_everybody_once(store):
    people = some_readers(store, 5)
    made = plan_now(store)
    with store.reading() as db:
        held = [json.loads(text) for text in db.scalars(select(shards.c.people).order_by(shards.c.id))]
    assert len(made) == 3
    assert sorted(number for part in held for number in part) == sorted(person.id for person in people)


def test_nobody_is_planned_twice_while_a_run_goes_on_and_whoever_is_due_later_gets_a_run_of_their_own(store):
    some_readers(store, 3)
    assert len(plan_now(store)) == 2
    assert plan_now(store, now=NOW + timedelta(minutes=1)) == []
    subscribe(store, a_profile(email="late@example.org"), now=NOW + timedelta(seconds=90))
    [late] = plan_now(store, now=NOW + timedelta(minutes=2))
    with store.reading() as db:
        assert len(json.loads(db.scalars(select(shards.c.people).where(shards.c.id == late)).one())) == 1


def test_shards_make_the_same_bytes_as_one_process_alone(store, tmp_path):
    some_readers(store, 5)
    alone = Store(f"sqlite:///{tmp_path / 'alone.db'}", secret=b"the secret of the tests")
    some_readers(alone, 5)
    publish(alone, Letters.for_preview(), limits=Limits(), now=NOW)
    reports = work_off(store, plan_now(store))
    assert [report.queued for report in reports] == [2, 2, 1]
    assert sent_bytes(store) == sent_bytes(alone)
    assert len(sent_bytes(store)) == 5
    alone.close()


def test_what_is_learnt_meanwhile_does_not_change_a_run_that_has_begun(store, tmp_path):
    some_readers(store, 4)
    still = Store(f"sqlite:///{tmp_path / 'still.db'}", secret=b"the secret of the tests")
    some_readers(still, 4)
    first, second = plan_now(store)
    work_off(store, [first])
    record(
        store,
        *(decoding(number, upvotes=500) for number in range(1, 5)),
        decoding(20),
        name="later",
        at=NOW + timedelta(minutes=1),
    )
    work_off(store, [second], now=NOW + timedelta(minutes=2))
    work_off(still, plan_now(still))
    assert sent_bytes(store) == sent_bytes(still)
    still.close()


def test_a_shard_that_is_published_twice_owes_nothing_twice(store):
    some_readers(store, 2)
    [number] = plan_now(store)
    assert work_off(store, [number, number, number])[1:] == [None, None]
    assert len(sent_bytes(store)) == 2


def test_a_worker_that_dies_leaves_its_shard_to_another_who_does_only_the_rest(store, monkeypatch):
    monkeypatch.setattr(verb, "BATCH", 1)
    people = some_readers(store, 3)
    [number] = plan_now(store, size=10)

    class Dying(Letters):
        def write(self, digest, subscriber, *, now):
            if subscriber.id == people[1].id:
                raise KeyboardInterrupt
            return super().write(digest, subscriber, now=now)

    with pytest.raises(KeyboardInterrupt):
        ShardPublisher(store, Dying.for_preview(), Limits(), FittedOnce()).publish(number, clock=lambda: NOW)
    assert list(sent_bytes(store)) == ["reader0@example.org"]
    [report] = work_off(store, [number])
    assert report.queued == 2
    assert len(sent_bytes(store)) == 3


def test_a_worker_whose_lease_ended_is_fenced_off(store):
    some_readers(store, 1)
    [number] = plan_now(store)
    later = NOW + timedelta(minutes=2)
    with store.writing() as tx:
        slow = take_shard(tx, number, LEASE, now=NOW)
        assert take_shard(tx, number, LEASE, now=NOW) is None
        fast = take_shard(tx, number, Claim("another", later + timedelta(minutes=1)), now=later)
        assert slow is not None
        assert fast is not None
        assert not renew_shard(tx, slow, later + timedelta(minutes=9))
        assert not give_back(tx, slow, later)
        assert not finish_shard(tx, slow, queued=1, skipped=0, now=later)
        assert finish_shard(tx, fast, queued=1, skipped=0, now=later)
        assert take_shard(tx, number, LEASE, now=later + timedelta(days=1)) is None


def test_a_fenced_worker_writes_no_digest_either(store):
    some_readers(store, 1)
    [number] = plan_now(store)
    taken_over: list[bool] = []

    class Slow(Letters):
        def write(self, digest, subscriber, *, now):
            if not taken_over:
                taken_over.append(True)
                with store.writing() as tx:
                    tx.execute(update(shards).values(due_at=NOW))
                    assert take_shard(tx, number, Claim("another", NOW + timedelta(minutes=9)), now=NOW)
            return super().write(digest, subscriber, now=now)

    assert (
        ShardPublisher(store, Slow.for_preview(), Limits(), FittedOnce()).publish(number, clock=lambda: NOW)
        is None
    )
    assert sent_bytes(store) == {}


def test_whoever_left_or_was_erased_after_the_plan_gets_nothing(store):
    people = some_readers(store, 3)
    [number] = plan_now(store, size=10)
    with store.writing() as tx:
        change_subscriber(tx, people[0].id, NOW, status="unsubscribed", status_reason="asked to leave")
        tx.execute(subscribers.delete().where(subscribers.c.id == people[1].id))
    [report] = work_off(store, [number])
    assert (report.queued, list(sent_bytes(store))) == (1, ["reader2@example.org"])


def test_a_reader_erased_while_their_digest_is_made_costs_nobody_else(store):
    people = some_readers(store, 2)
    [number] = plan_now(store, size=10)

    class Erasing(Letters):
        def write(self, digest, subscriber, *, now):
            with store.writing() as tx:
                tx.execute(subscribers.delete().where(subscribers.c.id == people[0].id))
            return super().write(digest, subscriber, now=now)

    report = ShardPublisher(store, Erasing.for_preview(), Limits(), FittedOnce()).publish(
        number, clock=lambda: NOW
    )
    assert report is not None
    assert list(sent_bytes(store)) == ["reader1@example.org"]


def test_a_paper_that_became_another_row_meanwhile_is_shown_all_the_same(store):
    some_readers(store, 1)
    [number] = plan_now(store)
    with store.writing() as tx:
        tx.execute(papers.delete().where(papers.c.id == a_paper(1).id))
    [report] = work_off(store, [number])
    assert report.queued == 1


def test_what_nobody_has_taken_is_told_again_every_minute_and_given_up_after_six_deaths(store):
    some_readers(store, 1)
    [number] = plan_now(store)
    now = NOW
    for attempt in range(MAX_ATTEMPTS):
        with store.writing() as tx:
            assert wake_shards(tx, now) == ([number] if attempt else [])
            assert take_shard(tx, number, Claim("elsewhere|boot|1-1", now + timedelta(minutes=1)), now=now)
            assert wake_shards(tx, now) == []
        now += timedelta(minutes=2)
    with store.writing() as tx:
        assert wake_shards(tx, now) == []
        assert count_open(tx) == 0
    assert len(plan_now(store, now=now)) == 1  # its people are due still


def test_a_snapshot_is_stored_once_while_nothing_new_comes_and_forgotten_with_its_last_run(store):
    some_readers(store, 1)
    work_off(store, plan_now(store))
    subscribe(store, a_profile(email="late@example.org"))
    work_off(store, plan_now(store, now=NOW + timedelta(minutes=1)), now=NOW + timedelta(minutes=1))
    with store.reading() as db:
        assert db.scalar(select(func.count()).select_from(snapshots)) == 1
    assert plan_now(store, now=NOW + timedelta(hours=3)) == []
    with store.reading() as db:
        assert db.scalar(select(func.count()).select_from(snapshots)) == 0


def test_a_snapshot_comes_back_as_it_was_taken(store):
    record(
        store,
        decoding(1, authors=("A. One", "B. Two"), upvotes=3, organization="kyutai"),
        a_paper(2, published_on=None),
    )
    with store.writing() as tx:
        taken = take_snapshot(tx, NOW - timedelta(days=1), limit=10)
        number = keep_snapshot(tx, taken, NOW)
    with store.reading() as db:
        found = read_snapshot(db, number)
    assert [replace(one, origins="{}") for one in taken.papers] == list(found.papers)
    assert taken.counted == found.counted


@contextmanager
def statements(store):
    """Every statement that is run meanwhile, with how many rows it brought."""
    said = []

    def listen(_connection, cursor, statement, _parameters, _context, _many):
        said.append(statement)

    engine = store._engine
    event.listen(engine, "after_cursor_execute", listen)
    try:
        yield said
    finally:
        event.remove(engine, "after_cursor_execute", listen)


def test_publishing_reads_each_subscriber_once_and_each_paper_once_a_run(store, monkeypatch):
    monkeypatch.setattr(verb, "BATCH", 10)
    some_readers(store, 60)
    seen: list[str] = []
    monkeypatch.setattr("digest.store.people._from_row", counting(seen, "person", "digest.store.people"))
    monkeypatch.setattr("digest.store.papers._from_row", counting(seen, "paper", "digest.store.papers"))
    report = publish(store, Letters.for_preview(), limits=Limits(), now=NOW)
    assert report.queued == 60
    assert seen.count("person") == 60
    assert seen.count("paper") == 9


def counting(seen, what, module):
    import importlib

    real = importlib.import_module(module)._from_row

    def from_row(row):
        seen.append(what)
        return real(row)

    return from_row


def test_publishing_ten_times_as_many_makes_no_more_statements_for_each(store):
    counts = {}
    for readers in (200, 1400):
        subscribe_many(
            store, (a_profile(email=f"r{readers}-{number}@example.org") for number in range(readers))
        )
        record(store, *(decoding(number) for number in range(1, 5)), name=f"page {readers}")
        with statements(store) as said:
            assert publish(store, Letters.for_preview(), limits=Limits(), now=NOW).queued == readers
        counts[readers] = len(said)
    batches = 1400 / verb.BATCH
    assert counts[1400] <= counts[200] + 25 * batches


@pytest.mark.only_on("postgresql")
def test_jobs_exist_when_the_plan_is_committed_and_never_else(store):
    from digest.workers import Waker, prepare

    some_readers(store, 5)
    prepare(store)
    waker = Waker()

    def crash(tx, numbers):
        waker.shards(tx, numbers)
        raise StoreError("the plan cannot be written")

    with pytest.raises(StoreError):
        plan(store, limits=Limits(), now=NOW, wake=crash)
    assert jobs(store) == []
    assert plan(store, limits=Limits(), now=NOW, wake=waker.shards) == 1
    with store.reading() as db:
        [number] = db.scalars(select(shards.c.id))
    assert jobs(store) == [("publish", {"shard_id": number})]


@pytest.mark.only_on("postgresql")
def test_one_waiting_delivery_is_enough(store):
    from digest.workers import Waker, prepare

    prepare(store)
    for _ in range(3):
        with store.writing() as tx:
            Waker().deliver(tx)
    assert jobs(store) == [("deliver", {})]


def jobs(store):
    with store.reading() as db:
        return [
            tuple(row)
            for row in db.exec_driver_sql("SELECT task_name, args FROM procrastinate_jobs ORDER BY id")
        ]


@pytest.mark.only_on("postgresql")
def test_one_of_several_leads_and_another_takes_over_when_it_is_gone(store, database_url):
    other = Store(database_url, secret=b"x")
    first, second = store.leadership("schedule"), other.leadership("schedule")
    assert [first.holds(), second.holds(), first.holds()] == [True, False, True]
    elsewhere = other.leadership("something else")
    assert elsewhere.holds()
    elsewhere.resign()
    with store.writing() as tx:  # the first one's connection is cut, as when its machine is gone
        tx.exec_driver_sql(CUT_LOCKS)
    assert second.holds()
    assert not first.holds()
    second.resign()
    assert first.holds()
    first.resign()
    other.close()


@pytest.mark.slow
@pytest.mark.only_on("postgresql")
def test_a_cluster_whose_parts_are_killed_loses_nothing_and_doubles_only_what_was_in_doubt(database_url):
    """The small form of `python -m tests.torture.cluster`, which has the figures."""
    command = [sys.executable, "-m", "tests.torture.cluster", "--readers", "400", "--kills", "1"]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    outcome = json.loads(ended.stdout)
    assert (outcome["lost"], outcome["twice_outside"], outcome["different"]) == (0, 0, 0)
    assert outcome["states"] == {"sent": 400}


@pytest.mark.slow
def test_the_memory_of_a_worker_does_not_grow_with_the_readers(store, monkeypatch):
    monkeypatch.setattr(verb, "BATCH", 20)
    record(store, *(decoding(number) for number in range(1, 9)))
    one = worker(store)
    kept: list[int] = []
    tracemalloc.start()
    # The first round loads what a process loads once, and fills what is remembered of the last thousand mails.
    for readers in (1100, 100, 400):
        at = NOW + timedelta(seconds=len(kept))
        subscribe_many(store, (a_profile(email=f"r{len(kept)}-{n}@example.org") for n in range(readers)))
        numbers = plan_now(store, size=1000, now=at)
        reports = [one.publish(number, clock=lambda at=at: at) for number in numbers]
        assert sum(report.queued for report in reports) == readers
        gc.collect()
        kept.append(tracemalloc.get_traced_memory()[0])
    highest = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    a_mail = 10_000  # bytes, of these; what may stay of it for a while is the address, and who asked last
    assert kept[2] - kept[1] < 400 * a_mail / 20
    assert highest < 1100 * a_mail / 2


class Limited:
    """As much of an app as a worker needs to send, with a rate limit."""

    def __init__(self, store, per_second):
        self.store = store
        self.settings = Settings(
            home=Path("/nowhere"),
            file=DigestFile(delivery=DeliverySettings(per_second=per_second)),
            database=SecretStr("postgresql://nowhere"),
        )
        self.letters = Letters.for_preview()
        self.delivered = 0
        self.while_it_sends: Any = lambda _is_stopping: None

    def limits(self):
        return Limits()

    def shortage(self):
        return None

    def deliver(self, *, clock, is_stopping):
        self.delivered += 1
        self.while_it_sends(is_stopping)
        return DeliverReport(sent=1)


def test_a_worker_writes_with_the_settings_of_now(store, monkeypatch):
    from digest.cluster import Worker

    record(store, decoding(1), decoding(2))
    subscribe(store, a_profile(email="one@example.org"))
    subscribe(store, a_profile(email="two@example.org"))
    numbers = plan_now(store, size=1)
    app: Any = Limited(store, 0.0)
    one = Worker(app, clock=lambda: NOW, stopping=threading.Event())
    monkeypatch.setattr(one, "_waker", SimpleNamespace(deliver=lambda _tx: None))
    one.publish_shard(numbers[0])
    app.letters = Letters(Renderer(), SenderSettings(name="Quite Another"), secret=b"preview")
    one.publish_shard(numbers[1])
    written = [b"Quite Another" in raw for _, raw in sorted(sent_bytes(store).items())]
    assert written == [False, True]


@pytest.mark.only_on("postgresql")
@pytest.mark.parametrize(("per_second", "at_once"), [(5.0, 1), (0.0, 2)])
def test_a_rate_limit_holds_for_all_workers_since_one_sends_at_a_time(store, per_second, at_once):
    from digest.cluster import Worker

    app: Any = Limited(store, per_second)
    first, second = (Worker(app, clock=lambda: NOW, stopping=threading.Event()) for _ in range(2))
    app.while_it_sends = lambda _is_stopping: app.delivered < 2 and second.deliver_due()
    first.deliver_due()
    assert app.delivered == at_once


@pytest.mark.only_on("postgresql")
def test_a_worker_that_lost_its_turn_stops_sending(store):
    from digest.cluster import Worker

    app: Any = Limited(store, 5.0)
    asked: list[bool] = []

    def lose_the_turn(is_stopping):
        asked.append(is_stopping())
        with store.writing() as tx:
            tx.exec_driver_sql(CUT_LOCKS)
        rival = store.leadership("delivery")
        assert rival.holds()
        asked.append(is_stopping())
        rival.resign()

    app.while_it_sends = lose_the_turn
    Worker(app, clock=lambda: NOW, stopping=threading.Event()).deliver_due()
    assert asked == [False, True]
