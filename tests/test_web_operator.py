"""The operator's pages: closed to everybody else, honest about what is going on, and every act leaves a line."""

import re
from datetime import date, timedelta

import pytest
from argon2 import PasswordHasher
from sqlalchemy import select
from starlette.testclient import TestClient

from digest.app import App
from digest.errors import SettingsError
from digest.model import Skip, SkipReason
from digest.store.audit import last_acts
from digest.store.due import record_skips
from digest.store.feeds import renew_feed
from digest.store.front import NewRequest, add_consent, find_request, put_request
from digest.store.halt import current_halt
from digest.store.outages import current_outage, note_outage
from digest.store.people import find_subscriber, suppressed
from digest.store.rounds import Run, note_round
from digest.store.schema import deliveries, metadata
from digest.store.sessions import begin_session
from digest.subscriptions import CONSENT
from digest.web.operator.login import form_token
from digest.web.operator.password import make_hash, matches
from digest.web.site import make_site
from tests.builders import NOW, a_paper, a_profile, owe, record, subscribe
from tests.web import words_of

URL = "https://papers.example.org"
PASSWORD = "four quite unrelated words"
# The real one takes 64 MB and a while, on purpose; what the tests are about does not depend on that.
HASH = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(PASSWORD).replace("$", ":")
EVIL = "<script>alert(1)</script>"
PAGES = ["", "/mails", "/mails?state=queued", "/readers", "/readers?q=example"]
ACTS = ["/halt", "/resume", "/probe", "/retry", "/test", "/mails/1/retry", "/readers/1/suppress", "/logout"]


class Clock:
    """The time of the site, which a test may move."""

    now = NOW

    def __call__(self):
        return self.now


@pytest.fixture
def app(tmp_path):
    (tmp_path / ".env").write_text(f"DIGEST_OPERATOR_HASH={HASH}\n")
    with App.open(tmp_path, web_url=URL) as opened:
        yield opened


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def stranger(app, clock):
    with TestClient(make_site(app, clock=clock), base_url=URL, follow_redirects=False) as client:
        yield client


@pytest.fixture
def operator(app, stranger):
    """A browser that is logged in."""
    with app.store.writing() as tx:
        key = begin_session(tx, now=NOW)
    stranger.cookies.set("__Host-operator", key, domain="papers.example.org")
    return stranger


def test_the_right_password_opens_the_pages(stranger):
    answer = stranger.post("/operator/login", data={"password": PASSWORD})
    assert (answer.status_code, answer.headers["location"]) == (303, "/operator")
    assert stranger.get("/operator").status_code == 200


def act(client, path, **fields):
    """Press a button of a page of this session."""
    key = client.cookies.get("__Host-operator")
    return client.post(f"/operator{path}", data={"form": form_token(key or ""), **fields})


def acts(app):
    with app.store.reading() as db:
        return [(line.act, line.about) for line in last_acts(db)]


def state_of(app, number):
    with app.store.reading() as db:
        return db.execute(select(deliveries.c.state).where(deliveries.c.id == number)).scalar()


def set_state(app, number, state):
    with app.store.writing() as tx:
        tx.execute(deliveries.update().where(deliveries.c.id == number).values(state=state))


def dump(app):
    with app.store.reading() as db:
        return {table.name: db.execute(select(table)).all() for table in metadata.sorted_tables}


# ── the door ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_password_is_known_by_its_hash_alone_and_the_hash_has_no_dollar_signs():
    made = make_hash(PASSWORD)
    assert "argon2id" in made
    assert "$" not in made
    assert PASSWORD not in made
    assert matches(made, PASSWORD)
    assert matches(made.replace(":", "$"), PASSWORD)
    assert matches(f"'{made}'", PASSWORD)
    assert not matches(made, PASSWORD + " ")
    assert not matches(made, "")


@pytest.mark.parametrize("password", ["", "short", "aaaaaaaaaaaaaaaa", "x" * 2000])
def test_a_password_that_can_be_guessed_is_refused(password):
    with pytest.raises(SettingsError, match="12 characters"):
        make_hash(password)


def test_a_hash_that_is_none_is_told_at_the_start(tmp_path):
    (tmp_path / ".env").write_text("DIGEST_OPERATOR_HASH=opensesame\n")
    with App.open(tmp_path, web_url=URL) as app, pytest.raises(SettingsError, match="operator password"):
        make_site(app, clock=lambda: NOW)


