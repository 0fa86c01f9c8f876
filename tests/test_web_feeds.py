"""Feeds: what RFC 4287 and JSON Feed 1.1 ask for, ids that never change, and nothing a stranger wrote as markup."""

import json
from datetime import UTC, datetime, timedelta
from html import unescape

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree, html

from digest.pages import parse
from digest.web.feeds import Entry, Feed, entry_id, etag, write_atom, write_json
from tests.builders import NOW, a_page, a_paper

ATOM = "{http://www.w3.org/2005/Atom}"


def a_feed(*entries, **fields):
    known = {
        "host": "papers.example.org",
        "name": "trending",
        "title": "Trending papers",
        "publisher": "Paper Digest",
        "url": "https://papers.example.org/trending.atom",
        "home_url": "https://papers.example.org/trending",
        "entries": entries,
    }
    return Feed(**(known | fields))


def an_entry(number=1, why=("speculative decoding",), at=NOW, **fields):
    return Entry(a_paper(number, **fields), why, at)


def atom(feed):
    return etree.fromstring(write_atom(feed))


def test_an_atom_feed_has_all_that_rfc_4287_demands():
    root = atom(a_feed(an_entry(), an_entry(2, at=NOW + timedelta(hours=1))))
    assert root.tag == f"{ATOM}feed"
    for node in (root, *root.iter(f"{ATOM}entry")):
        for name in ("id", "title", "updated"):
            assert len(node.findall(f"{ATOM}{name}")) == 1, name
        assert datetime.fromisoformat(node.findtext(f"{ATOM}updated")).tzinfo is not None
    assert root.findtext(f"{ATOM}author/{ATOM}name") == "Paper Digest"
    assert root.findtext(f"{ATOM}updated") == "2026-03-02T09:00:00Z"
    links = {node.get("rel"): node.get("href") for node in root.findall(f"{ATOM}link")}
    assert links["self"] == "https://papers.example.org/trending.atom"


def test_a_json_feed_has_all_that_version_1_1_demands():
    known = json.loads(write_json(a_feed(an_entry())))
    assert known["version"] == "https://jsonfeed.org/version/1.1"
    assert known["title"] == "Trending papers"
    [item] = known["items"]
    assert item["id"] == "tag:papers.example.org,2026:arxiv:2602.00001"
    assert item["content_html"].startswith("<p>")
    assert item["date_published"] == "2026-03-02T08:00:00Z"


def test_what_is_not_known_is_left_out():
    bare = Entry(a_paper(abstract=None, url=None, published_on=None), (), NOW)
    [item] = json.loads(write_json(a_feed(bare)))["items"]
    assert set(item) == {"id", "title", "date_published"} | ({"content_html"} & set(item))
    assert atom(a_feed(bare)).find(f"{ATOM}entry/{ATOM}link") is None


def test_an_empty_feed_is_a_feed():
    assert atom(a_feed()).findtext(f"{ATOM}updated") == "1970-01-01T00:00:00Z"
    assert json.loads(write_json(a_feed()))["items"] == []


def test_both_forms_say_the_same_of_a_paper():
    feed = a_feed(an_entry(authors=("Ada Example",), fields=("Computer Vision",), upvotes=41))
    [item] = json.loads(write_json(feed))["items"]
    entry = atom(feed).find(f"{ATOM}entry")
    assert entry.findtext(f"{ATOM}id") == item["id"]
    assert entry.findtext(f"{ATOM}title") == item["title"]
    assert entry.findtext(f"{ATOM}content") == item["content_html"]
    assert "41 upvotes" in item["content_html"]
    assert "Why: speculative decoding" in item["content_html"]


def test_an_id_depends_on_the_paper_alone():
    before = atom(a_feed(an_entry(title="One", why=("a",))))
    after = atom(a_feed(an_entry(title="Two", why=("b",), at=NOW + timedelta(days=9))))
    assert before.findtext(f"{ATOM}entry/{ATOM}id") == after.findtext(f"{ATOM}entry/{ATOM}id")
    assert entry_id("a.example", "title:00ff") == "tag:a.example,2026:title:00ff"


def test_the_same_values_give_the_same_bytes_and_others_another_etag():
    feed, other = a_feed(an_entry()), a_feed(an_entry(2))
    for write in (write_atom, write_json):
        assert etag(write(feed)) == etag(write(feed)) != etag(write(other))


@pytest.mark.parametrize("url", ["javascript:alert(1)", "data:text/html,x", "https://a@b/", "//c.example"])
def test_only_web_addresses_are_linked(url):
    feed = a_feed(an_entry(url=url))
    assert "url" not in json.loads(write_json(feed))["items"][0]
    assert atom(feed).find(f"{ATOM}entry/{ATOM}link") is None


@given(st.text(), st.text(), st.text(max_size=20))
def test_whatever_a_page_says_stays_text(title, abstract, author):
    entry = an_entry(title=title or "x", abstract=abstract, authors=(author or "y",), why=(title or "z",))
    feed = a_feed(entry)
    shown = atom(feed).findtext(f"{ATOM}entry/{ATOM}content")
    assert shown == json.loads(write_json(feed))["items"][0]["content_html"]
    tags = {node.tag for node in html.fragment_fromstring(shown, create_parent="div").iter()}
    assert tags <= {"div", "p"}


def test_our_own_reader_of_feeds_understands_both():
    feed = a_feed(an_entry(title="On <b>Bold</b> & Brave"), an_entry(2))
    for written, name in ((write_atom(feed), "feed.xml"), (write_json(feed), "feed.json")):
        parsed = parse(a_page(written, name=name))
        assert len(parsed.papers) == 2, parsed.reason
        assert parsed.papers[0].id == "arxiv:2602.00001"
    assert "<b>" not in unescape(write_json(feed).decode()).replace("On <b>Bold</b>", "")


def test_times_are_said_in_utc():
    at = datetime.fromisoformat("2026-03-02T23:30:00+05:30")
    assert b"2026-03-02T18:00:00Z" in write_atom(a_feed(an_entry(at=at)))
    assert at.astimezone(UTC).hour == 18
