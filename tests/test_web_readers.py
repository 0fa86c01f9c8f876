"""Pages of one reader: what a forwarded digest can do, what only the owner of the mailbox can, and that looking does nothing."""

import json
import re
import tomllib
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import text

from digest.pages.identity import title_id
from digest.store.votes import count_votes, votes_of
from digest.tokens import sign, sign_until
from digest.web.vote import Effect
from tests.builders import a_paper, a_profile, record, subscribe
from tests.web import URL, a_site, fresh, joined, lasting, path_in, sent_mails, who, words_of

READER = "reader@example.org"


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


@pytest.fixture
def reader(app, browser, clock):
    return joined(app, browser, clock)


def dump(app):
    """Every row of every table."""
    with app.store.reading() as db:
        tables = db.execute(
            text("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")
        ).scalars()
        return {table: [tuple(row) for row in db.execute(text(f"SELECT * FROM {table}"))] for table in tables}


# ── leaving ──────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        ("List-Unsubscribe=One-Click", "application/x-www-form-urlencoded"),
        (
            '--b\r\nContent-Disposition: form-data; name="List-Unsubscribe"\r\n\r\nOne-Click\r\n--b--\r\n',
            "multipart/form-data; boundary=b",
        ),
    ],
)
def test_the_one_click_of_a_mail_program_leaves_at_once(app, browser, reader, body, kind):
    headers = {"Content-Type": kind, "Origin": "https://mail.example", "Sec-Fetch-Site": "cross-site"}
    path = lasting(app, "unsubscribe_url")
    for _ in range(2):
        answer = browser.post(path, content=body, headers=headers)
        assert answer.status_code == 200
        assert "location" not in answer.headers
        assert "set-cookie" not in answer.headers
    assert who(app).status == "unsubscribed"
    assert sent_mails(app, "goodbye") == []


def test_the_page_has_one_press_and_milder_ways_beside_it(app, browser, reader):
    path = lasting(app, "unsubscribe_url")
    page = words_of(browser.get(path).text)
    assert "Unsubscribe" in page
    assert "Once a week instead" in page
    assert "Pause for a month" in page
    assert browser.post(path, data={"act": "leave"}).status_code == 303
    assert "You will get nothing more" in words_of(browser.get(path).text)
    assert who(app).status == "unsubscribed"
    assert len(sent_mails(app, "goodbye")) == 1


def test_leaving_is_undone_by_a_press(app, browser, reader):
    path = lasting(app, "unsubscribe_url")
    browser.post(path, data={"act": "leave"})
    answer = browser.post(path, data={"act": "undo"})
    assert "You are back" in browser.get(answer.headers["location"]).text
    assert who(app).status == "active"


def test_weekly_instead_changes_the_rhythm_tells_the_owner_and_can_come_after_leaving(app, browser, reader):
    path = lasting(app, "unsubscribe_url")
    browser.post(path, data={"act": "leave"})
    browser.post(path, data={"act": "weekly"})
    changed = who(app)
    assert (changed.status, changed.profile.cadence.every) == ("active", "week")
    assert len(sent_mails(app, "changed")) == 1


def test_a_link_of_an_old_mail_works_for_years(app, browser, clock, reader):
    path = lasting(app, "unsubscribe_url")
    clock.move(days=1200)
    assert browser.post(path, content="List-Unsubscribe=One-Click").status_code == 200
    assert who(app).status == "unsubscribed"


# ── what a forwarded digest can do ───────────────────────────────────────────────────────────────────────────────────


def test_links_of_a_digest_show_no_keywords_and_no_address(app, browser, clock, reader):
    for name in ("unsubscribe_url", "preferences_url"):
        page = browser.get(lasting(app, name)).text
        assert "speculative" not in page
        assert READER not in page
        assert "r•••@example.org" in page


def test_links_of_a_digest_open_no_settings(app, browser, reader):
    for name in ("unsubscribe_url", "preferences_url", "feedback_url"):
        token = lasting(app, name).rpartition("/")[2]
        for path in ("", "/export.json", "/profile.toml", "/address", "/erase"):
            assert browser.get(f"/s/{token}{path}").status_code == 404


