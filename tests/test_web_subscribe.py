"""The first page: what is shown before anything is asked, and what becomes of an address."""

import re
from datetime import timedelta

import pytest

from digest.errors import StoreError
from digest.store.people import suppress, suppressed
from digest.web.typos import meant_instead
from tests.builders import a_paper, record
from tests.web import a_site, hidden, join, joined, path_in, sent_mails, who, words_of


@pytest.fixture
def site(tmp_path):
    with a_site(tmp_path) as opened:
        yield opened


@pytest.fixture
def app(site):
    return site[0]


@pytest.fixture
def clock(site):
    return site[1]


@pytest.fixture
def browser(site):
    return site[2]


# ── before anything is asked ─────────────────────────────────────────────────────────────────────────────────────────


def test_the_first_page_shows_what_everybody_likes_and_how_to_get_more(browser):
    page = words_of(browser.get("/").text)
    assert "What everybody likes today" in page
    assert "upvotes" in page
    assert "Email me a confirmation link" in page


def test_topics_are_answered_with_ranked_papers_reasons_and_counts(browser):
    page = words_of(browser.post("/preview", data={"topics": "audio codec"}).text)
    assert "Audio Codec for Everybody" in page
    assert "papers in 30 days" in page
    assert "in this digest" in page


def test_a_misspelt_topic_is_answered_with_what_was_meant(browser):
    answer = browser.post("/preview", data={"topics": "speculative decodng"}).text
    assert "nothing says this; try" in words_of(answer)
    assert 'value="speculative decoding"' in answer


def test_a_topic_with_a_minus_keeps_papers_out(browser):
    answer = words_of(browser.post("/preview", data={"topics": "audio codec, -audio codec"}).text)
    assert "Audio Codec for Everybody" not in answer


def test_the_preview_without_a_script_is_the_whole_page_with_everything_kept(browser):
    typed = {
        "act": "preview",
        "topics": "audio codec",
        "email": "me@example.org",
        "at": "06:15",
        "zone": "Asia/Tokyo",
    }
    page = browser.post("/", data=typed).text
    assert "Your digest today" in page
    assert 'value="me@example.org"' in page
    assert 'value="06:15"' in page
    assert "<option selected>Asia/Tokyo</option>" in page


def test_what_is_offered_is_added_to_the_topics(browser):
    page = browser.post("/", data={"topics": "audio codec", "add": "protein folding"}).text
    assert ">audio codec, protein folding</textarea>" in page


@pytest.mark.parametrize(
    "pasted",
    [
        "Paper 1: Speculative Decoding for Everybody\nPaper 11: Speculative Decoding for Everybody",
        "https://arxiv.org/abs/2602.00001\nhttps://arxiv.org/abs/2602.00011v2",
        "@article{a, title={Speculative decoding with drafts}}\n@article{b, title={Drafts in speculative decoding}}",
        """[{"type": "article", "title": "Speculative decoding with drafts"},
            {"type": "article", "title": "Drafts in speculative decoding"}]""",
        "TY  - JOUR\nTI  - Speculative decoding at last\nER  - \nTY  - JOUR\nTI  - Speculative decoding\nER  - \n",
    ],
    ids=["titles", "arxiv", "bibtex", "csl", "ris"],
)
def test_a_library_becomes_topics_to_tick(browser, pasted):
    page = browser.post("/", data={"act": "propose", "library": pasted}).text
    assert "tick what you want to follow" in page
    assert (
        "speculative" in page.partition("tick what you want to follow")[2].partition("</fieldset>")[0].lower()
    )


def test_what_is_no_library_is_told(browser):
    page = words_of(browser.post("/", data={"act": "propose", "library": "  ?  "}).text)
    assert "No paper was found in that" in page


def test_an_empty_house_says_so(tmp_path):
    with a_site(tmp_path, papers=0) as (_, _, browser):
        assert "No papers have been picked up yet" in words_of(browser.get("/").text)
        said = words_of(browser.post("/preview", data={"topics": "x"}).text)
    assert "No papers have been picked up yet" in said
    assert "since your last digest" not in said
    assert "0 papers" not in said
    assert "comes close to your topics" not in said


def test_papers_without_votes_are_not_said_to_be_missing(tmp_path):
    with a_site(tmp_path, papers=0) as (app, clock, browser):
        record(app.store, *(a_paper(number) for number in range(1, 4)), at=clock() - timedelta(hours=1))
        said = words_of(browser.get("/").text)
    assert "Name a topic to see what fits it" in said
    assert "No papers have been picked up yet" not in said


def test_hostile_topics_are_shown_as_text(browser):
    for typed in ("<script>alert(1)</script>", "{{ 7 * 7 }}", '"><img src=x onerror=alert(1)>', "${7*7}"):
        answer = browser.post("/", data={"act": "preview", "topics": typed}).text
        assert "<script>alert" not in answer
        assert "<img src=x" not in answer
        assert "49" not in answer.partition("<textarea")[2].partition("</textarea>")[0]


