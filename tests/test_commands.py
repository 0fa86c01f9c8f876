"""Requests by mail: what is asked for is done when it is surely the reader who asks, and no machine is ever answered."""

from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.commands import Clerk, look_into_mailbox, read_mailbox
from digest.letters import Letters
from digest.mail.render import Renderer
from digest.mail.requests import Word, parse_request
from digest.model import Interest
from digest.store.people import find_subscriber
from digest.subscriptions import Office, confirm
from digest.tables import SenderSettings
from digest.tokens import sign
from tests.builders import NOW, a_profile, kept_mails, owe, subscribe

SECRET = b"the secret of the tests"
LIST = "papers@example.org"
READER = "reader@example.org"


def a_mail(body="", *, subject="hello", sender=READER, to=LIST, kind="text/plain", **headers):
    more = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in headers.items())
    return (
        f"From: A Reader <{sender}>\r\nTo: Papers <{to}>\r\nSubject: {subject}\r\nMessage-ID: <asked-1@home.example>\r\n"
        f"{more}MIME-Version: 1.0\r\nContent-Type: {kind}; charset=utf-8\r\n\r\n{body}\r\n"
    ).encode()


def asked(body="", **fields):
    return parse_request(a_mail(body, **fields), address=LIST)


class Box:
    """A mailbox with these mails."""

    def __init__(self, *mails):
        self.mails = mails

    def each(self, take):
        for raw in self.mails:
            take(raw)

    def count(self):
        return len(self.mails)


@pytest.fixture
def clerk(store):
    sender = SenderSettings(name="Papers", address="digest@example.org")
    letters = Letters(Renderer(), sender, secret=SECRET, web_url="https://digest.example.org", mailbox=LIST)
    office = Office(letters, (SECRET,), store.address_hash, "https://digest.example.org")
    return Clerk(store, office, letters, LIST)


def read(clerk, *mails, now=NOW):
    return dict(read_mailbox(clerk, Box(*mails), now=now))


def person(clerk, email=READER):
    with clerk.store.reading() as db:
        return find_subscriber(db, email)


def answers(clerk):
    """What is queued: (kind, to, message)."""
    return [
        (row.kind, row.rcpt_to, message_from_bytes(raw, policy=policy.default))
        for row, raw in kept_mails(clerk.store)
        if row.kind != "digest"
    ]


def kinds(clerk):
    return [(kind, to) for kind, to, _ in answers(clerk)]


def text(message):
    return message.get_body(("plain",)).get_content()


def token_of(reader):
    return sign(SECRET, "unsubscribe", reader.id, version=reader.links_version)


@pytest.mark.parametrize(
    ("fields", "word"),
    [
        ({"subject": "subscribe"}, Word.SUBSCRIBE),
        ({"subject": "Re: UNSUBSCRIBE"}, Word.UNSUBSCRIBE),
        ({"subject": "=?utf-8?q?h=65lp?="}, Word.HELP),
        ({"body": "\n\npause until 2026-04-01\n"}, Word.PAUSE),
        ({"body": "stop\n\n> 5 papers for you", "subject": "Re: 5 papers"}, Word.UNSUBSCRIBE),
        ({"body": "<p>resume</p><blockquote>pause</blockquote>", "kind": "text/html"}, Word.RESUME),
    ],
)
def test_one_word_as_subject_or_first_line_is_understood(fields, word):
    assert asked(**fields).word is word


@pytest.mark.parametrize(
    "fields",
    [
        {"subject": "Subscribe to our newsletter today", "body": "Only three left"},
        {"body": "Thank you for this digest, please do not unsubscribe me"},
        {"body": "> unsubscribe"},
        {"body": "On Monday, Papers wrote:\nhelp"},
        {"subject": "help", "to": "somebody.else@example.org"},
        {"subject": "help", "body": "x" * (1 << 19)},
    ],
)
def test_everything_else_asks_for_nothing(fields):
    assert asked(**fields) is None


