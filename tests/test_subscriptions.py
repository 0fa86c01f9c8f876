"""Coming in, staying and going: what each word does, what it may not do, and what it costs whom."""

import json
import re
import tomllib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import event, select, text

from digest.errors import DigestError, TokenError
from digest.letters import Letters
from digest.mail.render import Renderer
from digest.model import Cadence, Digest, Interest, Pick, Score, Section
from digest.profiles import profile_to_toml, read_profile
from digest.store import Store
from digest.store.feeds import renew_feed
from digest.store.front import consents_of
from digest.store.outbox import Claim, claim, mark_handed
from digest.store.owing import Owed, owe_digests
from digest.store.papers import find_paper
from digest.store.people import find_subscriber, shown_among, suppress
from digest.store.schema import deliveries, subscribers
from digest.subscriptions import (
    Asked,
    ConflictError,
    Office,
    Wish,
    ask_to_move,
    change_profile,
    come_back,
    confirm,
    confirm_move,
    decline,
    erase,
    export,
    forget_asked,
    leave,
    look_at,
    pause,
    request,
    resume,
    revoke_links,
    send_link,
    stop_move,
    undo_change,
    undo_leaving,
)
from digest.subscriptions.limits import folded
from digest.tables import SenderSettings
from digest.tokens import verify, verify_until
from tests.builders import NOW, a_message, a_paper, a_profile, an_issue, kept_mails, record, subscribe

URL = "https://papers.example.org"
SECRET = b"the secret of the tests"
DAY = timedelta(days=1)
READER = "reader@example.org"


@pytest.fixture
def store(database_url):
    """A real database of each kind, with the secret that the links are signed with."""
    opened = Store(database_url, secret=SECRET)
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def letters():
    sender = SenderSettings(address="digest@papers.example.org")
    return Letters(Renderer(), sender, secret=SECRET, web_url=URL)


@pytest.fixture
def office(store, letters):
    return Office(letters, (SECRET,), store.address_hash, URL)


@pytest.fixture
def act(store, office):
    """Calls one function in a transaction of its own."""

    def call(function, *arguments, now=NOW, **named):
        with store.writing() as tx:
            if function is erase:
                return function(tx, *arguments)
            has_office = function not in {
                change_profile,
                undo_change,
                pause,
                resume,
                revoke_links,
                undo_leaving,
            }
            return function(tx, *([office] if has_office else []), *arguments, now=now, **named)

    return call


def person(store, email=READER):
    with store.reading() as db:
        return find_subscriber(db, email)


def mails(store, kind=None):
    """The mails that were queued, the oldest first: (kind, to, text)."""
    return [
        (row.kind, row.rcpt_to, raw.decode()) for row, raw in kept_mails(store) if kind in (None, row.kind)
    ]


def link_in(mail, path):
    unfolded = mail.replace("=\r\n", "")
    found = re.search(rf"{URL}/{path}/([\w-]+)", unfolded)
    assert found is not None
    return found[1]


def wish(**fields):
    network = fields.pop("network", None)
    return Wish(a_profile(**fields), network=network)


def subscribed(store, act, **fields):
    act(request, wish(**fields), now=NOW - DAY)
    act(confirm, link_in(mails(store, "confirm")[-1][2], "c"), sample=None, now=NOW - DAY)
    return person(store, fields.get("email", READER))


# ── coming in ────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_request_asks_the_address_and_nothing_else_happens(store, act):
    assert act(request, wish()) is Asked.MAILED
    assert person(store).status == "pending"
    [(kind, to, _)] = mails(store)
    assert (kind, to) == ("confirm", READER)


def test_nothing_that_was_entered_is_in_the_mail_that_asks(store, act):
    act(request, wish(interests=(Interest(("zebrafish cheap pills",)),), name="Visit evil.example"))
    [(_, _, text_)] = mails(store)
    assert "zebrafish" not in text_
    assert "evil.example" not in text_


def test_one_press_confirms_and_the_proof_is_kept(store, act):
    person_ = subscribed(store, act)
    assert (person_.status, person_.owner) == ("active", "web")
    assert person_.next_due_at == NOW.replace(hour=7, minute=30)
    with store.reading() as db:
        [proof] = consents_of(db, person_.id)
    assert "until I say stop" in proof["wording"]
    assert (proof["source"], proof["asked_at"], proof["confirmed_at"]) == ("web", NOW - DAY, NOW - DAY)


