"""People whose profile is a file of the operator's: whose it is, when it ends, and what the operator may do for whom."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from digest.app import App
from digest.errors import DigestError
from digest.profiles import read_profiles
from digest.store.people import find_subscriber
from digest.store.readers import change_subscriber, put_pending
from digest.subscriptions import change_status, come_back, pause, sync_profiles
from tests.builders import NOW, a_profile, subscribe

DAY = timedelta(days=1)
READER = "reader@example.org"


def sync(store, folder, now=NOW):
    return sync_profiles(store, read_profiles(folder), now=now)


def write(folder, name, email, *more):
    (folder / f"{name}.toml").write_text("\n".join([f'email = "{email}"', *more]))


def person(store, email=READER):
    with store.reading() as db:
        return find_subscriber(db, email)


def test_another_address_in_a_file_ends_the_mails_to_the_old_one(store, tmp_path):
    write(tmp_path, "me", "old@example.org")
    sync(store, tmp_path)
    write(tmp_path, "me", "new@example.org")
    sync(store, tmp_path)
    assert person(store, "old@example.org").status == "unsubscribed"
    assert person(store, "new@example.org").status == "active"
    write(tmp_path, "me", "OLD@example.org")
    sync(store, tmp_path)
    assert person(store, "old@example.org").status == "active"
    assert person(store, "new@example.org").status == "unsubscribed"


def test_a_file_that_breaks_after_its_address_changed_costs_nobody(store, tmp_path):
    write(tmp_path, "me", READER)
    sync(store, tmp_path)
    write(tmp_path, "me", "new@example.org", "max_papers = 0")
    sync(store, tmp_path)
    assert person(store).status == "active"
    assert person(store).profile_error


def test_a_broken_file_that_is_gone_is_no_trouble_any_more(store, tmp_path):
    write(tmp_path, "me", READER)
    sync(store, tmp_path)
    write(tmp_path, "me", READER, "max_papers = 0")
    sync(store, tmp_path)
    (tmp_path / "me.toml").unlink()
    sync(store, tmp_path)
    assert (person(store).status, person(store).profile_error) == ("unsubscribed", None)


def test_the_operators_file_speaks_for_who_never_confirmed(store, tmp_path):
    with store.writing() as tx:
        put_pending(tx, a_profile(), store.address_hash(READER), due_at=NOW + 30 * DAY, now=NOW)
    write(tmp_path, "me", READER)
    sync(store, tmp_path)
    assert (person(store).status, person(store).owner) == ("active", "file")
    assert person(store).next_due_at <= NOW + DAY


def test_a_folder_that_is_not_there_ends_nobodys_subscription(tmp_path):
    folder = tmp_path / "config" / "subscribers"
    folder.mkdir(parents=True)
    write(folder, "me", READER)
    with App.open(tmp_path) as app:
        app.sync(now=NOW)
        folder.rename(tmp_path / "elsewhere")
        report = app.sync(now=NOW)
        assert person(app.store).status == "active"
        assert "is not there" in str(report.mistakes[0])
        assert "is not there" in app.publish(now=NOW).skipped[0].reason
        folder.mkdir()
        app.sync(now=NOW)
        assert person(app.store).status == "unsubscribed"


def test_a_home_without_files_needs_no_folder_for_them(tmp_path):
    with App.open(tmp_path) as app:
        assert app.sync(now=NOW).mistakes == ()


def test_what_the_operator_pauses_stays_paused_whatever_the_reader_had_asked_for_before(store):
    who = subscribe(store, a_profile())
    with store.writing() as tx:
        pause(tx, who, until=NOW + DAY, now=NOW)
    change_status(store, READER, "active", now=NOW)
    change_status(store, READER, "paused", now=NOW)
    assert come_back(store, now=NOW + 2 * DAY) == 0
    assert person(store).status == "paused"


def test_the_operator_brings_back_from_a_pause_only(store):
    subscribe(store, a_profile())
    change_status(store, READER, "paused", now=NOW)
    assert change_status(store, READER, "active", now=NOW).status == "active"
    assert change_status(store, READER, "active", now=NOW).status == "active"
    with store.writing() as tx:
        change_subscriber(tx, person(store).id, NOW, owner="web", file=None)
        change_subscriber(tx, person(store).id, NOW, status="unsubscribed", status_reason="asked to leave")
    with pytest.raises(DigestError, match="own word"):
        change_status(store, READER, "active", now=NOW)
    assert person(store).status == "unsubscribed"


@pytest.mark.parametrize("wanted", ["active", "paused"])
def test_nobody_is_made_a_reader_without_their_confirmation(store, wanted):
    with store.writing() as tx:
        put_pending(tx, a_profile(), store.address_hash(READER), due_at=NOW, now=NOW)
    with pytest.raises(DigestError, match="has not confirmed"):
        change_status(store, READER, wanted, now=NOW)
    assert change_status(store, READER, "unsubscribed", now=NOW).status == "unsubscribed"


def test_a_file_that_is_still_there_brings_back_whom_the_operator_let_go(store, tmp_path):
    write(tmp_path, "me", READER)
    sync(store, tmp_path)
    change_status(store, READER, "unsubscribed", now=NOW)
    sync(store, tmp_path)
    assert person(store).status == "unsubscribed"
    assert change_status(store, READER, "active", now=NOW).status == "active"


@pytest.mark.only_on("postgresql")
def test_two_processes_that_find_a_new_file_at_once_make_one_reader(store, tmp_path):
    write(tmp_path, "me", READER)
    with store.writing() as tx, ThreadPoolExecutor(1) as other:
        put_pending(tx, a_profile(), store.address_hash(READER), due_at=NOW, now=NOW)
        waiting = other.submit(sync, store, tmp_path)
        with pytest.raises(TimeoutError):
            waiting.result(timeout=0.5)
        tx.commit()
        assert waiting.result(timeout=10).broken == ()
    sync(store, tmp_path)
    assert (person(store).status, person(store).owner) == ("active", "file")