def test_topics_stand_below_the_word_until_the_signature():
    request = asked(
        "subscribe\n- speculative decoding\nneural codec*; KV cache,KV cache\n--\nA Reader\nphysics"
    )
    assert request.topics == ("speculative decoding", "neural codec*", "KV cache")
    assert asked("diffusion", subject="subscribe").topics == ("diffusion",)
    assert asked("subscribe: diffusion, audio").topics == ("diffusion", "audio")


@given(st.binary(max_size=400), st.text(max_size=100))
def test_nothing_a_stranger_sends_breaks_the_reading(raw, words):
    parse_request(raw, address=LIST)
    parse_request(b"From: a@example.org\r\nTo: papers@example.org\r\n" + raw, address=LIST)
    asked(words, subject="subscribe")


def test_subscribing_asks_the_address_and_keeps_the_topics(clerk):
    mail = a_mail("speculative decoding\nKV cache", subject="subscribe")
    assert read(clerk, mail) == {"subscribe": 1}
    assert person(clerk).status == "pending"
    [(kind, to, message)] = answers(clerk)
    assert (kind, to) == ("confirm", READER)
    assert "speculative" not in str(message)
    link = next(word for word in text(message).split() if "/c/" in word)
    with clerk.store.writing() as tx:
        confirm(tx, clerk.office, link.rpartition("/")[2], sample=None, now=NOW + timedelta(minutes=5))
    assert person(clerk).status == "active"
    assert person(clerk).profile.interests == (Interest(("speculative decoding",)), Interest(("KV cache",)))


def test_the_same_mail_twice_asks_once(clerk):
    mail = a_mail(subject="subscribe")
    read(clerk, mail, mail)
    read(clerk, mail, now=NOW + timedelta(hours=1))
    assert kinds(clerk) == [("confirm", READER)]


def test_help_is_answered_in_the_same_thread_and_says_a_machine_wrote_it(clerk):
    read(clerk, a_mail(subject="help"))
    [(kind, _, message)] = answers(clerk)
    assert kind == "help"
    assert message["In-Reply-To"] == "<asked-1@home.example>"
    assert message["Auto-Submitted"].startswith("auto-")
    assert all(word in text(message) for word in ("subscribe", "pause", "resume", "unsubscribe"))


def test_a_forged_sender_changes_nothing_and_is_told_how_to_prove_it(clerk):
    subscribe(clerk.store, a_profile())
    counts = read(clerk, *(a_mail(subject=word) for word in ("unsubscribe", "pause")))
    assert counts == {"unproven": 2}
    assert person(clerk).status == "active"
    assert "answer this mail with the one word unsubscribe" in " ".join(text(answers(clerk)[0][2]).split())


def test_answering_that_mail_proves_it(clerk):
    subscribe(clerk.store, a_profile())
    read(clerk, a_mail(subject="pause"))
    question = answers(clerk)[0][2]["Message-ID"]
    assert read(clerk, a_mail("pause", subject="Re: what you can ask for", In_Reply_To=question)) == {
        "pause": 1
    }
    assert person(clerk).status == "paused"


def test_answering_a_digest_proves_it_for_its_reader_and_nobody_else(clerk):
    owe(clerk.store, 1)
    got = "<1@example.org>"
    assert read(clerk, a_mail("stop", sender="thief@example.net", References=got)) == {"unproven": 1}
    assert person(clerk, "reader1@example.org").status == "active"
    assert read(clerk, a_mail("stop", sender="Reader1@example.org", References=got)) == {"unsubscribe": 1}
    assert person(clerk, "reader1@example.org").status == "unsubscribed"
    assert kinds(clerk)[-1] == ("goodbye", "reader1@example.org")


def test_the_address_in_the_header_of_a_digest_ends_it_from_anywhere_and_harmlessly_twice(clerk):
    reader = subscribe(clerk.store, a_profile())
    way = clerk.letters.links(reader).mailto
    assert way == f"mailto:{LIST}?subject=unsubscribe%20{token_of(reader)}"
    by_program = a_mail(
        subject=f"unsubscribe {token_of(reader)}", sender="other@example.net", Auto_Submitted="auto-generated"
    )
    assert read(clerk, by_program, by_program) == {"unsubscribe": 2}
    assert person(clerk).status == "unsubscribed"
    assert kinds(clerk) == []