def test_without_a_password_there_are_no_such_pages(tmp_path):
    with App.open(tmp_path, web_url=URL) as app, TestClient(make_site(app, clock=lambda: NOW)) as client:
        for path in [*PAGES, "/login"]:
            assert client.get(f"/operator{path}").status_code == 404
        assert client.post("/operator/login", data={"password": "x"}).status_code == 404


@pytest.mark.parametrize("path", [*PAGES, "/mails/1", "/mails/1/letter", "/readers/1"])
def test_whoever_is_not_logged_in_sees_the_login_and_nothing_else(app, stranger, path):
    owe(app.store)
    answer = stranger.get(f"/operator{path}")
    assert answer.status_code == 401
    assert "Password" in answer.text
    assert "reader1@example.org" not in answer.text


@pytest.mark.parametrize("path", ACTS)
def test_whoever_is_not_logged_in_changes_nothing(app, stranger, path):
    owe(app.store)
    before = dump(app)
    assert stranger.post(f"/operator{path}", data={"form": form_token("")}).status_code == 401
    assert dump(app) == before


def test_the_cookie_is_for_this_host_https_and_no_script(stranger):
    answer = stranger.post("/operator/login", data={"password": PASSWORD})
    cookie = answer.headers["set-cookie"]
    assert cookie.startswith("__Host-operator=")
    for word in ("HttpOnly", "Secure", "SameSite=strict", "Path=/", "Max-Age=43200"):
        assert word in cookie
    assert "Domain" not in cookie


def test_without_https_the_cookie_is_as_strict_as_it_can_be(tmp_path):
    (tmp_path / ".env").write_text(f"DIGEST_OPERATOR_HASH={HASH}\n")
    local = "http://127.0.0.1:8000"
    with (
        App.open(tmp_path, web_url=local) as app,
        TestClient(make_site(app, clock=lambda: NOW), base_url=local, follow_redirects=False) as client,
    ):
        cookie = client.post("/operator/login", data={"password": PASSWORD}).headers["set-cookie"]
        assert client.get("/operator").status_code == 200
    assert cookie.startswith("operator=")
    assert "HttpOnly" in cookie
    assert "SameSite=strict" in cookie


def test_five_wrong_passwords_close_the_door_for_a_quarter_of_an_hour(app, stranger, clock):
    for _ in range(5):
        assert stranger.post("/operator/login", data={"password": "wrong"}).status_code == 401
    answer = stranger.post("/operator/login", data={"password": PASSWORD})
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "900")
    clock.now = NOW + timedelta(minutes=15)
    assert stranger.post("/operator/login", data={"password": PASSWORD}).status_code == 303
    assert acts(app)[0] == ("login", "")


def test_right_passwords_close_no_door(operator):
    for _ in range(7):
        assert operator.post("/operator/login", data={"password": PASSWORD}).status_code == 303


def test_many_networks_together_get_no_more_tries(app, clock):
    codes = []
    for number in range(12):
        site = make_site(app, clock=clock)
        with TestClient(
            site, base_url=URL, client=(f"192.0.2.{number}", 1), follow_redirects=False
        ) as client:
            codes += [client.post("/operator/login", data={"password": "x"}).status_code for _ in range(5)]
    assert codes.count(401) == 50
    assert codes.count(429) == 10


def test_a_session_ends_after_twelve_hours_and_by_logging_out(operator, clock):
    assert operator.get("/operator").status_code == 200
    clock.now = NOW + timedelta(hours=12)
    assert operator.get("/operator").status_code == 401
    clock.now = NOW
    key = operator.cookies.get("__Host-operator")
    assert act(operator, "/logout").headers["location"] == "/operator/login"
    operator.cookies.set("__Host-operator", key)
    assert operator.get("/operator").status_code == 401


@pytest.mark.parametrize("key", ["x", "../../etc", "\u00e9" * 9, "a" * 5000])
def test_a_made_up_session_opens_nothing(stranger, key):
    assert stranger.get("/operator", headers={"Cookie": f"__Host-operator={key}".encode()}).status_code == 401


