"""The database: durable, one schema, errors in words, and papers that are one work each."""

import json
import os
import shutil
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest
import sqlalchemy
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import bindparam, select, update

from digest.errors import StoreError
from digest.store import Store, engine
from digest.store.bulk import add_rows, fill
from digest.store.dialect import any_of
from digest.store.papers import every_paper, find_paper, record_page, seen_since
from digest.store.prepared import Prepared
from digest.store.schema import Text, deliveries, issues, metadata, pages, papers, shown
from tests.builders import NOW, a_page_of, a_paper, owe, record


def papers_of(store):
    with store.reading() as db:
        return {paper.id: (paper, pages) for paper, pages in every_paper(db)}


def test_a_commit_survives_a_power_cut(store, database_url):
    with store.reading() as db:
        if database_url.startswith("sqlite"):
            assert db.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
            assert db.exec_driver_sql("PRAGMA synchronous").scalar() == 2  # FULL
        else:  # the server of the tests is told not to be careful; what counts is that we did not tell it so
            told = db.exec_driver_sql("SELECT source FROM pg_settings WHERE name = 'synchronous_commit'")
            assert told.scalar() != "session"


def test_the_migrations_make_exactly_the_tables_the_code_knows(store):
    with store.reading() as db:
        assert compare_metadata(MigrationContext.configure(db), metadata) == []


def test_the_newest_migration_is_the_one_the_code_asks_for():
    versions = Path(engine.__file__).parent / "migrations" / "versions"
    assert max(path.name[:4] for path in versions.glob("0*.py")) == engine.HEAD


def test_opening_again_changes_nothing(store, database_url):
    record(store, a_paper())
    Store(database_url, secret=b"x").close()
    assert len(papers_of(store)) == 1


def test_a_database_of_a_newer_version_is_left_alone(store, database_url):
    with store.writing() as tx:
        tx.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(StoreError, match="newer version"):
        Store(database_url, secret=b"x")


def test_what_is_no_database_is_refused(tmp_path):
    (tmp_path / "digest.db").write_bytes(b"this is a letter to a friend, not a database" * 100)
    with pytest.raises(StoreError, match="not a database"):
        Store(f"sqlite:///{tmp_path / 'digest.db'}", secret=b"x")


@pytest.mark.only_on("sqlite")
@pytest.mark.skipif(os.name == "nt", reason="rights are another matter on Windows")
def test_only_the_owner_can_read_what_is_stored(tmp_path):
    store = Store(f"sqlite:///{tmp_path / 'new' / 'digest.db'}", secret=b"x")
    record(store, a_paper(1))
    files = [file for file in (tmp_path / "new").iterdir() if file.suffix != ".lock"]
    assert len(files) > 1  # the log is there too
    assert [file.name for file in files if file.stat().st_mode & 0o077] == []
    store.close()


@pytest.mark.only_on("sqlite")
def test_a_locked_database_is_told_and_nothing_is_changed(store, tmp_path, monkeypatch):
    monkeypatch.setattr(engine, "BUSY_SECONDS", 0)
    other = sqlite3.connect(tmp_path / "store" / "digest.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    impatient = Store(f"sqlite:///{tmp_path / 'store' / 'digest.db'}", secret=b"x")
    with pytest.raises(StoreError, match="another program"):
        record(impatient, a_paper())
    other.rollback()
    other.close()
    assert record(impatient, a_paper()) == 1
    impatient.close()


def test_who_writes_often_keeps_a_connection_until_something_breaks(store):
    used = []

    def write(*papers):
        page, parsed = a_page_of(*papers)
        with store.writing() as tx:
            used.append(tx.connection.driver_connection)
            record_page(tx, page, parsed)

    def breaks():
        with store.writing() as tx:
            tx.exec_driver_sql("DELETE FROM listings")
            tx.exec_driver_sql("no statement")

    with store.often():
        write(a_paper(1))
        write(a_paper(2))
        with pytest.raises(StoreError):
            breaks()
        write(a_paper(3))
    assert used[0] is used[1] is not used[2]
    assert len(papers_of(store)) == 3
    with store.reading() as db:
        assert db.exec_driver_sql("SELECT count(*) FROM listings").scalar() == 3


def test_who_writes_often_reads_what_was_committed_and_nothing_else(store):
    def count():
        with store.reading() as db:
            return db.exec_driver_sql("SELECT count(*) FROM papers").scalar()

    with store.often():
        record(store, a_paper(1))
        assert count() == 1
        with store.writing() as tx:
            tx.exec_driver_sql("DELETE FROM listings")
            tx.exec_driver_sql("DELETE FROM papers")
            assert count() == 1
        with store.reading() as db:
            record(store, a_paper(3))
            with store.writing() as tx:
                tx.exec_driver_sql("DELETE FROM listings")
                tx.exec_driver_sql("DELETE FROM papers")
            assert count() == db.exec_driver_sql("SELECT count(*) FROM papers").scalar() == 0
        with pytest.raises(StoreError, match="cannot read"), store.reading() as db:
            db.exec_driver_sql("no statement")
        assert count() == 0
        record(store, a_paper(2))
    assert count() == 1


@pytest.mark.only_on("sqlite")
def test_who_writes_often_keeps_nobody_waiting_between_two_commits(store, database_url, monkeypatch):
    monkeypatch.setattr(engine, "BUSY_SECONDS", 0.1)
    another = Store(database_url, secret=b"x")
    with store.often():
        record(store, a_paper(1))
        assert record(another, a_paper(2)) == 1
        with store.writing():
            with pytest.raises(StoreError, match="another program"):
                record(another, a_paper(3))
        assert record(another, a_paper(3)) == 1
    another.close()


@pytest.mark.parametrize(
    ("free", "told"), [(0, "is full; free some space"), (1 << 30, "reports an error; check it")]
)
def test_a_disk_without_room_is_called_full_whatever_the_driver_calls_it(tmp_path, monkeypatch, free, told):
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=free))
    with pytest.raises(StoreError, match=told), engine.wrap_errors("read", tmp_path / "digest.db"):
        raise sqlite3.OperationalError("disk I/O error")