@pytest.mark.parametrize(
    "change", [lambda t: t[:-1] + ("A" if t[-1] != "A" else "B"), lambda t: "A" * len(t)]
)
def test_a_token_that_is_altered_proves_nothing(clerk, change):
    reader = subscribe(clerk.store, a_profile())
    mail = a_mail(subject=f"unsubscribe {change(token_of(reader))}")
    assert read(clerk, mail) == {"unproven": 1}
    assert person(clerk).status == "active"


def test_a_pause_ends_where_the_mail_says_at_the_readers_own_midnight(clerk):
    reader = subscribe(clerk.store, a_profile(timezone="Asia/Tokyo"))
    proof = {"subject": "pause until 2026-04-01", "References": "<1@example.org>"}
    owe_one_to(clerk, reader)
    assert read(clerk, a_mail(**proof)) == {"pause": 1}
    assert person(clerk).paused_until == datetime(2026, 3, 31, 15, 0, tzinfo=UTC)
    assert "Wednesday, 1 April 2026" in text(answers(clerk)[-1][2]) or "1 April" in text(
        answers(clerk)[-1][2]
    )
    read(clerk, a_mail(subject="resume", References="<1@example.org>"))
    assert person(clerk).status == "active"
    read(clerk, a_mail(subject="pause until 2020-01-01", References="<1@example.org>"))
    assert person(clerk).status == "active"


def owe_one_to(clerk, reader):
    from digest.store.front import enqueue_notice
    from tests.builders import a_message

    with clerk.store.writing() as tx:
        message = a_message(1, reader.email)
        enqueue_notice(tx, message, kind="digest", address_hash=reader.address_hash, due_at=NOW, now=NOW)


@pytest.mark.parametrize(
    "headers",
    [
        {"Auto_Submitted": "auto-replied"},
        {"Precedence": "bulk"},
        {"List_Id": "<others.example.net>"},
        {"Return_Path": "<>"},
        {"sender": "MAILER-DAEMON@example.net"},
        {"sender": "no-reply@example.net"},
    ],
)
@pytest.mark.parametrize("word", ["help", "subscribe", "pause", "unsubscribe"])
def test_no_machine_is_ever_answered(clerk, headers, word):
    read(clerk, a_mail(subject=word, **headers))
    assert kinds(clerk) == []


@pytest.mark.parametrize("sender", [LIST, "=?x?q?a=40b=2eorg=3e=00?=@example.org", "a@b", "not an address"])
def test_neither_ourselves_nor_what_is_no_address_is_answered(clerk, sender):
    assert read(clerk, a_mail(subject="help", sender=sender)) == {"other": 1}
    assert kinds(clerk) == []


def test_nobody_is_answered_more_than_three_times_a_day(clerk):
    for minute in range(10):
        read(clerk, a_mail(subject="help"), now=NOW + timedelta(minutes=minute))
    assert len(kinds(clerk)) == 3


def test_our_own_answers_are_no_requests(clerk):
    read(clerk, a_mail(subject="help"))
    [(_, raw)] = kept_mails(clerk.store)
    assert read(clerk, raw) == {"other": 1}


def test_without_pages_nobody_can_subscribe_and_is_told_so(clerk):
    office = Office(clerk.letters, (SECRET,), clerk.store.address_hash, None)
    without = Clerk(clerk.store, office, clerk.letters, LIST)
    read(without, a_mail(subject="subscribe"))
    assert [kind for kind, _ in kinds(clerk)] == ["help"]
    assert person(clerk) is None


def test_a_mail_that_breaks_the_reading_costs_only_itself(clerk, monkeypatch):
    import digest.commands

    def broken(raw, **_):
        if b"bad" in raw:
            raise ZeroDivisionError
        return parse_request(raw, address=LIST)

    monkeypatch.setattr(digest.commands, "parse_request", broken)
    report = look_into_mailbox(clerk, Box(a_mail("bad"), a_mail(subject="help")), now=NOW)
    assert (report.counts, report.stopped) == ({"broken": 1, "help": 1}, None)