def test_confirming_again_changes_nothing(store, act):
    act(request, wish())
    token = link_in(mails(store)[0][2], "c")
    act(confirm, token, sample=None)
    before = person(store)
    assert act(confirm, token, sample=None, now=NOW + DAY).state == "confirmed"
    assert person(store) == before


def test_a_welcome_with_papers_follows_the_confirmation(store, act):
    act(request, wish())
    sample = Digest(an_issue(), READER, (), 0, a_profile())
    act(confirm, link_in(mails(store)[0][2], "c"), sample=sample)
    assert [kind for kind, _, _ in mails(store)] == ["confirm", "welcome"]


def test_whoever_says_it_was_not_me_is_left_alone(store, act):
    act(request, wish())
    token = link_in(mails(store)[0][2], "c")
    assert act(decline, token).state == "declined"
    assert act(confirm, token, sample=None, now=NOW + timedelta(minutes=1)).state == "declined"
    assert person(store).status == "pending"


@pytest.mark.parametrize("first", ["confirm", "decline"])
def test_a_machine_that_presses_both_buttons_does_neither(store, act, first):
    act(request, wish())
    token = link_in(mails(store)[0][2], "c")
    sample = Digest(an_issue(), READER, (), 0, a_profile())
    presses = [lambda at: act(confirm, token, sample=sample, now=at), lambda at: act(decline, token, now=at)]
    standings = [
        press(NOW + timedelta(seconds=3 * step))
        for step, press in enumerate(presses if first == "confirm" else reversed(presses))
    ]
    assert standings[-1].state == "open"
    assert person(store).status == "pending"
    with store.reading() as db:
        assert consents_of(db, person(store).id) == []
        states = db.execute(select(deliveries.c.state).where(deliveries.c.kind == "welcome")).scalars()
        assert set(states) <= {"suppressed"}


def test_a_question_is_open_for_a_week_and_can_be_asked_again(store, act):
    act(request, wish())
    token = link_in(mails(store)[0][2], "c")
    late = NOW + 8 * DAY
    with pytest.raises(TokenError):
        act(confirm, token, sample=None, now=late)
    assert person(store).status == "pending"
    assert act(send_link, READER, None, now=late) is Asked.MAILED
    again = link_in(mails(store)[1][2], "c")
    assert again != token
    assert act(confirm, again, sample=None, now=late).state == "confirmed"


def test_somebody_known_is_told_by_mail_and_stays_as_they_are(store, act):
    before = subscribed(store, act)
    again = wish(interests=(Interest(("something else",)),))
    assert act(request, again, now=NOW + DAY) is Asked.MAILED
    assert mails(store)[-1][:2] == ("known", READER)
    assert person(store).profile == before.profile


def test_who_left_comes_back_by_the_same_way_with_the_new_wish(store, act):
    old = subscribed(store, act)
    act(leave, old, how="one-click")
    wanted = (Interest(("state space models",)),)
    act(request, wish(interests=wanted), now=NOW + DAY)
    assert person(store).status == "unsubscribed"
    assert person(store).profile == old.profile
    act(confirm, link_in(mails(store, "confirm")[-1][2], "c"), sample=None, now=NOW + DAY)
    assert person(store).status == "active"
    assert person(store).profile.interests == wanted


def test_who_never_answers_is_forgotten(store, act):
    act(request, wish())
    forget_asked(store, now=NOW + 6 * DAY)
    assert person(store) is not None
    forget_asked(store, now=NOW + 8 * DAY)
    assert person(store) is None


@pytest.mark.only_on("sqlite")
def test_a_token_of_a_forgotten_person_fits_nobody_after_them(store, act):
    act(request, wish())
    token = link_in(mails(store)[0][2], "c")
    forget_asked(store, now=NOW + 8 * DAY)
    act(request, wish(email="other@example.com"), now=NOW + 8 * DAY)
    with store.reading() as db:
        assert db.execute(text("SELECT max(id) FROM requests")).scalar() == 1  # the number is given again
    with pytest.raises(TokenError):
        act(look_at, token)


def test_without_pages_nobody_can_be_asked_to_confirm(store, act, office):
    with store.writing() as tx, pytest.raises(DigestError, match=r"\[web\] url"):
        request(tx, replace(office, url=None), wish(), now=NOW)


# ── limits ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_one_address_is_asked_once_a_day_and_three_times_a_month(store, act):
    answers = [act(request, wish(), now=NOW + n * timedelta(hours=8)) for n in range(60)]
    assert answers.count(Asked.MAILED) == len(mails(store)) == 3
    assert set(answers) == {Asked.MAILED, Asked.ENOUGH}


