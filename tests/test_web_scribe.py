"""Changes that are written together are still each all or nothing."""

import asyncio

import pytest
from sqlalchemy import text

from digest.errors import StoreError
from digest.store import Store
from digest.web.scribe import Scribe


@pytest.fixture
def store(tmp_path):
    opened = Store(f"sqlite:///{tmp_path / 'digest.db'}", secret=b"the secret of the tests")
    with opened.writing() as tx:
        tx.execute(text("CREATE TABLE notes (word TEXT)"))
    yield opened
    opened.close()


def note(word):
    def change(tx):
        tx.execute(text("INSERT INTO notes VALUES (:word)"), {"word": word})
        if word == "bad":
            raise ValueError(word)
        return word

    return change


def words(store):
    with store.reading() as db:
        return list(db.execute(text("SELECT word FROM notes")).scalars())


def test_changes_of_one_moment_share_a_commit_and_a_bad_one_costs_only_itself(store, monkeypatch):
    commits = []
    writing = store.writing

    def counted():
        commits.append(1)
        return writing()

    monkeypatch.setattr(store, "writing", counted)

    async def ask():
        scribe = Scribe(store)
        asked = [scribe.write(note(word)) for word in ["a", "bad", *"bcdefgh"]]
        return await asyncio.gather(*asked, return_exceptions=True)

    told = asyncio.run(ask())
    assert [answer for answer in told if not isinstance(answer, Exception)] == list("abcdefgh")
    assert isinstance(told[1], ValueError)
    assert words(store) == list("abcdefgh")
    assert len(commits) <= 2


def test_a_change_that_is_done_again_has_left_nothing_of_its_first_time(store):
    async def ask():
        scribe = Scribe(store)
        asked = [scribe.write(note(word)) for word in ["first", "good", "bad"]]
        return await asyncio.gather(*asked, return_exceptions=True)

    asyncio.run(ask())
    assert words(store) == ["first", "good"]


def test_when_nothing_can_be_written_everybody_is_told(store, monkeypatch):
    def refuse():
        raise StoreError("cannot write to the database: it is read-only")

    monkeypatch.setattr(store, "writing", refuse)

    async def ask():
        scribe = Scribe(store)
        return await asyncio.gather(*(scribe.write(note(word)) for word in "abc"), return_exceptions=True)

    assert [type(answer) for answer in asyncio.run(ask())] == [StoreError] * 3