@pytest.mark.parametrize("path", ACTS)
def test_an_act_needs_the_token_of_the_form_and_our_own_site(app, operator, path):
    owe(app.store)
    before = dump(app)
    key = operator.cookies.get("__Host-operator")
    for fields in ({}, {"form": ""}, {"form": form_token("other")}, {"form": "é"}):
        assert operator.post(f"/operator{path}", data=fields).status_code == 403
    foreign = {"Sec-Fetch-Site": "cross-site"}
    answer = operator.post(f"/operator{path}", data={"form": form_token(key)}, headers=foreign)
    assert answer.status_code == 403
    assert dump(app) == before


@pytest.mark.parametrize(
    "path", [*PAGES, *ACTS, "/mails/1", "/mails/1/letter", "/readers/1", "/readers/1?paper=x"]
)
def test_looking_changes_nothing(app, operator, path):
    owe(app.store)
    before = dump(app)
    for method in ("GET", "HEAD"):
        operator.request(method, f"/operator{path}")
    assert dump(app) == before


# ── what is shown ────────────────────────────────────────────────────────────────────────────────────────────────────


def test_an_empty_house_is_well(operator):
    text = operator.get("/operator").text
    assert "All is well" in text
    assert "Nothing has run yet" in text
    assert "not looked at yet" in text


def test_the_first_page_tells_what_is_wrong_and_what_to_do(app, operator):
    owe(app.store, now=NOW - timedelta(hours=5))
    with app.store.writing() as tx:
        note_round(tx, "publish", NOW, NOW, Run("the theme has no colours"))
    text = operator.get("/operator").text
    assert "2 things need a look" in text
    assert "Mails wait too long" in text
    assert "The oldest has waited for 5 hours." in text
    assert "<code>digest outbox list --state deferred</code> says why." in text
    assert "The last publish failed" in text
    assert "the theme has no colours" in text
    assert '<title id="mails-t">' in text


def test_mails_are_listed_the_newest_first_and_by_state(app, operator):
    numbers = [owe(app.store, n) for n in range(3)]
    set_state(app, numbers[0], "failed")
    text = operator.get("/operator/mails").text
    assert text.index("reader2@") < text.index("reader1@") < text.index("reader0@")
    text = operator.get("/operator/mails?state=failed").text
    assert "reader0@" in text
    assert "reader1@" not in text


def test_a_long_list_goes_on(app, operator):
    for number in range(52):
        owe(app.store, number)
    text = operator.get("/operator/mails").text
    [older] = re.findall(r"before=(\d+)", text)
    assert "reader51@" in text
    assert "reader1@" not in text
    assert "reader1@" in operator.get(f"/operator/mails?before={older}").text


@pytest.mark.parametrize(
    "query", ["state=x", "before=x", "before=-1", "before=" + "9" * 40, "before=²", "state="]
)
def test_a_query_that_is_none_is_taken_for_no_query(app, operator, query):
    owe(app.store)
    answer = operator.get(f"/operator/mails?{query}")
    assert answer.status_code == 200
    assert "reader1@" in answer.text


@pytest.mark.parametrize(
    "path",
    [
        "/mails/2",
        "/mails/2/letter",
        "/readers/9",
        f"/mails/{1 << 70}",
        f"/readers/{1 << 70}",
        "/mails/" + "9" * 5000,
        "/mails/-1",
        "/mails/²",
    ],
)
def test_what_is_not_there_is_not_found(operator, path):
    assert operator.get(f"/operator{path}").status_code == 404


def test_one_reader_s_page_says_why_there_was_or_was_no_mail(app, operator):
    number = owe(app.store, 1, on=date(2026, 3, 2))
    with app.store.writing() as tx:
        person = find_subscriber(tx, "reader1@example.org")
        assert person
        skip = Skip(person.email, SkipReason.NOTHING_MATCHED, "none of 12 new papers fits")
        record_skips(tx, [(person.id, date(2026, 3, 1), skip)], NOW)
    text = operator.get(f"/operator/readers/{person.id}").text
    assert "Active: the next digest is due" in text
    assert "nothing matched: none of 12 new papers fits" in text
    assert f'<a href="/operator/mails/{number}">2026-03-02</a>' in text
    with app.store.writing() as tx:
        note_outage(tx, "535 wrong password", now=NOW, pause=timedelta(hours=1))
    assert "535 wrong password" in operator.get(f"/operator/readers/{person.id}").text