@pytest.mark.parametrize(
    "spellings",
    [("a.b+x@gmail.com", "ab@gmail.com", "A.B@GMAIL.com"), ("a+1@example.org", "a+2@example.org")],
)
def test_spellings_of_one_mailbox_count_as_one(store, act, spellings):
    for email in spellings:
        act(request, wish(email=email))
    assert len(mails(store)) == 1
    assert folded("a.b@example.org") != folded("ab@example.org")


def test_one_network_asks_five_times_an_hour(store, act):
    answers = [act(request, wish(email=f"r{n}@d{n}.example", network="10.1.2.3")) for n in range(9)]
    assert answers == [Asked.MAILED] * 5 + [Asked.BUSY] * 4
    assert act(request, wish(email="z@z.example", network="10.9.9.9")) is Asked.MAILED
    later = NOW + timedelta(hours=1, seconds=1)
    assert act(request, wish(email="y@y.example", network="10.1.2.3"), now=later) is Asked.MAILED


def test_a_neighbourhood_of_networks_asks_thirty_times_an_hour(store, act):
    answers = [act(request, wish(email=f"r{n}@d{n}.example", network=f"10.1.2.{n}")) for n in range(40)]
    assert answers.count(Asked.MAILED) == 30


def test_one_domain_gets_a_quarter_of_a_day(store, act, office):
    with store.writing() as tx:
        small = replace(office, confirmations_per_day=20)
        answers = [request(tx, small, wish(email=f"r{n}@victim.example"), now=NOW) for n in range(9)]
        others = [request(tx, small, wish(email=f"r{n}@d{n}.example"), now=NOW) for n in range(30)]
    assert answers.count(Asked.MAILED) == 5
    assert others.count(Asked.MAILED) == 15


def test_what_is_counted_holds_no_address(store, act, tmp_path):
    act(request, wish(email="somebody@example.org", network="10.1.2.3"))
    with store.reading() as db:
        rows = [str(row) for row in db.execute(text("SELECT * FROM asks"))]
    assert not any("somebody" in row or "10.1.2" in row for row in rows)


def test_a_link_is_mailed_to_its_owner_and_a_stranger_gets_nothing(store, act):
    subscribed(store, act)
    assert act(send_link, "stranger@example.com", None) is Asked.MAILED
    assert act(send_link, READER, None) is Asked.MAILED
    kinds = [(kind, to) for kind, to, _ in mails(store)]
    assert kinds == [("confirm", READER), ("link", READER)]
    token = link_in(mails(store)[-1][2], "s")
    who = person(store)
    assert (
        verify_until(SECRET, "settings", token, now=NOW, version_of=lambda _: who.links_version)[0] == who.id
    )
    with pytest.raises(TokenError):
        verify_until(
            SECRET, "settings", token, now=NOW + timedelta(minutes=31), version_of=lambda _: who.links_version
        )


def test_whoever_waits_for_the_question_gets_it_again_by_asking_for_a_link(store, act):
    act(request, wish())
    act(send_link, READER, None, now=NOW + timedelta(minutes=5))
    asked, again = mails(store)
    assert again[0] == "confirm"
    assert link_in(asked[2], "c") == link_in(again[2], "c")


@pytest.mark.parametrize("ask", [request, send_link], ids=["subscribe", "link"])
def test_strangers_and_friends_cost_the_same_work(store, act, office, ask):
    subscribed(store, act, email="friend@example.org")
    counts = []
    for email in ("stranger@example.com", "friend@example.org"):
        with store.writing() as tx:
            said: list[str] = []
            event.listen(
                tx, "before_cursor_execute", lambda *call, said=said: said.append(call[2].split()[0])
            )
            if ask is request:
                request(tx, office, wish(email=email), now=NOW + 2 * DAY)
            else:
                send_link(tx, office, email, None, now=NOW + 2 * DAY)
        counts.append(len(said))
    assert counts[0] == counts[1]


# ── staying ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_change_is_stored_and_can_be_undone(store, act):
    before = subscribed(store, act)
    wanted = replace(before.profile, cadence=Cadence("week"), max_papers=5)
    after = act(change_profile, before, wanted, version=before.profile_version)
    assert after.profile == wanted
    assert after.next_due_at == (NOW + 7 * DAY).replace(hour=7, minute=30)
    assert act(undo_change, after).profile == before.profile