def test_readers_never_wait_for_a_writer(store):
    record(store, a_paper(1))
    with store.writing() as tx:
        tx.exec_driver_sql("DELETE FROM listings")
        with store.reading() as db:
            assert db.exec_driver_sql("SELECT count(*) FROM listings").scalar() == 1


def test_a_naive_datetime_is_refused(store):
    with pytest.raises(sqlalchemy.exc.StatementError), store.reading() as db:
        seen_since(db, datetime(2026, 1, 1))  # noqa: DTZ001


def test_a_zero_byte_is_dropped_from_whatever_is_stored_or_looked_for(store):
    delivery_id = owe(store, 1)
    record(store, a_paper(1, title="A\0 B", organization="\0C"), name="page\0.json")
    this = deliveries.c.id == bindparam("this")
    replying = Prepared(update(deliveries).where(this).values(last_reply=bindparam("reply")), "this", "reply")
    with store.writing() as tx:
        assert replying.run(tx, [(delivery_id, "550 no \0such user")]) == 1
        rows = [{"key": f"\0{number}", "on_date": NOW.date(), "created_at": NOW} for number in (1, 2)]
        assert fill(tx, issues, rows) == 2
    with store.reading() as db:
        kept, _ = next(iter(every_paper(db)))
        assert (kept.title, kept.organization) == ("A B", "C")
        assert db.scalar(select(pages.c.name)) == "page.json"
        assert db.scalar(select(deliveries.c.last_reply)) == "550 no such user"
        assert db.scalar(select(issues.c.key).where(issues.c.key == "1\0")) == "1"
        found = find_paper(db, "A\0 B")
        assert found is not None
        assert found.paper == kept


def test_rows_are_added_however_many_they_are_and_those_that_are_there_stay_as_they_are(store):
    delivery_id = owe(store, 1)
    record(store, *[a_paper(number, title=f"Paper {number} of many") for number in range(250)])
    with store.writing() as tx:
        person = tx.scalar(select(deliveries.c.subscriber_id))
        pks = sorted(tx.scalars(select(papers.c.pk)))
        names = ("subscriber_id", "paper_pk", "delivery_id", "score")
        add_rows(tx, shown, names, [(person, pk, delivery_id, "first") for pk in pks[::100]])
        add_rows(tx, shown, names, [(person, pk, delivery_id, "second") for pk in pks])
        add_rows(tx, shown, names, [])
    with store.reading() as db:
        kept = db.execute(select(shown.c.paper_pk, shown.c.score).order_by(shown.c.paper_pk)).all()
    assert kept == [(pk, "second" if at % 100 else "first") for at, pk in enumerate(pks)]


