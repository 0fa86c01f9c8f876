"""Pages from files and folders."""

import os
from datetime import timedelta

import pytest

from digest.errors import SourceError
from digest.model import Page
from digest.pages.document import LARGEST_PAGE
from digest.pages.folder import Unreadable, pages_in


@pytest.fixture
def inbox(tmp_path):
    folder = tmp_path / "inbox"
    folder.mkdir()
    return folder


def drop(path, body=b"a page", *, now, age=60.0):
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(body)
    os.utime(path, (now.timestamp() - age,) * 2)
    return path


def names(found) -> list[str]:
    return [page.name.rpartition("/")[2] for page in found]


def test_a_folder_gives_its_files_sorted_with_those_of_folders_below(inbox, now):
    for name in ("b.txt", "a.json", "2026/c.html"):
        drop(inbox / name, now=now)

    found = list(pages_in(inbox, source="mine", now=now))

    assert names(found) == ["c.html", "a.json", "b.txt"]
    assert found[0] == Page(str(inbox / "2026/c.html"), b"a page", fetched_at=now, source="mine")


@pytest.mark.parametrize(
    "name", [".hidden", "page.html.part", "page.tmp", "page.TMP", "page.txt~", "a.crdownload", ".git/page"]
)
def test_hidden_and_unfinished_files_are_left_out(inbox, now, name):
    drop(inbox / name, now=now)

    assert list(pages_in(inbox, source="mine", now=now)) == []


def test_a_file_still_growing_is_left_for_the_next_time(inbox, now):
    drop(inbox / "fresh.txt", now=now, age=1.0)
    drop(inbox / "settled.txt", now=now, age=3.0)

    assert names(pages_in(inbox, source="mine", now=now)) == ["settled.txt"]
    assert names(pages_in(inbox, source="mine", now=now, settled_before=now.timestamp() - 0.5)) == [
        "fresh.txt",
        "settled.txt",
    ]
    assert names(pages_in(inbox, source="mine", now=now + timedelta(seconds=5))) == [
        "fresh.txt",
        "settled.txt",
    ]


def test_a_file_from_the_far_future_is_taken_for_its_clock_is_wrong(inbox, now):
    drop(inbox / "future.txt", now=now, age=-86_400.0)
    drop(inbox / "soon.txt", now=now, age=-1.0)

    assert names(pages_in(inbox, source="mine", now=now)) == ["future.txt"]


@pytest.mark.parametrize("name", ["page.txt", ".hidden", "page.part"])
def test_a_file_named_by_the_person_is_taken_at_once(inbox, now, name):
    path = drop(inbox / name, now=now, age=0.0)

    assert names(pages_in(path, source="by hand", now=now)) == [name]


def test_a_link_out_of_the_folder_is_not_followed_and_one_inside_is(inbox, tmp_path, now):
    secret = drop(tmp_path / "secret.txt", now=now)
    (inbox / "leak.txt").symlink_to(secret)
    (inbox / "kept.txt").symlink_to(drop(inbox / "page.txt", now=now))
    (inbox / "loop.txt").symlink_to("loop.txt")
    (inbox / "outside").symlink_to(tmp_path, target_is_directory=True)

    found = list(pages_in(inbox, source="mine", now=now))

    assert [(type(page), page.name.rpartition("/")[2]) for page in found] == [
        (Page, "kept.txt"),
        (Unreadable, "leak.txt"),
        (Unreadable, "loop.txt"),
        (Page, "page.txt"),
    ]


def test_a_file_over_the_limit_is_refused_without_reading_it(inbox, now):
    huge = inbox / "huge.html"
    with huge.open("wb") as file:
        file.truncate(LARGEST_PAGE + 1)  # sparse: nothing is written, and nothing may be read
    os.utime(huge, (now.timestamp() - 60,) * 2)

    [found] = pages_in(inbox, source="mine", now=now)

    assert isinstance(found, Unreadable)
    assert "limit is 20 MB" in found.reason


def test_a_pipe_is_refused_and_does_not_wait_for_a_writer(inbox, now):
    os.mkfifo(inbox / "pipe")
    os.utime(inbox / "pipe", (now.timestamp() - 60,) * 2)

    assert [type(found) for found in pages_in(inbox, source="mine", now=now)] == [Unreadable]
    assert [type(found) for found in pages_in(inbox / "pipe", source="by hand", now=now)] == [Unreadable]


def test_a_file_that_may_not_be_read_costs_only_itself(inbox, now, monkeypatch):
    drop(inbox / "a.txt", now=now)
    locked = drop(inbox / "b.txt", now=now)
    drop(inbox / "c.txt", now=now)
    if os.access("/", os.W_OK):  # the superuser may read everything
        real = type(inbox).open
        monkeypatch.setattr(
            type(inbox), "open", lambda path, *a: _denied(path) if path == locked else real(path, *a)
        )
    locked.chmod(0)

    found = list(pages_in(inbox, source="mine", now=now))

    assert [type(page) for page in found] == [Page, Unreadable, Page]
    assert found[1] == Unreadable(str(locked), "It cannot be read: permission denied.")


def _denied(path):
    raise PermissionError(13, "Permission denied", str(path))


def test_a_missing_path_says_what_to_do(inbox, now):
    with pytest.raises(SourceError, match="no such file or folder; check the path"):
        pages_in(inbox / "nowhere", source="mine", now=now)


def test_an_empty_folder_gives_nothing(inbox, now):
    assert list(pages_in(inbox, source="mine", now=now)) == []