def test_a_reader_s_page_shows_the_proof_that_they_asked_or_why_there_is_none(app, operator):
    owe(app.store, 1, on=date(2026, 3, 2))
    with app.store.writing() as tx:
        person = find_subscriber(tx, "reader1@example.org")
        assert person
    page = f"/operator/readers/{person.id}"
    assert "None is kept here: whoever runs this wrote the file" in operator.get(page).text
    asked = NewRequest("subscribe", person.id, person.email, person.profile, CONSENT, "mail")
    with app.store.writing() as tx:
        found = find_request(tx, put_request(tx, asked, valid=timedelta(days=7), now=NOW))
        assert found
        add_consent(tx, found, now=NOW + timedelta(minutes=3))
    said = words_of(operator.get(page).text)
    assert f"Agreed to {CONSENT} Asked 2026-03-02 08:00 by mail" in said
    assert "Confirmed 2026-03-02 08:03 from the mailbox" in said


def test_a_paper_is_explained_for_a_reader(app, operator):
    person = subscribe(app.store, a_profile())
    record(app.store, a_paper(1, title="Draft model of speculative decoding"), a_paper(2))
    text = operator.get(f"/operator/readers/{person.id}?paper=2602.00001").text
    assert "Rank 1 of 2 candidates" in text
    assert "It was in none of their digests" in text
    assert "The score puts papers in order, the match lets them in" in text
    assert "no paper is called" in operator.get(f"/operator/readers/{person.id}?paper=nothing").text


def test_readers_are_found_by_a_part_of_their_address(app, operator):
    for name in ("ada", "grace"):
        subscribe(app.store, a_profile(email=f"{name}@example.org"))
    text = operator.get("/operator/readers?q=RAC").text
    assert "grace@" in text
    assert "ada@" not in text
    assert "contains “&lt;i&gt;”" in operator.get("/operator/readers?q=<i>").text


def test_what_strangers_wrote_stays_text(app, operator):
    number = owe(app.store)
    with app.store.writing() as tx:
        tx.execute(deliveries.update().values(subject=EVIL, last_reply=EVIL))
        note_outage(tx, EVIL, now=NOW, pause=timedelta(hours=1))
        note_round(tx, "ingest", NOW, NOW, Run(EVIL))
        person = find_subscriber(tx, "reader1@example.org")
    assert person
    for path in ("", "/mails", f"/mails/{number}", f"/readers/{person.id}", f"/readers?q={EVIL}"):
        text = operator.get(f"/operator{path}").text
        assert EVIL not in text, path
        assert "&lt;script&gt;" in text, path


# ── what is done ─────────────────────────────────────────────────────────────────────────────────────────────────────


def test_halting_and_resuming_is_written_down(app, operator):
    assert act(operator, "/halt", reason="a wrong template").status_code == 303
    with app.store.reading() as db:
        halt = current_halt(db)
    assert halt
    assert halt.reason == "a wrong template"
    assert "Sending is halted" in operator.get("/operator").text
    act(operator, "/resume")
    with app.store.reading() as db:
        assert current_halt(db) is None
    assert acts(app)[:2] == [("resume sending", ""), ("halt sending", "")]


@pytest.mark.parametrize(
    ("state", "verb", "after"),
    [
        ("queued", "hold", "held"),
        ("deferred", "retry", "queued"),
        ("held", "retry", "queued"),
        ("failed", "retry", "queued"),
        ("sent", "again", "queued"),
        ("unknown", "as-sent", "sent"),
        ("unknown", "as-resend", "queued"),
        ("unknown", "as-drop", "failed"),
    ],
)
def test_each_choice_for_a_mail_does_what_its_button_says(app, operator, state, verb, after):
    number = owe(app.store)
    set_state(app, number, state)
    assert f'action="/operator/mails/{number}/{verb}"' in operator.get(f"/operator/mails/{number}").text
    assert act(operator, f"/mails/{number}/{verb}").headers["location"] == f"/operator/mails/{number}"
    assert state_of(app, number) == after
    assert acts(app)[0] == (verb, f"delivery {number}")


@pytest.mark.parametrize(
    ("state", "verb"),
    [
        ("sent", "retry"),
        ("sending", "hold"),
        ("queued", "again"),
        ("queued", "as-sent"),
        ("sending", "again"),
    ],
)
def test_a_choice_that_does_not_fit_the_state_changes_nothing_and_says_why(app, operator, state, verb):
    number = owe(app.store)
    set_state(app, number, state)
    before = dump(app)
    answer = act(operator, f"/mails/{number}/{verb}")
    assert "Nothing was done" in answer.text
    assert f"is {state}" in answer.text
    assert dump(app) == before