@pytest.mark.parametrize("until", ["week", "month", "open", "date"])
def test_a_pause_is_one_press(app, browser, clock, reader, until):
    path = lasting(app, "preferences_url")
    on = (clock() + timedelta(days=20)).date().isoformat()
    browser.post(path, data={"act": "pause", "until": until, "date": on, "catch_up": "1"})
    paused = who(app)
    assert paused.status == "paused"
    assert paused.catch_up_since == clock()
    assert (paused.paused_until is None) is (until == "open")
    assert "paused" in words_of(browser.get(path).text)
    browser.post(path, data={"act": "resume"})
    assert who(app).status == "active"


@pytest.mark.parametrize("day", ["", "tomorrow", "2001-01-01", "9999-12-31T"])
def test_a_pause_until_a_day_asks_for_one_to_come_instead_of_lasting_for_ever(
    app, browser, clock, reader, day
):
    settings = "/s/" + app.office.settings_link(who(app), now=clock()).rpartition("/")[2]
    for path in (lasting(app, "preferences_url"), settings):
        answer = browser.post(
            path, data={"act": "pause", "until": "date", "date": day}, follow_redirects=True
        )
        assert "choose the day on which your digest comes back" in words_of(answer.text)
        assert who(app).status == "active"


def test_a_pause_that_ends_brings_what_was_missed(app, browser, clock, reader):
    browser.post(lasting(app, "preferences_url"), data={"act": "pause", "until": "week", "catch_up": "1"})
    clock.move(days=2)
    assert app.publish(now=clock()).queued == 0
    clock.move(days=6)
    assert app.publish(now=clock()).queued == 1
    [(_, _, mail)] = sent_mails(app, "digest")
    assert "since" in mail.lower()
    assert who(app).catch_up_since is None


def test_another_rhythm_is_one_press(app, browser, reader):
    path = lasting(app, "preferences_url")
    browser.post(path, data={"act": "rhythm", "every": "month"})
    assert who(app).profile.cadence.every == "month"
    browser.post(path, data={"act": "rhythm", "every": "<script>"})
    assert who(app).profile.cadence.every == "month"


def test_everything_else_is_mailed_to_the_owner(app, browser, reader):
    answer = browser.post(lasting(app, "preferences_url"), data={"act": "link"})
    assert "half an hour" in words_of(browser.get(answer.headers["location"]).text)
    [(_, to, mail)] = sent_mails(app, "link")
    assert to == READER
    assert browser.get(path_in(mail, "s")).status_code == 200


def test_a_fresh_link_is_asked_for_without_telling_who_is_known(app, browser, reader):
    answers = [browser.post("/link", data={"email": email}) for email in (READER, "stranger@example.com")]
    assert len({(answer.status_code, answer.text, str(answer.headers)) for answer in answers}) == 1
    assert [mail[1] for mail in sent_mails(app, "link")] == [READER]


def test_a_file_owned_reader_may_pause_and_leave_and_sees_where_the_rest_stands(app, browser, clock):
    subscribe(app.store, a_profile(), now=clock())
    path = lasting(app, "preferences_url")
    page = words_of(browser.get(path).text)
    assert "stand in the file reader@example.org.toml" in page
    browser.post(path, data={"act": "rhythm", "every": "week"})
    assert who(app).profile.cadence.every == "day"
    browser.post(path, data={"act": "pause", "until": "week"})
    assert who(app).status == "paused"
    browser.post(lasting(app, "unsubscribe_url"), content="List-Unsubscribe=One-Click")
    assert who(app).status == "unsubscribed"


