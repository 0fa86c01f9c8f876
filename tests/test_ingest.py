"""Picking up pages: once for the same bytes, each trouble at its own cost, each source in a state a person can read."""

import io
import json
import os
import zipfile
from datetime import timedelta
from pathlib import Path

import pytest

from digest.app import App
from digest.errors import SourceError
from digest.ingest import Source, ingest, ingest_pages
from digest.model import PageStatus
from digest.pages.fetch import MemoryFetcher
from digest.pages.folder import Unreadable, pages_in
from digest.store.papers import count_papers
from digest.store.sources import pages_with_trouble, source_state
from tests.builders import NOW, a_page

HALF_HOUR = timedelta(minutes=30)


def daily(*numbers):
    return json.dumps(
        [
            {
                "paper": {
                    "id": f"2602.{n:05d}",
                    "title": f"Paper Number {n}",
                    "summary": f"About subject {n}.",
                    "authors": [{"name": "A. Author", "hidden": False}],
                    "publishedAt": "2026-02-27T00:00:00.000Z",
                    "upvotes": n,
                },
                "publishedAt": "2026-02-27T00:00:00.000Z",
                "title": f"Paper Number {n}",
                "numComments": 1,
            }
            for n in numbers
        ]
    ).encode()


def read_folder(source, now):
    return pages_in(source.path, source=source.name, now=now, settled_before=float("inf"))


def look(store, *sources, now=NOW):
    return ingest(store, sources, read_folder, every=HALF_HOUR, now=now)


def state(store, name):
    with store.reading() as db:
        return source_state(db, name)


def folder(tmp_path, **files):
    for name, body in files.items():
        (tmp_path / f"{name}.json").write_bytes(body)
    return Source("mine", path=tmp_path)


def statuses(report):
    return [(Path(page.path).name, str(page.status), page.papers, page.new) for page in report.pages]


def test_a_page_in_a_folder_is_picked_up_once_by_content(store, tmp_path):
    inbox = tmp_path / "inbox"
    inbox.mkdir()
    source = folder(inbox, monday=daily(1, 2))
    assert statuses(look(store, source)) == [("monday.json", "ok", 2, 2)]
    folder(inbox, copy=daily(1, 2), tuesday=daily(2, 3))
    assert statuses(look(store, source)) == [
        ("copy.json", "unchanged", 2, 0),
        ("monday.json", "unchanged", 2, 0),
        ("tuesday.json", "ok", 2, 1),
    ]


def test_a_broken_page_costs_only_itself_and_is_told_once(store, tmp_path):
    inbox = tmp_path / "inbox"
    inbox.mkdir()
    source = folder(inbox, a=b"\x00\x01\x02", b=daily(1), c=daily(2)[:-30])
    report = look(store, source)
    assert [(name, status) for name, status, _, _ in statuses(report)] == [
        ("a.json", "unrecognised"), ("b.json", "ok"), ("c.json", "broken"),
    ]  # fmt: skip
    assert report.has_trouble
    assert state(store, "mine").state == "unrecognised"
    assert not look(store, source).has_trouble


def test_a_folder_is_well_again_when_its_broken_page_is_gone(store, tmp_path):
    inbox = tmp_path / "inbox"
    inbox.mkdir()
    source = folder(inbox, good=daily(1), bad=daily(2)[:-30])
    look(store, source)
    look(store, source)
    assert state(store, "mine").state == "broken"
    (inbox / "bad.json").unlink()
    look(store, source)
    assert (state(store, "mine").state, state(store, "mine").reason) == ("ok", None)


def test_a_mended_address_is_tried_at_once(store):
    down, well = "https://pages.example/dayly", "https://pages.example/daily"
    fetcher = MemoryFetcher({down: SourceError("it is not there (404)", state="broken"), well: daily(1)})
    for hours in (0, 1, 2):
        look(store, Source("web", url=down, fetcher=fetcher), now=NOW + timedelta(hours=hours))
    soon = NOW + timedelta(hours=2, minutes=1)
    assert state(store, "web").next_try_at > soon
    look(store, Source("web", url=well, fetcher=fetcher), now=soon)
    assert (state(store, "web").state, state(store, "web").failures) == ("ok", 0)
    assert len(fetcher.asked) == 4
    look(store, Source("web", url=well, fetcher=fetcher), now=soon + timedelta(minutes=1))
    assert len(fetcher.asked) == 4


