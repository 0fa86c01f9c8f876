"""Archives of pages, unpacked in memory and within bounds."""

import gzip
import io
import tarfile
import time
import zipfile

import pytest

from digest.model import Page, PageStatus
from digest.pages import archive, parse
from digest.pages.archive import Unreadable, unpacked
from digest.pages.document import LARGEST_PAGE
from digest.pages.folder import pages_in
from tests.builders import a_page

DAY = b'[{"paper": {"id": "2602.00001", "title": "A Title"}}]'


def zipped(members, compression=zipfile.ZIP_DEFLATED) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", compression) as out:
        for name, body in members.items():
            out.writestr(name, body)
    return file.getvalue()


def tarred(members, mode="w") -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode=mode) as out:
        for name, body in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(body)
            out.addfile(info, io.BytesIO(body))
    return file.getvalue()


def within(body, name="days.zip"):
    return [(found.name, getattr(found, "body", None)) for found in unpacked(a_page(body, name=name))]


MEMBERS = {"b/2.json": b"two", "a.json": b"one"}


@pytest.mark.parametrize(
    ("body", "name"),
    [
        (zipped(MEMBERS), "days.zip"),
        (zipped(MEMBERS, zipfile.ZIP_STORED), "days.zip"),
        (tarred(MEMBERS), "days.tar"),
        (tarred(MEMBERS, "w:gz"), "days.tar.gz"),
        (tarred(MEMBERS, "w:gz"), "days.tgz"),
    ],
    ids=["zip", "stored zip", "tar", "tar.gz", "tgz"],
)
def test_an_archive_gives_its_pages_sorted_by_name(body, name):
    label = {"days.tar.gz": "days.tar", "days.tgz": "days.tar"}.get(name, name)

    assert within(body, name) == [(f"{label}/a.json", b"one"), (f"{label}/b/2.json", b"two")]


def test_a_compressed_page_is_the_page():
    assert within(gzip.compress(DAY), "2026-02-27.json.gz") == [("2026-02-27.json", DAY)]
    assert parse(a_page(gzip.compress(DAY), name="2026-02-27.json.gz")).papers[0].id == "arxiv:2602.00001"


def test_what_is_no_archive_is_given_as_it_is():
    page = a_page(DAY)

    assert list(unpacked(page)) == [page]


def test_an_archive_inside_an_archive_is_opened_and_one_inside_that_is_not():
    inner = gzip.compress(DAY)

    assert within(zipped({"day.json.gz": inner})) == [("days.zip/day.json", DAY)]
    assert within(zipped({"days.zip": zipped({"day.json.gz": inner})})) == [
        ("days.zip/days.zip/day.json.gz", inner)
    ]


def test_folders_hidden_files_and_links_are_left_out():
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as out:
        for name, kind in (
            ("folder", tarfile.DIRTYPE),
            ("link", tarfile.SYMTYPE),
            ("pipe", tarfile.FIFOTYPE),
        ):
            info = tarfile.TarInfo(name)
            info.type, info.linkname = kind, "/etc/passwd"
            out.addfile(info)

    assert within(file.getvalue()) == []
    assert within(zipped({".git/x": b"", "__MACOSX/a": b"", "folder/": b"", "../a.json": b""})) == []


def test_a_damaged_member_costs_only_itself():
    body = bytearray(zipped({"a.json": b"one" * 500, "b.json": b"two"}, zipfile.ZIP_STORED))
    body[100] ^= 0xFF

    first, second = unpacked(a_page(bytes(body), name="days.zip"))

    assert isinstance(first, Unreadable)
    assert "damaged" in first.reason
    assert isinstance(second, Page)


@pytest.mark.parametrize(
    "body",
    [
        zipped(MEMBERS)[:-30],
        tarred({"a": b"x" * 5000})[:2000],
        gzip.compress(DAY * 9)[:-9],
        b"PK\x03\x04 and nothing",
        b"\x1f\x8b\x08junk",
    ],
    ids=["cut zip", "cut tar", "cut gz", "no zip", "no gz"],
)
def test_a_cut_archive_is_unreadable_and_says_so(body):
    found = list(unpacked(a_page(body)))

    assert [type(one) for one in found] == [Unreadable]
    assert parse(a_page(body)).status is PageStatus.UNRECOGNISED


def test_a_bomb_is_left_at_the_limit():
    zeros = bytes(LARGEST_PAGE + 1)
    started = time.process_time()

    [huge] = unpacked(a_page(zipped({"huge.json": zeros})))
    [all_of_it] = unpacked(a_page(gzip.compress(gzip.compress(bytes(archive.LARGEST_CONTENT + 1)))))

    assert isinstance(huge, Unreadable)
    assert "20 MB" in huge.reason
    assert isinstance(all_of_it, Unreadable)
    assert "100 MB" in all_of_it.reason
    assert time.process_time() - started < 10


def test_an_archive_of_too_many_files_is_read_to_the_limit_and_says_so():
    found = list(
        unpacked(a_page(zipped({f"{number:05}.txt": b"x" for number in range(archive.MOST_MEMBERS + 5)})))
    )

    assert len(found) == archive.MOST_MEMBERS + 1
    assert isinstance(found[-1], Unreadable)
    assert "1000 files" in found[-1].reason


def test_an_encrypted_member_is_unreadable():
    body = bytearray(zipped({"a.json": b"one"}, zipfile.ZIP_STORED))
    body[6] |= 1
    body[body.index(b"PK\x01\x02") + 8] |= 1

    [found] = unpacked(a_page(bytes(body)))

    assert isinstance(found, Unreadable)
    assert "encrypted" in found.reason


def test_a_document_that_is_a_zip_inside_is_no_archive_of_pages():
    [found] = unpacked(a_page(zipped({"[Content_Types].xml": b"<x/>", "word/document.xml": b"<x/>"})))

    assert isinstance(found, Unreadable)
    assert "document" in found.reason


def test_a_folder_gives_the_pages_of_the_archives_in_it(tmp_path, now):
    (tmp_path / "days.zip").write_bytes(zipped({"2026-02-27.json": DAY}))

    [page] = pages_in(tmp_path / "days.zip", source="mine", now=now)

    assert page == Page(f"{tmp_path}/days.zip/2026-02-27.json", DAY, fetched_at=now, source="mine")


def test_an_archive_of_several_pages_is_not_one_page():
    assert "several pages" in (parse(a_page(zipped(MEMBERS))).reason or "")