# ── settings ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def filled(page: str) -> dict[str, str]:
    """What a browser would send of the form, as it stands."""
    form = page.partition('id="join"')[2].partition("</form>")[0]
    fields = dict(
        re.findall(
            r'<input(?=[^>]*type="(?:text|hidden|range|time)")[^>]*name="([^"]+)" value="([^"]*)"', form
        )
    )
    fields |= {
        name: value
        for name, body in re.findall(r'<select id="\w+" name="(\w+)"[^>]*>(.*?)</select>', form, re.DOTALL)
        for value in re.findall(r'<option value="([^"]*)" selected', body)
    }
    zone = re.search(r"<option selected>([^<]+)</option>", form)
    times = dict(re.findall(r'type="(?:time|range)" id="\w+" name="(\w+)"[^>]*value="([^"]*)"', form))
    return fields | times | ({"zone": zone[1]} if zone else {})


def test_settings_show_everything_with_the_digest_beside_it(app, browser, clock, reader):
    page = browser.get(fresh(app, clock)).text
    assert 'value="speculative decoding"' in page
    assert READER in page
    assert "Your digest as of now" in page
    assert "papers in 30 days" in page
    assert browser.get(fresh(app, clock)).headers["cache-control"] == "no-store"


def test_every_field_is_saved_and_can_be_undone(app, browser, clock, reader):
    path = fresh(app, clock)
    typed = filled(browser.get(path).text) | {
        "keywords_0": "audio codec, neural codec",
        "weight_0": "2",
        "keywords_1": "diffusion",
        "weight_1": "-1",
        "mute": "survey",
        "authors": "Ada Example",
        "organizations": "Sample Lab",
        "trending": "70",
        "max_papers": "5",
        "quiet_day": "note",
        "every": "days",
        "days": ["mon", "thu"],
        "at": "18:30",
        "zone": "Asia/Tokyo",
        "act": "save",
    }
    answer = browser.post(path, data=typed)
    assert answer.status_code == 303
    page = browser.get(answer.headers["location"]).text
    assert "Saved." in page
    saved = who(app).profile
    assert [(one.keywords, one.weight) for one in saved.interests] == [
        (("audio codec", "neural codec"), 2.0),
        (("diffusion",), -1.0),
    ]
    assert (saved.mute, saved.follow_authors, saved.follow_organizations) == (
        ("survey",), ("Ada Example",), ("Sample Lab",),
    )  # fmt: skip
    assert (saved.trending, saved.max_papers, saved.quiet_day, saved.wildcard) == (0.7, 5, "note", False)
    assert (saved.cadence.every, saved.cadence.days, saved.timezone) == ("days", ("mon", "thu"), "Asia/Tokyo")
    browser.post(path, data={"act": "undo"})
    assert who(app).profile == reader.profile


def test_saving_a_form_as_it_stands_changes_nothing(app, browser, clock, reader):
    path = fresh(app, clock)
    browser.post(path, data=filled(browser.get(path).text) | {"act": "save", "wildcard": "1"})
    assert who(app).profile == reader.profile


def test_a_change_that_came_from_elsewhere_meanwhile_is_told(app, browser, clock, reader):
    path = fresh(app, clock)
    typed = filled(browser.get(path).text) | {"act": "save"}
    browser.post(lasting(app, "preferences_url"), data={"act": "rhythm", "every": "month"})
    answer = browser.post(path, data=typed | {"keywords_0": "other words"})
    assert answer.status_code == 409
    assert "changed elsewhere meanwhile" in words_of(answer.text)
    assert "other words" in answer.text
    assert who(app).profile.cadence.every == "month"


def test_mistakes_are_told_beside_their_field_and_nothing_is_saved(app, browser, clock, reader):
    path = fresh(app, clock)
    typed = filled(browser.get(path).text) | {"keywords_0": "a*b*c", "at": "25:00", "act": "save"}
    answer = browser.post(path, data=typed)
    assert answer.status_code == 422
    assert 'id="keywords_0-wrong"' in answer.text
    assert 'id="at-wrong"' in answer.text
    assert who(app).profile == reader.profile


def test_the_digest_beside_the_settings_follows_what_is_typed(app, browser, clock, reader):
    path = fresh(app, clock)
    answer = browser.post(f"{path}/preview", data={"keywords_0": "protein folding"})
    assert "Protein Folding for Everybody" in answer.text
    assert who(app).profile == reader.profile