def test_a_mail_that_is_no_longer_kept_is_not_sent_again(app, operator):
    number = owe(app.store)
    set_state(app, number, "sent")
    with app.store.writing() as tx:
        tx.exec_driver_sql("DELETE FROM messages")
    assert "no longer kept" in act(operator, f"/mails/{number}/again").text
    assert state_of(app, number) == "sent"


@pytest.mark.parametrize("path", ["/mails/1/eat", "/mails/99/hold", "/readers/1/eat", "/readers/99/pause"])
def test_an_act_on_nothing_does_nothing(app, operator, path):
    owe(app.store)
    before = dump(app)
    assert act(operator, path).status_code in (200, 404)
    assert dump(app) == before


def test_everything_deferred_is_tried_again_by_one_press(app, operator):
    number = owe(app.store)
    set_state(app, number, "deferred")
    with app.store.writing() as tx:
        tx.execute(deliveries.update().values(due_at=NOW + timedelta(hours=5)))
        note_outage(tx, "down", now=NOW, pause=timedelta(hours=5))
    act(operator, "/retry")
    act(operator, "/probe")
    with app.store.reading() as db:
        assert db.execute(select(deliveries.c.due_at)).scalar() == NOW
        assert current_outage(db) is None
    assert [line[0] for line in acts(app)[:2]] == ["try the server now", "retry all"]


def test_an_address_is_suppressed_and_mailed_again(app, operator):
    person = subscribe(app.store, a_profile())
    act(operator, f"/readers/{person.id}/suppress")
    with app.store.reading() as db:
        assert suppressed(db, [person.address_hash]) == {person.address_hash: "manual"}
    assert "The address is not mailed (manual" in operator.get(f"/operator/readers/{person.id}").text
    act(operator, f"/readers/{person.id}/lift")
    with app.store.reading() as db:
        assert suppressed(db, [person.address_hash]) == {}
    assert acts(app)[:2] == [("lift", f"reader {person.id}"), ("suppress", f"reader {person.id}")]


def test_a_reader_is_paused_comes_back_and_is_unsubscribed_but_never_brought_back(app, operator):
    person = subscribe(app.store, a_profile())

    def status():
        with app.store.reading() as db:
            found = find_subscriber(db, person.email)
        return found and found.status

    for verb, expected in [
        ("pause", "paused"),
        ("resume", "active"),
        ("unsubscribe", "unsubscribed"),
        ("resume", "unsubscribed"),
        ("pause", "unsubscribed"),
    ]:
        act(operator, f"/readers/{person.id}/{verb}")
        assert status() == expected, verb


def test_a_test_mail_goes_the_way_of_every_mail(app, operator):
    assert act(operator, "/test", address="me@example.org").status_code == 303
    app.deliver(clock=lambda: NOW)
    with app.store.reading() as db:
        row = db.execute(select(deliveries)).one()
    assert (row.kind, row.rcpt_to, row.state) == ("test", "me@example.org", "sent")


@pytest.mark.parametrize("address", ["", "me", "a@b@c", "me@example.org\r\nBcc: you@example.org", "<x>"])
def test_a_test_mail_goes_only_to_an_address(app, operator, address):
    before = dump(app)
    assert "does not look like an address" in act(operator, "/test", address=address).text
    assert dump(app) == before


def test_the_audit_names_no_address(app, operator):
    person = subscribe(app.store, a_profile())
    with app.store.writing() as tx:
        renew_feed(tx, person.id, now=NOW)
    act(operator, f"/readers/{person.id}/suppress")
    act(operator, "/test", address="me@example.org")
    with app.store.reading() as db:
        assert not [line for line in last_acts(db) if "@" in f"{line.about}{line.detail}"]


def test_a_trouble_is_told_once_and_a_silent_verb_is_one(app, operator, clock):
    app.publish(now=NOW - timedelta(days=2))
    with app.store.writing() as tx:
        note_outage(tx, "535 wrong password", now=NOW, pause=timedelta(hours=1))
        note_outage(
            tx, "the host is unknown", now=NOW - timedelta(hours=3), pause=timedelta(hours=1), name="mailbox"
        )
    text = operator.get("/operator").text
    assert "No publish for a day" in text
    assert text.count("The mailbox cannot be read") == 1
    assert "The mail server takes nothing" in text