def test_a_change_of_something_that_changed_meanwhile_is_refused(store, act):
    before = subscribed(store, act)
    act(change_profile, before, replace(before.profile, max_papers=5), version=before.profile_version)
    with pytest.raises(ConflictError):
        act(
            change_profile,
            person(store),
            replace(before.profile, max_papers=7),
            version=before.profile_version,
        )
    assert person(store).profile.max_papers == 5


def test_a_change_never_changes_the_address(store, act):
    before = subscribed(store, act)
    after = act(change_profile, before, replace(before.profile, email="evil@example.com", max_papers=3))
    assert after.profile.email == after.email == READER


def test_a_file_keeps_its_profile_but_not_its_person_from_leaving(store, act):
    owner = subscribe(store, a_profile())
    with pytest.raises(DigestError, match="owns this profile"):
        act(change_profile, owner, replace(owner.profile, max_papers=3))
    assert act(pause, owner, until=None).status == "paused"
    assert act(leave, person(store), how="page").status == "unsubscribed"


def test_a_pause_ends_by_itself_and_remembers_what_was_missed(store, act):
    act(pause, subscribed(store, act), until=NOW + 10 * DAY)
    assert come_back(store, now=NOW + 9 * DAY) == 0
    assert come_back(store, now=NOW + 10 * DAY) == 1
    back = person(store)
    assert (back.status, back.catch_up_since, back.paused_until) == ("active", NOW, None)
    assert back.next_due_at == (NOW + 10 * DAY).replace(hour=7, minute=30)


def test_a_longer_pause_still_began_when_it_began(store, act):
    first = act(pause, subscribed(store, act), until=NOW + 3 * DAY)
    longer = act(pause, first, until=NOW + 9 * DAY, now=NOW + DAY)
    assert longer.catch_up_since == NOW


def test_who_wants_no_catch_up_gets_none(store, act):
    act(pause, subscribed(store, act), until=None, catch_up=False)
    assert act(resume, person(store), now=NOW + DAY).catch_up_since is None


def test_links_of_mails_end_when_their_owner_says_so(store, act, letters):
    who = subscribed(store, act)
    token = link_in(letters.links(who).unsubscribe_url, "u")
    assert verify(SECRET, "unsubscribe", token, version_of=lambda _: who.links_version) == who.id
    after = act(revoke_links, who)
    with pytest.raises(TokenError):
        verify(SECRET, "unsubscribe", token, version_of=lambda _: after.links_version)


# ── moving ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_move_needs_the_word_of_the_new_address_and_the_old_one_is_told(store, act):
    act(ask_to_move, subscribed(store, act), "new@example.com", None)
    assert [(kind, to) for kind, to, _ in mails(store)[1:]] == [
        ("address", "new@example.com"),
        ("moving", READER),
    ]
    assert person(store) is not None
    act(confirm_move, link_in(mails(store)[1][2], "a"))
    assert person(store) is None
    moved = person(store, "new@example.com")
    assert (moved.profile.email, moved.status) == ("new@example.com", "active")
    with store.reading() as db:
        assert [proof["purpose"] for proof in consents_of(db, moved.id)] == ["subscribe", "address"]


@pytest.mark.parametrize("too_late", [False, True])
def test_the_old_address_stops_a_move_even_after_it(store, act, too_late):
    act(ask_to_move, subscribed(store, act), "new@example.com", None)
    yes, no = link_in(mails(store)[1][2], "a"), link_in(mails(store)[2][2], "x")
    if too_late:
        act(confirm_move, yes)
    act(stop_move, no)
    assert act(confirm_move, yes).state == "declined"
    assert person(store).status == "active"
    assert person(store, "new@example.com") is None


def owe_one(store, number, email):
    """A digest with a paper, as `publish` queues it. Returns its delivery, or None when the day's is owed already."""
    record(store, a_paper(1))
    reader = person(store, email)
    pick = Pick(a_paper(1), Score("arxiv:2602.00001", 1.0), Section.TOP)
    digest = Digest(an_issue(), email, (pick,), 1, reader.profile)
    with store.writing() as tx:
        stored = find_paper(tx, "2602.00001")
        assert stored is not None
        owed = Owed(digest, a_message(number, email), reader, (stored.pk,))
        return owe_digests(tx, [owed], now=NOW).get(reader.id)


