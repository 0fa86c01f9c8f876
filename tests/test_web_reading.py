"""Reading on the web: a digest by its private link, what everybody likes, and feeds that can be taken back."""

import json
from datetime import date, timedelta

import pytest
from lxml import etree, html
from starlette.testclient import TestClient

from digest.app import App
from digest.model import Digest, Pick, Reason, ReasonKind, Score, Section
from digest.stationery import read_secret
from digest.store.feeds import renew_feed, revoke_feed
from digest.store.owing import Owed, owe_digests
from digest.store.papers import find_paper
from digest.subscriptions import revoke_links
from digest.tokens import sign
from digest.web.reading import feed_urls
from digest.web.site import make_site
from tests.builders import NOW, a_paper, a_profile, an_issue, record, subscribe

URL = "https://papers.example.org"
DAY = date(2026, 3, 2)
EVIL = "<script>alert(1)</script><img src=x onerror=alert(1)>\"'&"


@pytest.fixture
def app(tmp_path):
    with App.open(tmp_path, web_url=URL) as opened:
        yield opened


@pytest.fixture
def browser(app):
    with TestClient(make_site(app, clock=lambda: NOW), base_url=URL) as client:
        yield client


@pytest.fixture
def secret(app):
    return read_secret(app.settings)


@pytest.fixture
def reader(app):
    """Somebody who was sent a digest of two papers, one of them with markup in its title."""
    person = subscribe(app.store, a_profile())
    record(app.store, a_paper(1), a_paper(2, title=EVIL, abstract=EVIL, authors=(EVIL,)))
    with app.store.writing() as tx:
        stored = [one for n in (1, 2) if (one := find_paper(tx, a_paper(n).id))]
        why = (Reason(ReasonKind.KEYWORD, "draft model", 0.5),)
        picks = tuple(Pick(one.paper, Score(one.paper.id, 1.0, why), Section.TOP) for one in stored)
        digest = Digest(an_issue(DAY), person.email, picks, 9, person.profile)
        message = app.letters.write(digest, person, now=NOW)
        owe_digests(tx, [Owed(digest, message, person, tuple(one.pk for one in stored))], now=NOW)
    return person


def link(secret, who, on=DAY):
    return f"/w/{sign(secret, 'web', who, str(on))}/{on}"


def open_feed(app, secret, person):
    with app.store.writing() as tx:
        serial = renew_feed(tx, person.id, now=NOW)
    return {form: url.removeprefix(URL) for form, url in feed_urls(URL, secret, person.id, serial).items()}


def refusal(browser):
    answer = browser.get("/w/x/2026-03-02")
    return answer.status_code, answer.text


def test_a_digest_is_read_by_its_link_as_it_left(browser, reader, secret):
    answer = browser.get(link(secret, reader.id))
    assert answer.status_code == 200
    assert "A Careful Study of Subject 1" in answer.text
    assert answer.headers["cache-control"] == "no-store"


def test_a_mail_on_the_web_is_shut_in(browser, reader, secret):
    policy = browser.get(link(secret, reader.id)).headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "sandbox" in policy
    assert "allow-scripts" not in policy
    assert "script-src" not in policy
    assert "form-action 'none'" in policy


def test_the_link_in_the_mail_is_the_one_that_works(app, browser, reader):
    with app.store.reading() as db:
        digest = Digest(an_issue(DAY), reader.email, (), 0, reader.profile)
        url = app.letters.links(reader, digest).web_url
        assert db is not None
    assert browser.get(url).status_code == 200


@pytest.mark.parametrize(
    "wrong", ["another day", "another reader", "another purpose", "no such day", "cut", "no date"]
)
def test_whatever_is_wrong_with_a_link_gets_one_same_page(browser, reader, secret, wrong):
    token = sign(secret, "web", reader.id, str(DAY))
    path = {
        "another day": f"/w/{token}/2026-03-03",
        "another reader": f"/w/{sign(secret, 'web', reader.id + 1, str(DAY))}/{DAY}",
        "another purpose": f"/w/{sign(secret, 'unsubscribe', reader.id)}/{DAY}",
        "no such day": link(secret, reader.id, DAY + timedelta(days=1)),
        "cut": f"/w/{token[:-1]}/{DAY}",
        "no date": f"/w/{sign(secret, 'web', reader.id, 'today')}/today",
    }[wrong]
    answer = browser.get(path)
    assert (answer.status_code, answer.text) == refusal(browser)
    assert answer.status_code == 404


def test_everybody_sees_what_the_community_likes(app, browser):
    record(app.store, a_paper(1, upvotes=3), a_paper(2, upvotes=41), a_paper(3, upvotes=7))
    answer = browser.get("/trending")
    titles = [node.text_content().strip() for node in html.fromstring(answer.text).iter("h2")]
    assert titles == [a_paper(n).title for n in (2, 3, 1)]
    assert "41\u00a0upvotes" in answer.text
    assert "Monday, 2 March 2026" in answer.text
    assert answer.headers["cache-control"] == "public, max-age=300"