def test_a_page_named_by_hand_is_read_again_when_it_was_broken(store):
    broken = a_page(daily(1)[:-30], name="page.json")
    assert ingest_pages(store, [broken]).pages[0].status == PageStatus.BROKEN
    assert ingest_pages(store, [broken]).pages[0].status == PageStatus.BROKEN
    good = a_page(daily(1))
    assert [ingest_pages(store, [good]).pages[0].status for _ in range(2)] == [
        PageStatus.OK,
        PageStatus.UNCHANGED,
    ]


def test_a_file_that_cannot_be_read_is_reported_with_its_reason(store):
    [page] = ingest_pages(store, [Unreadable("gone.txt", "It cannot be read: permission denied.")]).pages
    assert (page.path, page.status, page.reason) == (
        "gone.txt", PageStatus.BROKEN, "It cannot be read: permission denied.",
    )  # fmt: skip


def test_a_missing_folder_does_not_stop_the_other_sources(store, tmp_path):
    inbox = tmp_path / "inbox"
    inbox.mkdir()
    report = look(store, Source("lost", path=tmp_path / "nowhere"), folder(inbox, monday=daily(1)))
    assert "no such file or folder" in report.unreachable["lost"]
    assert statuses(report) == [("monday.json", "ok", 1, 1)]


def test_a_source_on_the_web_is_asked_at_its_pace_and_not_twice_for_the_same_page(store):
    fetcher = MemoryFetcher({"https://pages.example/daily": daily(1, 2)})
    source = Source("web", url="https://pages.example/daily", fetcher=fetcher)
    assert statuses(look(store, source)) == [("daily", "ok", 2, 2)]
    assert look(store, source, now=NOW + timedelta(minutes=29)).pages == ()
    assert len(fetcher.asked) == 1
    assert look(store, source, now=NOW + timedelta(minutes=30)).pages == ()  # 304
    assert len(fetcher.asked) == 2
    assert state(store, "web").state == "ok"


def test_a_valid_empty_day_a_broken_page_and_an_unknown_one_are_three_states(store):
    for name, body, expected in (
        ("empty", b"[]", "empty"),
        ("broken", daily(1)[:-30], "broken"),
        ("other", b"Dear friend, how are you?", "unrecognised"),
    ):
        url = f"https://pages.example/{name}"
        look(store, Source(name, url=url, fetcher=MemoryFetcher({url: body})))
        assert state(store, name).state == expected


def test_a_failing_source_waits_longer_each_time_and_keeps_its_reason(store):
    down = SourceError("https://pages.example/: cannot be reached")
    source = Source(
        "web", url="https://pages.example/", fetcher=MemoryFetcher({"https://pages.example/": down})
    )
    now, waits = NOW, []
    for _ in range(9):
        assert look(store, source, now=now).unreachable == {"web": str(down)}
        waits.append((state(store, "web").next_try_at - now).total_seconds() / 60)
        now = state(store, "web").next_try_at
    assert waits == [10, 20, 40, 80, 160, 320, 640, 720, 720]
    assert (state(store, "web").state, state(store, "web").failures) == ("unreachable", 9)


@pytest.mark.parametrize("seconds", [60, 3600])
def test_a_server_that_asks_for_a_pause_gets_it(store, seconds):
    busy = SourceError("too many requests", state="refused", retry_after=seconds)
    look(
        store,
        Source("web", url="https://pages.example/", fetcher=MemoryFetcher({"https://pages.example/": busy})),
    )
    assert state(store, "web").next_try_at == NOW + timedelta(seconds=seconds)


def test_after_a_failure_the_last_good_state_is_remembered(store):
    fetcher = MemoryFetcher({"https://pages.example/": daily(1)})
    source = Source("web", url="https://pages.example/", fetcher=fetcher)
    look(store, source)
    fetcher.answers["https://pages.example/"] = SourceError("down")
    look(store, source, now=NOW + HALF_HOUR)
    found = state(store, "web")
    assert (found.state, found.succeeded_at, found.papers) == ("unreachable", NOW, 1)


def web(name, url, answers, **more):
    return Source(name, url=url, fetcher=MemoryFetcher(answers), **more)


def test_days_missed_while_the_machine_was_off_are_asked_for(store):
    url = "https://pages.example/{date}.json"
    answers = {f"https://pages.example/2026-03-{day:02}.json": daily(day) for day in range(1, 20)}
    look(store, web("web", url, answers))
    source = web("web", url, answers, catch_up_days=4)
    look(store, source, now=NOW + timedelta(days=3))
    assert source.fetcher.asked == [f"https://pages.example/2026-03-{day:02}.json" for day in (2, 3, 4, 5)]
    source = web("web", url, answers, catch_up_days=4)
    look(store, source, now=NOW + timedelta(days=14))
    assert source.fetcher.asked == [
        f"https://pages.example/2026-03-{day:02}.json" for day in (12, 13, 14, 15, 16)
    ]