def test_rows_are_found_by_numbers_and_by_text_of_which_there_may_be_none(store):
    record(store, *[a_paper(number, title=f"Paper {number}") for number in range(3)])
    with store.reading() as db:
        known = dict(db.execute(select(papers.c.pk, papers.c.id)).all())
        for wanted in ([*known], [*known][:1], []):
            assert set(db.scalars(select(papers.c.pk).where(any_of(db, papers.c.pk, wanted)))) == set(wanted)
            ids = [known[pk] for pk in wanted]
            assert set(db.scalars(select(papers.c.id).where(any_of(db, papers.c.id, ids)))) == set(ids)


def test_every_column_of_text_is_of_the_kind_both_databases_can_hold():
    texts = [column for table in metadata.tables.values() for column in table.columns if is_text(column.type)]
    assert len(texts) > 50
    assert [str(column) for column in texts if not isinstance(column.type, Text)] == []


def is_text(kind):
    return isinstance(
        kind.impl_instance if isinstance(kind, sqlalchemy.TypeDecorator) else kind, sqlalchemy.String
    )


def test_the_same_page_twice_is_one_page_and_its_papers_are_stored_once(store):
    assert record(store, a_paper(1), a_paper(2)) == 2
    assert record(store, a_paper(1), a_paper(2)) == 0
    assert {paper_id: pages for paper_id, (_, pages) in papers_of(store).items()} == {
        "arxiv:2602.00001": ["page.json"],
        "arxiv:2602.00002": ["page.json"],
    }


@pytest.mark.only_on("postgresql")
def test_two_processes_that_pick_up_one_paper_at_once_store_it_once(store):
    page, parsed = a_page_of(a_paper(1), a_paper(2), name="first.json")
    with store.writing() as tx, ThreadPoolExecutor(1) as other:
        assert record_page(tx, page, parsed) == 2
        waiting = other.submit(record, store, a_paper(2), a_paper(3), name="second.json")
        with pytest.raises(TimeoutError):
            waiting.result(timeout=0.5)
        tx.commit()
        assert waiting.result(timeout=10) == 1


def test_a_paper_on_several_pages_is_stored_once_and_knows_them(store):
    record(store, a_paper(1), name="monday")
    record(store, a_paper(1, upvotes=5), name="tuesday")
    assert [pages for _, pages in papers_of(store).values()] == [["monday", "tuesday"]]


def test_a_later_page_that_knows_the_id_makes_the_two_one(store):
    by_title = a_paper(1, id="title:0123456789abcdef", url="https://huggingface.co/papers?q=x", comments=3)
    record(store, by_title, name="text")
    record(store, a_paper(1, upvotes=9), name="json")
    [(paper, pages)] = papers_of(store).values()
    assert (paper.id, paper.url) == ("arxiv:2602.00001", "https://arxiv.org/abs/2602.00001")
    assert (paper.upvotes, paper.comments, pages) == (9, 3, ["text", "json"])


def test_an_earlier_page_that_knew_the_id_is_found_by_title(store):
    record(store, a_paper(1), name="json")
    record(store, a_paper(1, id="title:0123456789abcdef"), name="text")
    assert list(papers_of(store)) == ["arxiv:2602.00001"]


def test_latex_lost_on_the_way_does_not_make_a_second_paper(store):
    record(store, a_paper(1, id="title:aaaaaaaaaaaaaaaa", title=r"Hyper$\cdot$Z: A Study"), name="one")
    record(store, a_paper(1, id="title:bbbbbbbbbbbbbbbb", title="HypercdotZ: A Study"), name="two")
    assert len(papers_of(store)) == 1


def test_two_works_of_one_title_stay_two(store):
    record(store, a_paper(1, title="Same Title"), a_paper(2, title="Same Title"))
    assert len(papers_of(store)) == 2


def test_a_third_page_that_ties_two_rows_together_folds_them(store):
    record(store, a_paper(1, id="title:aaaaaaaaaaaaaaaa", title="The Old Title", comments=4), name="one")
    record(store, a_paper(1, title="The New Title"), name="two")
    record(store, a_paper(1, title="The Old Title"), name="three")
    [(paper, pages)] = papers_of(store).values()
    assert (paper.id, paper.comments, pages) == ("arxiv:2602.00001", 4, ["one", "two", "three"])


def test_a_paper_is_found_by_id_with_or_without_its_prefix_and_by_title(store):
    record(store, a_paper(7))
    with store.reading() as db:
        found = [
            find_paper(db, wanted)
            for wanted in ("arxiv:2602.00007", "2602.00007", "a careful study of subject 7!")
        ]
        assert [one.paper.id for one in found if one] == ["arxiv:2602.00007"] * 3
        assert find_paper(db, "nothing") is None


