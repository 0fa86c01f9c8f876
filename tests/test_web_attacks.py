"""Attacks in small numbers; `python -m tests.attacks` makes them large."""

import httpx
import pytest

from tests.attacks.bombing import bomb
from tests.attacks.forged import answer_of, erased, expired, forgeries, revoked, taken_for_good
from tests.attacks.fortress import PAGES, fortress
from tests.attacks.hostile import ATTRIBUTE, HEADER, TAG, assault, changed_tables, wrong_with
from tests.attacks.timing import compare

FOREIGN = (
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"},
    {"Origin": "https://evil.example"},
)


@pytest.fixture
def house(tmp_path):
    with fortress(tmp_path) as built:
        yield built


def test_hostile_requests_break_nothing(house):
    before = house.dump()
    found = assault(house, 400, seed=1)
    assert [(one.what, one.request) for one in found] == []
    assert changed_tables(before, house.dump()) <= {"sessions"}  # the operator's own login


def test_a_link_that_is_not_right_in_any_bit_gets_one_same_page_and_changes_nothing(house):
    before = house.dump()
    assert list(taken_for_good(house, forgeries(house, every=23))) == []
    assert house.dump() == before


@pytest.mark.parametrize("ended", [expired, revoked, erased])
def test_links_that_are_no_longer_good_get_the_same_page_and_change_nothing(house, ended):
    good = {kind: answer_of(house, path)[0] for kind, path in house.links.items()}
    assert set(good.values()) == {200}
    links = list(ended(house))
    before = house.dump()
    assert list(taken_for_good(house, links)) == []
    assert house.dump() == before


def test_every_page_that_takes_a_token_is_among_those_that_are_attacked(house):
    """What is written down here is what the site has."""
    tried = {(page.split("/")[1], page.count("/")) for pages in PAGES.values() for page in pages}
    has = {
        (path.split("/")[1], path.replace("/{direction}/{about:path}", "/a/b").count("/"))
        for path, _ in house.routes()
        if "{token}" in path
    }
    assert tried == has


def test_no_form_of_another_site_changes_anything_on_any_route(house):
    before = house.dump()
    for path, methods in house.routes():
        if "POST" not in methods:
            continue
        url = next((good for good in house.links.values() if good.split("/")[1] == path.split("/")[1]), path)
        if path.startswith("/u/"):
            continue  # one click comes from the servers of a mail program; it has a test of its own
        for headers in FOREIGN:
            answer = house.browser.post(url, data={"act": "save", "email": "x@example.org"}, headers=headers)
            assert answer.status_code == 403, path
    assert house.dump() == before


def test_from_another_site_only_the_one_click_of_rfc_8058_unsubscribes(house):
    before = house.dump()
    for headers in FOREIGN:
        for body in ({}, {"List-Unsubscribe": "Two-Click"}, {"act": ""}, {"x": "y"}):
            house.browser.post(house.links["unsubscribe"], data=body, headers=headers)
    assert house.dump() == before


def test_nobody_gets_more_than_one_mail_however_often_their_name_is_given(house):
    done = bomb(house, 300, victims=30, networks=60)
    assert done.most_for_one == 1
    assert done.mails <= house.app.settings.file.web.confirmations_per_day


def test_the_time_of_an_answer_is_about_the_same_for_friends_and_strangers(house):
    done = compare(house, 40)
    assert 0.1 < done.known_faster < 0.9  # few pairs; the command measures many
    assert done.known_ms < 3 * done.unknown_ms < 9 * done.known_ms


@pytest.mark.parametrize(
    ("answer", "what"),
    [
        (httpx.Response(500), "status 500"),
        (httpx.Response(200, headers={HEADER: "1"}), "a header of theirs"),
        (httpx.Response(303, headers={"Location": "//evil.example"}), "leads away: //evil.example"),
        (httpx.Response(200, html=f"<p {ATTRIBUTE}=1>"), "markup of theirs"),
        (httpx.Response(200, html=f"<p><{TAG}>"), "markup of theirs"),
        (httpx.Response(200, text=f"<{TAG}>"), "their words in text/plain; charset=utf-8"),
        (httpx.Response(200), "no policy"),
    ],
)
def test_the_checker_finds_what_it_should(answer, what):
    assert what in wrong_with(answer)
    good = httpx.Response(303, headers={"Location": "/sent", "Content-Security-Policy": "default-src 'none'"})
    assert wrong_with(good) == []