def test_the_page_for_everybody_says_so_when_there_is_nothing(browser):
    assert "There are no papers of the last days yet" in browser.get("/trending").text


def test_the_newest_day_is_shown_and_named_when_today_has_none(app, browser):
    old = NOW - timedelta(days=3)
    record(app.store, *(a_paper(n, upvotes=n) for n in range(1, 8)), at=old)
    record(app.store, a_paper(99, upvotes=900), at=old - timedelta(days=2), name="older.json")
    text = browser.get("/trending").text
    assert "Friday, 27 February 2026, the newest day there is" in text
    assert "Subject 99" not in text


def test_a_title_with_markup_is_text_on_every_page_and_in_every_feed(app, browser, reader, secret):
    feeds = open_feed(app, secret, reader)
    for path in ("/trending", "/trending.atom", "/trending.json", *feeds.values(), link(secret, reader.id)):
        text = browser.get(path).text
        assert "<script>alert" not in text, path
        assert "<img src=x" not in text, path
        assert "alert(1)" in text, path


def test_a_personal_feed_has_the_papers_of_the_digests_with_their_reasons(app, browser, reader, secret):
    feeds = open_feed(app, secret, reader)
    items = json.loads(browser.get(feeds["json"]).text)["items"]
    assert [item["id"] for item in items] == [
        "tag:papers.example.org,2026:arxiv:2602.00001",
        "tag:papers.example.org,2026:arxiv:2602.00002",
    ]
    assert "Why: draft model" in items[0]["content_html"]
    root = etree.fromstring(browser.get(feeds["atom"]).content)
    assert len(root.findall("{http://www.w3.org/2005/Atom}entry")) == 2


def test_a_feed_holds_no_address(app, browser, reader, secret):
    for path in open_feed(app, secret, reader).values():
        assert reader.email not in browser.get(path).text


@pytest.mark.parametrize("path", ["/trending.atom", "/trending.json", "feed"])
def test_a_feed_that_did_not_change_is_not_sent_again(app, browser, reader, secret, path):
    path = open_feed(app, secret, reader)["atom"] if path == "feed" else path
    first = browser.get(path)
    tag = first.headers["etag"]
    for known in (tag, f"W/{tag}", f'"other", {tag}', "*"):
        again = browser.get(path, headers={"If-None-Match": known})
        assert (again.status_code, again.content) == (304, b"")
        assert again.headers["etag"] == tag
    assert browser.get(path, headers={"If-None-Match": '"other"'}).status_code == 200


def test_media_types_are_those_of_feeds(browser):
    assert browser.get("/trending.atom").headers["content-type"] == "application/atom+xml; charset=utf-8"
    assert browser.get("/trending.json").headers["content-type"] == "application/feed+json; charset=utf-8"
    assert browser.get("/trending.rss").status_code == 404


def test_a_feed_that_was_renewed_or_revoked_is_gone_and_says_no_more_than_any_bad_link(
    app, browser, reader, secret
):
    old = open_feed(app, secret, reader)["atom"]
    new = open_feed(app, secret, reader)["atom"]
    assert (browser.get(old).status_code, browser.get(old).text) == refusal(browser)
    assert browser.get(new).status_code == 200
    with app.store.writing() as tx:
        revoke_feed(tx, reader.id, now=NOW)
    assert (browser.get(new).status_code, browser.get(new).text) == refusal(browser)


def test_a_feed_that_was_never_opened_has_no_address(app, browser, reader, secret):
    for serial in (-1, 0, 1):
        path = feed_urls(URL, secret, reader.id, serial)["atom"].removeprefix(URL)
        assert browser.get(path).status_code == 404


def test_the_page_for_everybody_is_made_once_for_many(app, browser, monkeypatch):
    made = []
    real = app.store.reading

    def counted():
        made.append(1)
        return real()

    monkeypatch.setattr(app.store, "reading", counted)
    for _ in range(5):
        browser.get("/trending")
        browser.get("/trending.atom")
    assert len(made) == 1


def test_an_archive_lists_the_digests_of_its_owner_behind_the_fresh_link(app, browser, reader):
    path = app.office.settings_link(reader, now=NOW).removeprefix(URL)
    assert f'href="{path}/archive"' in browser.get(path).text
    text = browser.get(f"{path}/archive").text
    assert "Monday, 2 March 2026" in text
    [link] = [node.get("href") for node in html.fromstring(text).iter("a") if "/w/" in node.get("href")]
    assert "A Careful Study of Subject 1" in browser.get(link).text


def test_an_archive_opens_to_nobody_else_and_not_for_long(app, browser, reader):
    late = app.office.settings_link(reader, now=NOW - timedelta(hours=1)).removeprefix(URL)
    for path in (f"{late}/archive", "/s/x/archive"):
        answer = browser.get(path)
        assert (answer.status_code, answer.text) == refusal(browser)


def test_links_end_when_their_reader_ends_all_links(app, browser, reader, secret):
    with app.store.writing() as tx:
        revoke_links(tx, reader, now=NOW)
    assert (
        browser.get(link(secret, reader.id)).status_code,
        browser.get(link(secret, reader.id)).text,
    ) == refusal(browser)