def test_a_fresh_link_ends_after_half_an_hour(app, browser, clock, reader):
    path = fresh(app, clock)
    clock.move(minutes=29)
    assert browser.get(path).status_code == 200
    clock.move(minutes=2)
    assert browser.get(path).status_code == 404


def test_stopping_all_links_stops_them_but_not_this_page(app, browser, clock, reader):
    old, path = lasting(app, "unsubscribe_url"), fresh(app, clock)
    answer = browser.post(path, data={"act": "revoke"})
    assert browser.get(answer.headers["location"]).status_code == 200
    assert browser.get(path).status_code == 404
    assert browser.get(old).status_code == 404
    assert browser.get(lasting(app, "unsubscribe_url")).status_code == 200


def test_everything_kept_can_be_taken_along(app, browser, clock, reader):
    path = fresh(app, clock)
    kept = json.loads(browser.get(f"{path}/export.json").text)
    assert kept["subscriber"]["email"] == READER
    assert kept["consents"][0]["wording"]
    file = tomllib.loads(browser.get(f"{path}/profile.toml").text)
    assert file["interest"] == [{"keywords": ["speculative decoding"], "weight": 1.0}]
    assert "attachment" in browser.get(f"{path}/profile.toml").headers["content-disposition"]


def test_a_feed_is_opened_renewed_and_closed(app, browser, clock, reader):
    path = fresh(app, clock)

    def feeds(page):
        return [url.removeprefix(URL) for url in re.findall(rf'href="({URL}/feed/[^"]+)"', page)]

    assert feeds(browser.get(path).text) == []
    browser.post(path, data={"act": "feed"})
    first = feeds(browser.get(path).text)
    assert [browser.get(feed).status_code for feed in first] == [200, 200]
    browser.post(path, data={"act": "feed"})
    assert [browser.get(feed).status_code for feed in first] == [404, 404]
    browser.post(path, data={"act": "no-feed"})
    assert feeds(browser.get(path).text) == []


def test_another_address_is_asked_and_the_old_one_told(app, browser, clock, reader):
    path = fresh(app, clock)
    wrong = browser.post(f"{path}/address", data={"email": READER})
    assert (wrong.status_code, "goes to already" in wrong.text) == (422, True)
    assert browser.post(f"{path}/address", data={"email": "new@example.com"}).status_code == 303
    yes = path_in(sent_mails(app, "address")[0][2], "a")
    no = path_in(sent_mails(app, "moving")[0][2], "x")
    assert "Yes, move it here" in browser.get(yes).text
    assert "keep it here" in browser.get(no).text
    assert "moved" in browser.post(yes, data={"act": "confirm"}).text
    assert who(app, "new@example.com").id == reader.id
    assert "stays as it was" in browser.post(no, data={"act": "stop"}).text
    assert who(app).id == reader.id


def test_being_forgotten_takes_the_address_typed_out(app, browser, clock, reader, tmp_path):
    path = f"{fresh(app, clock)}/erase"
    assert browser.post(path, data={"email": "somebody@example.org"}).status_code == 422
    answer = browser.post(path, data={"email": READER.upper()})
    assert "You are forgotten" in words_of(answer.text)
    assert browser.get(path).status_code == 404
    for file in (tmp_path / "data").glob("digest.db*"):
        assert READER.encode() not in file.read_bytes(), file.name


def test_settings_of_a_file_owned_reader_are_read_only(app, browser, clock):
    before = subscribe(app.store, a_profile(), now=clock()).profile
    path = fresh(app, clock)
    page = browser.get(path).text
    assert 'name="keywords_0"' not in page
    assert "speculative decoding" in page
    browser.post(path, data={"act": "save", "keywords_0": "other", "version": "0"})
    browser.post(path, data={"act": "undo"})
    assert who(app).profile == before
    assert browser.post(f"{path}/erase", data={"email": READER}).status_code == 422
    browser.post(path, data={"act": "pause", "until": "week"})
    assert who(app).status == "paused"