# ── the address ──────────────────────────────────────────────────────────────────────────────────────────────────────


def test_an_address_is_asked_by_one_mail_and_the_page_says_where_to_look(app, browser, clock):
    answer = join(browser, clock)
    assert (answer.status_code, answer.headers["location"]) == (303, "/sent")
    assert "Check your inbox" in words_of(browser.get("/sent").text)
    [(kind, to, _)] = sent_mails(app)
    assert (kind, to) == ("confirm", "reader@example.org")


def test_strangers_friends_and_barred_addresses_get_the_same_answer(app, browser, clock):
    joined(app, browser, clock, "friend@example.org")
    with app.store.writing() as tx:
        suppress(tx, app.store.address_hash("barred@example.org"), "complaint", "", clock())
    answers = [
        join(browser, clock, f"{name}@example.org") for name in ("stranger", "friend", "barred", "stranger")
    ]
    assert len({(answer.status_code, answer.text, str(answer.headers)) for answer in answers}) == 1


@pytest.mark.parametrize(
    ("email", "told"),
    [
        ("", "Your address is missing"),
        ("me.example.org", "no @ sign"),
        ("me@@example.org", "more than one @ sign"),
        ("me@localhost", "Write it like name@example.org"),
        ("=?x?q?a=40b?=@example.org", "does not look like an address"),
        ("me@gmial.com", "Did you mean me@gmail.com?"),
    ],
)
def test_an_address_that_cannot_be_right_is_told_beside_the_field_and_all_is_kept(
    app, browser, clock, email, told
):
    answer = join(browser, clock, email, topics="quantum error")
    assert answer.status_code == 422
    assert told in words_of(answer.text)
    assert 'aria-invalid="true"' in answer.text
    assert "quantum error" in answer.text
    assert sent_mails(app) == []


def test_an_odd_domain_is_taken_when_it_is_said_twice(app, browser, clock):
    first = join(browser, clock, "me@gmial.com")
    again = {"meant": hidden(first.text, "meant"), "stamp": hidden(first.text, "stamp")}
    answer = browser.post("/", data={"act": "subscribe", "email": "me@gmial.com", **again})
    assert answer.status_code == 303
    assert sent_mails(app)[0][1] == "me@gmial.com"


def test_domains_that_are_right_are_not_doubted():
    assert meant_instead("me@gmail.com") is None
    assert meant_instead("me@example.org") is None
    assert meant_instead("me@hotmial.com") == "me@hotmail.com"


def test_a_form_that_is_sent_faster_than_anybody_types_is_asked_for_again(app, browser):
    stamp = hidden(browser.get("/").text, "stamp")
    answer = browser.post("/", data={"stamp": stamp, "email": "me@example.org", "act": "subscribe"})
    assert answer.status_code == 422
    assert "press the button again" in words_of(answer.text)
    again = {"stamp": hidden(answer.text, "stamp"), "email": "me@example.org", "act": "subscribe"}
    assert browser.post("/", data=again).status_code == 303
    assert len(sent_mails(app)) == 1


@pytest.mark.parametrize("stamp", ["", "x", "A" * 35])
def test_a_form_of_our_own_is_needed(app, browser, stamp):
    answer = browser.post("/", data={"stamp": stamp, "email": "me@example.org", "act": "subscribe"})
    assert answer.status_code == 422
    assert sent_mails(app) == []


def test_who_fills_in_what_people_do_not_see_gets_a_kind_word_and_nothing_else(app, browser, clock):
    answer = join(browser, clock, website="https://evil.example")
    assert answer.headers["location"] == "/sent"
    assert sent_mails(app) == []


def test_too_many_requests_of_a_network_are_told_with_everything_kept(app, browser, clock):
    answers = [join(browser, clock, f"r{n}@d{n}.example") for n in range(6)]
    assert [answer.status_code for answer in answers] == [303] * 5 + [429]
    assert answers[-1].headers["retry-after"] == "3600"
    assert 'value="r5@d5.example"' in answers[-1].text


def test_a_database_that_cannot_be_written_is_told(app, browser, clock, monkeypatch):
    page = browser.get("/").text
    clock.move(seconds=5)

    def refuse():
        raise StoreError("cannot write to the database: it is read-only")

    monkeypatch.setattr(app.store, "writing", refuse)
    answer = browser.post(
        "/", data={"stamp": hidden(page, "stamp"), "email": "me@example.org", "act": "subscribe"}
    )
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "120")