def test_only_papers_seen_lately_are_candidates(store):
    record(store, a_paper(1), name="old", at=NOW - timedelta(days=9))
    record(store, a_paper(2), name="new", at=NOW)
    with store.reading() as db:
        assert [one.paper.id for one in seen_since(db, NOW - timedelta(days=7))] == ["arxiv:2602.00002"]


def test_a_paper_listed_again_is_a_candidate_again(store):
    record(store, a_paper(1), name="old", at=NOW - timedelta(days=9))
    record(store, a_paper(1), name="again", at=NOW)
    with store.reading() as db:
        assert len(seen_since(db, NOW - timedelta(days=7))) == 1


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(1, 4), st.booleans(), st.sampled_from([None, 1, 5])), min_size=1, max_size=12
    )
)
def test_whatever_order_pages_come_in_each_work_is_stored_once(store, sightings):
    with store.writing() as tx:
        tx.exec_driver_sql("DELETE FROM papers")
    for place, (number, has_id, upvotes) in enumerate(sightings):
        paper = a_paper(number, upvotes=upvotes)
        record(
            store, paper if has_id else replace(paper, id=f"title:{number:016x}"), name=f"{place}-{upvotes}"
        )
    found = papers_of(store)
    assert len(found) == len({number for number, _, _ in sightings})
    for number in {number for number, _, _ in sightings}:
        votes = [votes for seen, _, votes in sightings if seen == number and votes]
        known = [paper for paper, _ in found.values() if paper.title == a_paper(number).title]
        assert [paper.upvotes for paper in known] == [max(votes, default=None)]


def test_instants_come_back_aware(store):
    record(store, a_paper(1))
    with store.reading() as db:
        assert seen_since(db, NOW - timedelta(days=1))[0].last_seen_at == datetime(
            2026, 3, 2, 8, 0, tzinfo=UTC
        )


ABSTRACT = " ".join(f"word{number} speaks of the operator" for number in range(40))


def test_an_abstract_that_agrees_finds_a_title_whose_latex_was_turned_into_signs(store):
    record(
        store,
        a_paper(1, id="title:aaaaaaaaaaaaaaaa", title=r"Hyper$\cdot$Z$\cdot$W Operator", abstract=ABSTRACT),
        name="one",
    )
    record(
        store,
        a_paper(1, id="title:bbbbbbbbbbbbbbbb", title="Hyper·Z·W Operator", abstract=ABSTRACT),
        name="two",
    )
    assert len(papers_of(store)) == 1


def test_one_title_with_abstracts_that_contradict_are_two_works(store):
    other = " ".join(f"term{number} about something else entirely" for number in range(40))
    record(store, a_paper(1, title="Introduction", abstract=ABSTRACT), name="one")
    record(store, a_paper(2, id="doi:10.1101/2", title="Introduction", abstract=other), name="two")
    assert len(papers_of(store)) == 2


def test_a_preprint_and_its_doi_are_one_work_and_the_arxiv_id_leads(store):
    record(store, a_paper(1, id="doi:10.1101/1", abstract=ABSTRACT), name="one")
    record(store, a_paper(1, abstract=ABSTRACT + " and more"), name="two")
    assert list(papers_of(store)) == ["arxiv:2602.00001"]


def test_a_page_read_again_records_only_what_changed(store):
    for hour, votes in enumerate((1, 1, 5, 5)):
        moment = NOW + timedelta(hours=hour)
        page, parsed = a_page_of(a_paper(1, upvotes=votes), a_paper(2, upvotes=0), at=moment)
        with store.writing() as tx:
            record_page(tx, replace(page, body=page.body + bytes([hour])), parsed)
    with store.reading() as db:
        series = db.exec_driver_sql("SELECT paper_pk, upvotes FROM listings ORDER BY page_id, paper_pk").all()
    assert [tuple(row) for row in series] == [(1, 1), (2, 0), (1, 5)]


def test_each_field_remembers_the_page_it_came_from(store):
    record(
        store,
        a_paper(1, id="title:aaaaaaaaaaaaaaaa", url="https://huggingface.co/papers?q=x", comments=3),
        name="text",
    )
    record(store, a_paper(1, organization="kyutai", abstract="We study subject 1."), name="json")
    with store.reading() as db:
        stored = find_paper(db, "2602.00001")
    assert stored is not None
    origins = json.loads(stored.origins)
    assert {field: origins[field] for field in ("abstract", "comments", "id", "organization", "url")} == {
        "abstract": 1, "comments": 1, "id": 2, "organization": 2, "url": 2,
    }  # fmt: skip