def test_what_is_kept_and_how_long_is_said_as_it_is_configured(app, browser):
    page = words_of(browser.get("/privacy").text)
    assert f"{app.settings.file.retention.ledger_days} days" in page
    assert "no cookie" in page


# ── more, less, never ────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("comes", "goes", "said"),
    [
        (0, 0, "stays as it is for now"),
        (1, 0, "1 paper comes in"),
        (0, 2, "2 papers go"),
        (2, 1, "2 papers come in, 1 paper goes"),
    ],
)
def test_what_a_vote_does_is_said_in_words(comes, goes, said):
    assert Effect(comes, goes).said == said


@pytest.mark.parametrize("direction", ["more", "less"])
def test_a_vote_is_one_press_that_says_what_it_does(app, browser, clock, reader, direction):
    path = f"{lasting(app, 'feedback_url')}/{direction}/arxiv:2602.00001"
    assert "Paper 1: Speculative Decoding for Everybody" in browser.get(path).text
    with app.store.reading() as db:
        assert count_votes(db, reader.id) == {}
    page = words_of(browser.post(path, data={"act": "do"}).text)
    assert re.search(r"Your next digest: (\d papers? |stays as it is for now)", page)
    with app.store.reading() as db:
        assert count_votes(db, reader.id) == {direction: 1}
    browser.post(path, data={"act": "undo"})
    with app.store.reading() as db:
        assert count_votes(db, reader.id) == {}


def test_a_muted_word_keeps_its_papers_out_at_once(app, browser, reader):
    path = f"{lasting(app, 'feedback_url')}/mute/speculative%20decoding"
    page = words_of(browser.post(path, data={"act": "do"}).text)
    assert who(app).profile.mute == ("speculative decoding",)
    assert re.search(r"\d+ papers? go(es)?\b", page)
    browser.post(path, data={"act": "undo"})
    assert who(app).profile.mute == ()


def test_a_file_owned_reader_is_told_where_to_mute(app, browser, clock):
    subscribe(app.store, a_profile(), now=clock())
    path = f"{lasting(app, 'feedback_url')}/mute/survey"
    assert "[mute]" in browser.get(path).text
    browser.post(path, data={"act": "do"})
    assert who(app).profile.mute == ()


@pytest.mark.parametrize(
    "about", ["more/arxiv:0000.00000", "more/", "best/arxiv:2602.00001", "mute/***", "less/%00"]
)
def test_votes_about_nothing_are_refused(app, browser, reader, about):
    assert browser.post(f"{lasting(app, 'feedback_url')}/{about}", data={"act": "do"}).status_code == 404


def test_a_paper_is_voted_on_by_the_name_it_had_in_the_digest(app, browser, clock, reader):
    title = "Speculative Decoding Before It Had a Number"
    titled = a_paper(77, id=title_id(title), title=title, url=None)
    record(app.store, titled, name="titles.txt", at=clock())
    assert app.publish(now=reader.next_due_at).queued == 1
    record(app.store, replace(titled, id="arxiv:2603.00077"), name="numbers.json", at=reader.next_due_at)
    page = browser.post(f"{lasting(app, 'feedback_url')}/more/{titled.id}", data={"act": "do"})
    assert page.status_code == 200
    with app.store.reading() as db:
        assert [vote.paper.id for vote in votes_of(db, [reader.id])[reader.id]] == ["arxiv:2603.00077"]


def test_what_was_taught_is_shown_taken_back_and_forgotten(app, browser, clock, reader):
    for paper in ("arxiv:2602.00001", "arxiv:2602.00002"):
        browser.post(f"{lasting(app, 'feedback_url')}/more/{paper}", data={"act": "do"})
    path = fresh(app, clock)
    assert "2 papers" in words_of(browser.get(path).text)
    browser.post(path, data={"act": "forget", "paper": "arxiv:2602.00001"})
    with app.store.reading() as db:
        assert count_votes(db, reader.id) == {"more": 1}
    browser.post(path, data={"act": "forget"})
    with app.store.reading() as db:
        assert count_votes(db, reader.id) == {}