def test_a_digest_that_waits_during_a_move_is_made_anew_for_the_new_address(store, act):
    act(ask_to_move, subscribed(store, act), "new@example.com", None)
    number = owe_one(store, 1, READER)
    act(confirm_move, link_in(mails(store, "address")[0][2], "a"))
    moved = person(store, "new@example.com")
    with store.reading() as db:
        row = db.execute(select(deliveries).where(deliveries.c.id == number)).one()
        assert (row.state, row.last_reply) == (
            "suppressed",
            "taken back before it left: its reader moved to another address",
        )
        assert shown_among(db, [moved.id], {1: "arxiv:2602.00001"}) == {moved.id: set()}
    assert moved.next_due_at == NOW
    assert owe_one(store, 2, "new@example.com") is not None
    assert owe_one(store, 3, "new@example.com") is None


def test_a_digest_that_may_have_left_is_not_made_twice_by_a_move(store, act):
    act(ask_to_move, subscribed(store, act), "new@example.com", None)
    number = owe_one(store, 1, READER)
    with store.writing() as tx:
        claimed = claim(tx, Claim("worker", NOW + DAY), now=NOW, limit=10)
        mark_handed(tx, claimed, now=NOW)
    act(confirm_move, link_in(mails(store, "address")[0][2], "a"))
    assert owe_one(store, 2, "new@example.com") is None
    with store.reading() as db:
        assert db.execute(select(deliveries.c.state).where(deliveries.c.id == number)).scalar() == "sending"


def test_nobody_moves_onto_somebody_else(store, act):
    subscribed(store, act)
    subscribed(store, act, email="other@example.com")
    assert act(ask_to_move, person(store), "other@example.com", None) is Asked.MAILED
    assert act(confirm_move, link_in(mails(store, "address")[0][2], "a")).state == "declined"
    assert person(store).status == person(store, "other@example.com").status == "active"


def test_a_question_that_nobody_answered_stands_in_no_ones_way(store, act):
    subscribed(store, act)
    act(request, wish(email="new@example.com"))
    act(ask_to_move, person(store), "new@example.com", None)
    assert act(confirm_move, link_in(mails(store, "address")[0][2], "a")).state == "confirmed"
    assert person(store) is None
    assert person(store, "new@example.com").status == "active"
    with pytest.raises(TokenError):
        act(confirm, link_in(mails(store, "confirm")[-1][2], "c"), sample=None)


def test_who_comes_back_after_a_pause_and_an_end_is_told_of_no_old_papers(store, act):
    act(pause, subscribed(store, act), until=None)
    with store.writing() as tx:
        tx.execute(subscribers.update().values(status="unsubscribed", status_reason="its file was removed"))
    act(request, wish(), now=NOW + 2 * DAY)
    act(confirm, link_in(mails(store, "confirm")[-1][2], "c"), sample=None, now=NOW + 2 * DAY)
    assert (person(store).status, person(store).catch_up_since) == ("active", None)


# ── going ────────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(("how", "is_told"), [("page", True), ("mail", True), ("one-click", False)])
def test_leaving_is_at_once_and_harmless_to_repeat(store, act, how, is_told):
    who = subscribed(store, act)
    assert act(leave, who, how=how).status == "unsubscribed"
    assert act(leave, person(store), how=how).status == "unsubscribed"
    assert len(mails(store, "goodbye")) == is_told


def test_leaving_can_be_undone_by_who_left(store, act):
    act(leave, subscribed(store, act), how="page")
    assert act(undo_leaving, person(store)).status == "active"


def test_an_end_that_was_not_the_readers_word_is_not_undone_by_a_link(store, act):
    owner = subscribe(store, a_profile())
    with store.writing() as tx:
        tx.execute(subscribers.update().values(status="unsubscribed", status_reason="its file was removed"))
    assert act(undo_leaving, person(store)).status == "unsubscribed"
    assert owner.status == "active"