def test_a_day_without_a_list_is_no_failure_while_another_day_has_one(store):
    source = web(
        "web", "https://pages.example/{date}.json", {"https://pages.example/2026-03-02.json": daily(1)}
    )
    assert look(store, source).unreachable == {}
    assert state(store, "web").state == "ok"
    lost = web("lost", "https://pages.example/{date}.json", {})
    assert "nothing is there" in look(store, lost).unreachable["lost"]


def test_a_list_in_parts_is_read_until_a_part_lists_nothing(store):
    answers = {f"https://pages.example/?p={part}": daily(2 * part, 2 * part + 1) for part in range(3)}
    source = web("web", "https://pages.example/?p={page}", answers | {"https://pages.example/?p=3": b"[]"})
    report = look(store, source)
    assert [page.papers for page in report.pages] == [2, 2, 2]
    assert state(store, "web").papers == 6


def test_a_source_with_its_own_days_and_pace_is_asked_then(store):
    answers = {"https://pages.example/": daily(1)}
    source = web("web", "https://pages.example/", answers, days=("tue",), every=timedelta(hours=6))
    asked = []
    for hours in range(0, 48, 2):  # Monday 08:00 to Wednesday 06:00
        look(store, source, now=NOW + timedelta(hours=hours))
        asked.append(len(source.fetcher.asked))
    assert asked == [0] * 8 + [1] * 3 + [2] * 3 + [3] * 3 + [4] * 7


def test_a_source_whose_format_changed_says_so(store):
    answers = {"https://pages.example/": daily(1)}
    source = web("web", "https://pages.example/", answers)
    look(store, source)
    source.fetcher.answers["https://pages.example/"] = b"Dear friend, how are you?"
    look(store, source, now=NOW + timedelta(hours=1))
    assert state(store, "web").state == "changed"
    assert "had papers before" in state(store, "web").reason


def test_an_archive_on_the_web_gives_the_pages_in_it(store):
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("monday.json", daily(1))
        archive.writestr("tuesday.json", daily(2))
    report = look(
        store,
        web("web", "https://pages.example/all.zip", {"https://pages.example/all.zip": packed.getvalue()}),
    )
    assert [name for name, *_ in statuses(report)] == ["monday.json", "tuesday.json"]
    assert state(store, "web").papers == 2


def test_a_source_that_answers_again_is_no_longer_said_to_be_out_of_reach(store):
    fetcher = MemoryFetcher({"https://example.org/day": daily(1)})
    source = Source("web", url="https://example.org/day", fetcher=fetcher)
    look(store, source)
    fetcher.answers["https://example.org/day"] = SourceError("example.org refuses us (404)", state="broken")
    look(store, source, now=NOW + timedelta(hours=1))
    assert state(store, "web").state == "broken"
    fetcher.answers["https://example.org/day"] = daily(1)
    look(store, source, now=NOW + timedelta(hours=2))
    assert (state(store, "web").state, state(store, "web").reason) == ("ok", None)


def test_a_source_that_is_configured_no_more_is_forgotten_and_its_papers_stay(tmp_path):
    (tmp_path / "pages").mkdir()
    (tmp_path / "pages" / "day.json").write_bytes(daily(1))
    old = '[[source]]\nname = "old"\npath = "pages"\n'
    for config in (old, old.replace("old", "new")):
        (tmp_path / "config").mkdir(exist_ok=True)
        (tmp_path / "config" / "digest.toml").write_text(config)
        long_ago = NOW.timestamp()
        os.utime(tmp_path / "pages" / "day.json", (long_ago, long_ago))
        with App.open(tmp_path) as app:
            app.ingest(now=NOW)
            with app.store.reading() as db:
                assert count_papers(db) == 1
            assert (state(app.store, "old") is None) is ("new" in config)


def test_a_page_that_gave_nothing_needs_a_look_until_it_is_mended_or_a_week_is_over(store):
    def needs_a_look(now):
        with store.reading() as db:
            return [page["name"] for page in pages_with_trouble(db, now - timedelta(days=7))]

    bad = [a_page("[{", name="cut.json"), a_page("[{ ", name="left.json")]
    ingest_pages(store, bad)
    assert sorted(needs_a_look(NOW + timedelta(days=6))) == ["cut.json", "left.json"]
    ingest_pages(store, [a_page(daily(1), name="cut.json")])
    assert needs_a_look(NOW + timedelta(days=6)) == ["left.json"]
    assert needs_a_look(NOW + timedelta(days=7)) == []