def test_what_was_chosen_is_what_is_kept(app, browser, clock):
    topics = "speculative decoding, draft model, -survey"
    reader = joined(app, browser, clock, topics=topics, every="week", at="06:45", zone="Asia/Tokyo")
    assert [one.keywords for one in reader.profile.interests] == [("speculative decoding",), ("draft model",)]
    assert reader.profile.mute == ("survey",)
    assert (reader.profile.cadence.every, f"{reader.profile.cadence.at:%H:%M}") == ("week", "06:45")
    assert reader.profile.timezone == "Asia/Tokyo"


# ── the confirmation ─────────────────────────────────────────────────────────────────────────────────────────────────


def test_opening_the_confirmation_changes_nothing_and_shows_two_buttons(app, browser, clock):
    join(browser, clock)
    path = path_in(sent_mails(app)[0][2], "c")
    for method in ("GET", "HEAD"):
        assert browser.request(method, path).status_code == 200
    page = browser.get(path).text
    assert "r•••@example.org" in page
    assert "reader@example.org" not in page
    assert page.count('name="act"') == 2
    assert who(app).status == "pending"


def test_the_press_confirms_shows_when_it_begins_and_leads_to_the_settings(app, browser, clock):
    join(browser, clock)
    path = path_in(sent_mails(app)[0][2], "c")
    page = browser.post(path, data={"act": "confirm"}).text
    assert "Your first digest comes Tue 3 Mar, 07:30 (Europe/Berlin)" in words_of(page)
    assert who(app).status == "active"
    settings = page.partition('class="button main" href="https://papers.example.org')[2].partition('"')[0]
    assert browser.get(settings).status_code == 200
    [(_, _, welcome)] = sent_mails(app, "welcome")
    assert "Speculative Decoding for Everybody" in " ".join(welcome.split())


def test_the_same_link_later_says_that_it_is_done_and_opens_nothing(app, browser, clock):
    joined(app, browser, clock)
    page = browser.get(path_in(sent_mails(app)[0][2], "c")).text
    assert "nothing left to do" in page
    assert "/s/" not in page


def test_it_was_not_me_ends_it(app, browser, clock):
    join(browser, clock)
    path = path_in(sent_mails(app)[0][2], "c")
    assert "Nothing will be sent" in browser.post(path, data={"act": "decline"}).text
    clock.move(minutes=5)
    assert "Nothing will be sent" in browser.post(path, data={"act": "confirm"}).text
    assert who(app).status == "pending"


def test_whoever_was_entered_by_others_can_end_it_for_good(app, browser, clock):
    join(browser, clock)
    path = path_in(sent_mails(app)[0][2], "c")
    browser.post(path, data={"act": "bar"})
    assert not barred(app)
    browser.post(path, data={"act": "decline"})
    assert "never written to again" in words_of(browser.post(path, data={"act": "bar"}).text)
    assert barred(app)


def barred(app):
    with app.store.reading() as db:
        return suppressed(db, [app.store.address_hash("reader@example.org")])


def test_both_buttons_within_seconds_are_a_machine(app, browser, clock):
    join(browser, clock)
    path = path_in(sent_mails(app)[0][2], "c")
    browser.post(path, data={"act": "confirm"})
    clock.move(seconds=2)
    assert "as a program does" in browser.post(path, data={"act": "decline"}).text
    assert who(app).status == "pending"
    clock.move(minutes=1)
    browser.post(path, data={"act": "confirm"})
    assert who(app).status == "active"


def test_an_old_link_says_no_more_than_a_wrong_one_and_the_mailbox_gets_another_question(app, browser, clock):
    join(browser, clock)
    path = path_in(sent_mails(app)[0][2], "c")
    clock.move(days=8)
    wrong = browser.get("/c/wrong")
    for answer in (browser.get(path), browser.post(path, data={"act": "confirm"})):
        assert (answer.status_code, answer.text) == (wrong.status_code, wrong.text)
    assert 'href="/link"' in wrong.text
    assert browser.post("/link", data={"email": "reader@example.org"}).headers["location"] == "/sent"
    again = path_in(sent_mails(app, "confirm")[1][2], "c")
    assert "You are in" in browser.post(again, data={"act": "confirm"}).text


def test_a_button_that_is_none_is_refused(app, browser, clock):
    join(browser, clock)
    assert browser.post(path_in(sent_mails(app)[0][2], "c"), data={"act": "rm"}).status_code == 400


def test_somebody_who_has_typed_nothing_is_offered_what_the_papers_are_about(browser):
    offers = re.findall(r'<button class="offer"[^>]* value="([^"]+)"', browser.get("/").text)
    assert set(offers) & {"audio codec", "protein folding", "sparse attention", "draft model"}
    taken = browser.post("/", data={"add": offers[0], "act": ""}).text
    assert f">{offers[0]}</textarea>" in taken


def test_a_proposal_that_is_typed_already_is_not_announced(browser):
    page = words_of(
        browser.post("/preview", data={"topics": "speculative decoding, speculative decodng"}).text
    )
    assert "nothing says this at the moment" in page
    assert "nothing says this; try" not in page