@pytest.mark.only_on("sqlite")
def test_the_export_holds_every_table_that_knows_somebody(store, act):
    who = subscribed(store, act)
    record(store, a_paper(1))
    with store.reading() as db:
        kept = export(db, who)
        tables = {
            table
            for (table,) in db.execute(text("SELECT name FROM sqlite_master WHERE type = 'table'"))
            if any(
                "subscriber_id" in column or "address_hash" in column
                for (_, column, *_) in db.execute(text(f"PRAGMA table_info({table})"))
            )
        }
    told = {
        "subscribers": "subscriber", "suppressions": "suppressed_because", "deliveries": "mails",
        "shown": "papers_shown", "votes": "votes", "consents": "consents", "feeds": "feed",
    }  # fmt: skip
    # Reasons for silence, reports, waiting questions and counters say nothing a reader entered.
    apart = {"skips", "bounces", "requests", "asks"}
    assert tables - apart == told.keys()
    assert kept.keys() >= set(told.values())
    assert json.loads(json.dumps(kept)) == kept
    assert kept["subscriber"]["email"] == READER
    assert [mail["kind"] for mail in kept["mails"]] == ["confirm"]
    assert kept["feed"] is None
    with store.writing() as tx:
        serial = renew_feed(tx, who.id, now=NOW)
        told_of_it = export(tx, who)
    assert told_of_it["feed"] == {"is_open": True, "since": NOW.isoformat()}
    assert str(serial) not in json.dumps(told_of_it["feed"])
    assert tomllib.loads(kept["profile_file"])["email"] == READER


@pytest.mark.only_on("sqlite")
def test_of_the_erased_no_byte_is_left(store, act, tmp_path):
    email, word = "vanishing.reader@example.org", "xylophonic quasicrystals"
    who = subscribed(store, act, email=email, interests=(Interest((word,)),))
    act(erase, who)
    with store.writing() as tx:
        assert find_subscriber(tx, email) is None
    assert store.empty_log()
    files = list((tmp_path / "store").glob("digest.db*"))
    assert files
    for file in files:
        held = file.read_bytes()
        assert b"vanishing.reader" not in held, file.name
        assert word.encode() not in held, file.name


def test_a_suppression_outlives_its_person_as_a_hash(store, act):
    who = subscribed(store, act)
    with store.writing() as tx:
        suppress(tx, who.address_hash, "complaint", "", NOW)
    act(erase, who)
    with store.reading() as db:
        assert db.execute(text("SELECT count(*) FROM suppressions")).scalar() == 1


# ── the file ─────────────────────────────────────────────────────────────────────────────────────────────────────────

_words = st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1, max_size=20).filter(
    lambda word: any(letter.isalnum() for letter in word) and "*" not in word
)


@given(
    keywords=st.lists(_words, min_size=1, max_size=4, unique=True),
    weight=st.floats(-10, 10, allow_nan=False),
    every=st.sampled_from(
        [
            Cadence("day"),
            Cadence("week"),
            Cadence("week", days=("fri",)),
            Cadence("days", days=("mon", "thu")),
        ]
    ),
    muted=st.lists(_words, max_size=2, unique=True),
)
def test_a_profile_becomes_a_file_and_a_profile_again(tmp_path_factory, keywords, weight, every, muted):
    file = tmp_path_factory.mktemp("profile") / "reader.toml"
    wanted = a_profile(
        interests=(Interest(tuple(keywords), weight),),
        cadence=every,
        mute=tuple(muted),
        follow_authors=("Ada Lovelace",),
    )
    file.write_text(profile_to_toml(wanted), encoding="utf-8")
    read = read_profile(file)
    file.write_text(profile_to_toml(read), encoding="utf-8")
    assert read_profile(file) == read
    assert replace(read, interests=wanted.interests, mute=wanted.mute) == wanted


@pytest.mark.only_on("postgresql")
def test_one_address_typed_at_two_web_processes_at_once_fails_at_neither(store, office):
    def ask():
        with store.writing() as tx:
            return request(tx, office, wish(), now=NOW)

    with store.writing() as tx, ThreadPoolExecutor(1) as other:
        assert request(tx, office, wish(), now=NOW) is Asked.MAILED
        waiting = other.submit(ask)
        with pytest.raises(TimeoutError):
            waiting.result(timeout=0.5)
        tx.commit()
        assert waiting.result(timeout=10) in (Asked.MAILED, Asked.ENOUGH)
    assert person(store).status == "pending"


@pytest.mark.only_on("postgresql")
def test_two_presses_on_one_button_at_one_moment_leave_one_consent(store, office, act):
    act(request, wish())
    token = link_in(mails(store)[0][2], "c")

    def press():
        with store.writing() as tx:
            return confirm(tx, office, token, sample=None, now=NOW)

    with store.writing() as tx, ThreadPoolExecutor(1) as other:
        assert confirm(tx, office, token, sample=None, now=NOW).state == "confirmed"
        waiting = other.submit(press)
        with pytest.raises(TimeoutError):
            waiting.result(timeout=0.5)
        tx.commit()
        assert waiting.result(timeout=10).state == "confirmed"
    with store.reading() as db:
        assert len(consents_of(db, person(store).id)) == 1