# ── looking changes nothing ──────────────────────────────────────────────────────────────────────────────────────────


def every_page_of(app, clock):
    """Each page that somebody has a link to."""
    mails = " ".join(mail for _, _, mail in sent_mails(app))
    yield from {path.removeprefix(URL) for path in re.findall(rf"{URL}/[^\s<>\"]+", mails)}
    settings, feedback = fresh(app, clock), lasting(app, "feedback_url")
    yield from (
        settings,
        f"{settings}/export.json",
        f"{settings}/profile.toml",
        f"{settings}/erase",
        f"{settings}/address",
    )
    yield from (lasting(app, "unsubscribe_url"), lasting(app, "preferences_url"))
    yield from (
        f"{feedback}/more/arxiv:2602.00001",
        f"{feedback}/less/arxiv:2602.00001",
        f"{feedback}/mute/survey",
    )
    yield from ("/", "/sent", "/link", "/privacy", "/trending")


def test_looking_at_every_link_of_every_mail_changes_nothing(app, browser, clock, reader):
    path = fresh(app, clock)
    browser.post(f"{path}/address", data={"email": "new@example.com"})
    browser.post(path, data={"act": "pause", "until": "week"})
    browser.post("/link", data={"email": READER})
    browser.post(lasting(app, "preferences_url"), data={"act": "rhythm", "every": "month"})
    pages = list(every_page_of(app, clock))
    assert {page.split("/")[1] for page in pages} >= {"c", "a", "x", "u", "p", "s", "f"}
    before = dump(app)
    for agent in ("Mozilla/5.0", "BingPreview/1.0b", "curl/8", "Barracuda Sentinel", "Google-Safety"):
        for page in pages:
            for method in ("GET", "HEAD", "OPTIONS"):
                answer = browser.request(method, page, headers={"User-Agent": agent})
                assert answer.status_code in (200, 405), page
    assert dump(app) == before


def test_tokens_that_are_not_right_get_one_same_page(app, browser, clock, reader):
    secret, version = app.office.secrets, reader.links_version
    good = sign(secret, "unsubscribe", reader.id, version=version)
    wrong = [
        good[:-2],
        good[:5] + ("A" if good[5] != "A" else "B") + good[6:],
        sign(secret, "preferences", reader.id, version=version),
        sign(secret, "unsubscribe", reader.id, version=version - 1),
        sign(secret, "unsubscribe", reader.id + 1, version=version),
        sign(b"another secret entirely", "unsubscribe", reader.id, version=version),
        "x" * 500,
    ]
    pages = {browser.get(f"/u/{token}").text for token in wrong}
    late = sign_until(secret, "settings", reader.id, clock() - timedelta(minutes=1), version=version)
    pages |= {
        browser.get(f"/s/{late}").text,
        browser.get("/c/" + "A" * 28).text,
        browser.get("/f/x/more/y").text,
    }
    assert len(pages) == 1
    assert browser.get(f"/u/{good}").status_code == 200
    before = dump(app)
    for token in wrong:
        assert browser.post(f"/u/{token}", content="List-Unsubscribe=One-Click").status_code == 404
    assert dump(app) == before


def test_a_new_secret_ends_no_link_and_forgets_nobody_who_is_barred(tmp_path):
    with a_site(tmp_path) as (app, clock, browser):
        joined(app, browser, clock)
        old = lasting(app, "unsubscribe_url")
        barred = app.store.address_hash("barred@example.org")
    secret = (tmp_path / "data" / "secret.key").read_text()
    (tmp_path / ".env").write_text(f"DIGEST_SECRET=another-secret-entirely\nDIGEST_OLD_SECRETS={secret}\n")
    with a_site(tmp_path, clock) as (app, _, browser):
        assert lasting(app, "unsubscribe_url") != old
        assert browser.get(old).status_code == 200
        assert app.store.address_hash("barred@example.org") == barred
    (tmp_path / ".env").write_text("DIGEST_SECRET=another-secret-entirely\n")
    with a_site(tmp_path, clock) as (_, _, browser):
        assert browser.get(old).status_code == 404
