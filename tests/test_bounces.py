"""Mail that comes back: only what is signed for counts, and only what blames the address costs it anything."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from digest.commands import Clerk, read_mailbox
from digest.letters import Letters
from digest.mail.bounces import Kind, parse_report
from digest.mail.mailbox import Maildir
from digest.mail.transport import MemoryTransport
from digest.mail.verp import delivery_of, return_address
from digest.returns import return_path
from digest.settling import Policy
from digest.store.people import suppressed
from digest.store.schema import bounces
from digest.subscriptions import Office
from tests.builders import NOW, owe
from tests.test_deliver import go

SECRET = b"the secret of the tests"


def a_report(
    *, to="bounces@example.org", status="5.1.1", action="failed", said="smtp; 550 no such user", inner=""
):
    return (
        f"From: MAILER-DAEMON@mx.example.net\r\nTo: {to}\r\nSubject: Undelivered Mail\r\nMIME-Version: 1.0\r\n"
        'Content-Type: multipart/report; report-type=delivery-status; boundary="B"\r\n\r\n'
        "--B\r\nContent-Type: text/plain\r\n\r\nIt could not be delivered.\r\n"
        "--B\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx.example.net\r\n\r\n"
        f"Final-Recipient: rfc822; reader1@example.org\r\nAction: {action}\r\nStatus: {status}\r\n"
        f"Diagnostic-Code: {said}\r\n\r\n"
        f"--B\r\nContent-Type: text/rfc822-headers\r\n\r\n{inner}Subject: a digest\r\n\r\n--B--\r\n"
    ).encode()


def a_complaint(to, about="abuse"):
    return (
        f"From: fbl@example.net\r\nTo: {to}\r\nMIME-Version: 1.0\r\n"
        'Content-Type: multipart/report; report-type=feedback-report; boundary="B"\r\n\r\n'
        "--B\r\nContent-Type: text/plain\r\n\r\nA complaint.\r\n"
        f"--B\r\nContent-Type: message/feedback-report\r\n\r\nFeedback-Type: {about}\r\nUser-Agent: FBL/1\r\nVersion: 1\r\n\r\n"
        "--B\r\nContent-Type: message/rfc822\r\n\r\nSubject: a digest\r\n\r\nbody\r\n--B--\r\n"
    ).encode()


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        ("5.1.1", Kind.HARD),
        ("5.1.2", Kind.HARD),
        ("5.1.10", Kind.HARD),
        ("5.2.1", Kind.HARD),
        ("5.2.2", Kind.SOFT),
        ("4.4.7", Kind.SOFT),
        ("5.0.0", Kind.SOFT),
        ("5.7.1", Kind.POLICY),
        ("5.7.26", Kind.POLICY),
        ("5.6.0", Kind.POLICY),
        ("5.5.0", Kind.POLICY),
    ],
)
def test_a_status_says_whether_the_address_is_to_blame(status, kind):
    report = parse_report(a_report(status=status))
    assert report is not None
    assert (report.kind, report.status) == (kind, status)
    assert report.detail == "smtp; 550 no such user"


@pytest.mark.parametrize(
    ("status", "said"),
    [
        ("5.7.26", "smtp; 550 5.7.26 unauthenticated"),
        ("5.0.0", "smtp; 550 SPF check failed"),
        ("", "smtp; 550 no DKIM signature"),
    ],
)
def test_a_receiver_that_could_not_make_sure_of_us_costs_no_reader_anything(status, said):
    report = parse_report(a_report(status=status, said=said))
    assert report is not None
    assert report.kind == Kind.POLICY


def test_what_is_no_failure_is_no_report():
    assert parse_report(a_report(action="delayed", status="4.4.1")) is None
    assert parse_report(a_report(action="delivered", status="2.0.0")) is None
    assert (
        parse_report(b"Subject: I am on holiday\r\nAuto-Submitted: auto-replied\r\n\r\nBack on Monday\r\n")
        is None
    )
    assert parse_report(a_complaint("x@example.org", about="not-spam")) is None
    assert parse_report(b"x" * (1 << 21)) is None


@given(st.integers(0, 2**40 - 1))
def test_a_return_address_says_which_delivery_it_was_whatever_case_it_comes_back_in(number):
    address = return_address(SECRET, "bounces@example.org", number)
    assert len(address.partition("@")[0]) <= 64  # RFC 5321, 4.5.3.1.1
    assert delivery_of(SECRET, address) == delivery_of(SECRET, address.upper()) == number
    assert delivery_of(b"another secret", address) is None


@given(st.text(max_size=60), st.binary(max_size=300))
def test_nothing_a_stranger_sends_breaks_the_reading(address, raw):
    delivery_of(SECRET, address)
    parse_report(raw)
    parse_report(b"Return-Path: <>\r\n" + raw)
    parse_report(a_report()[: len(raw)] + raw + a_report()[len(raw) :])


@pytest.fixture
def maildir(tmp_path):
    (tmp_path / "bounces" / "new").mkdir(parents=True)
    return tmp_path / "bounces"


def a_clerk(store, *secrets):
    letters = Letters.for_preview()
    return Clerk(store, Office(letters, secrets or (SECRET,), store.address_hash, None), letters)


def take(store, maildir, *mails, now=NOW, secrets=()):
    for number, raw in enumerate(mails):
        (maildir / "new" / f"{now:%Y%m%d%H%M}.{number}").write_bytes(raw)
    return dict(read_mailbox(a_clerk(store, *secrets), Maildir(maildir), now=now))


def barred(store, number=1):
    address = store.address_hash(f"reader{number}@example.org")
    with store.reading() as db:
        return suppressed(db, [address]).get(address)


def signed(delivery_id):
    return return_address(SECRET, "bounces@example.org", delivery_id)


def test_a_mailbox_that_is_gone_is_never_mailed_again(store, maildir):
    delivery = owe(store, 1)
    assert take(store, maildir, a_report(to=signed(delivery))) == {"hard": 1}
    assert barred(store) == "hard_bounce"
    assert go(store, MemoryTransport()).suppressed == 1
    assert list((maildir / "new").iterdir()) == []
    assert len(list((maildir / "cur").iterdir())) == 1


def test_mail_that_left_under_the_old_secret_still_comes_back_after_it_was_changed(store, maildir):
    report = a_report(to=signed(owe(store, 1)))
    assert take(store, maildir, report, secrets=(b"the new one", SECRET)) == {"hard": 1}
    assert barred(store) == "hard_bounce"


def test_a_complaint_ends_it_at_once(store, maildir):
    assert take(store, maildir, a_complaint(signed(owe(store, 1)))) == {"complaint": 1}
    assert barred(store) == "complaint"


def test_our_own_bad_name_costs_no_reader_anything(store, maildir):
    assert take(store, maildir, a_report(to=signed(owe(store, 1)), status="5.7.1")) == {"policy": 1}
    assert barred(store) is None


def in_free_words(to, words, who="reader1@example.org", sender="MAILER-DAEMON@old.example.net"):
    """A report as qmail wrote them before there was a form for it."""
    return (
        f"Return-Path: <>\r\nFrom: {sender}\r\nTo: {to}\r\nSubject: failure notice\r\n\r\n"
        "Hi. This is the qmail-send program at old.example.net.\r\n"
        "I'm afraid I wasn't able to deliver your message to the following addresses.\r\n"
        f"This is a permanent error; I've given up. Sorry it didn't work out.\r\n\r\n<{who}>:\r\n{words}\r\n\r\n"
        "--- Below this line is a copy of the message.\r\n\r\nSubject: 5.1.1 things\r\n"
    ).encode()


@pytest.mark.parametrize(
    ("words", "kind"),
    [
        ("Sorry, no mailbox here by that name. (#5.1.1)", "hard"),
        ("Sorry, no mailbox here by that name.", "hard"),
        ("User is over the quota.", "soft"),
        ("Your message was blocked. (#5.7.1)", "policy"),
    ],
)
def test_a_report_in_free_words_is_understood(store, maildir, words, kind):
    assert take(store, maildir, in_free_words(signed(owe(store, 1)), words)) == {kind: 1}
    assert barred(store) == ("hard_bounce" if kind == "hard" else None)


def test_a_guess_about_another_address_bars_nobody_at_once(store, maildir):
    report = in_free_words(signed(owe(store, 1)), "No such user.", who="somebody@else.example")
    assert take(store, maildir, report) == {"soft": 1}
    assert barred(store) is None


def test_free_words_count_only_where_they_were_signed_for_and_a_server_wrote_them(store, maildir):
    delivery = owe(store, 1)
    by_hand = in_free_words(signed(delivery), "No such user.", sender="a.person@example.net")
    by_hand = by_hand.replace(b"Return-Path: <>\r\n", b"")
    assert take(store, maildir, by_hand, in_free_words("bounces@example.org", "No such user.")) == {
        "other": 1,
        "unsigned": 1,
    }
    assert barred(store) is None


def test_a_full_mailbox_is_suppressed_only_after_five_days_of_it(store, maildir):
    to = signed(owe(store, 1))
    for day in range(5):
        assert barred(store) is None
        for hour in (0, 1):
            said = f"smtp; 552 full, day {day} hour {hour}"
            when = NOW + timedelta(days=day, hours=hour)
            assert take(store, maildir, a_report(to=to, status="5.2.2", said=said), now=when) == {"soft": 1}
    assert barred(store) == "hard_bounce"


def test_the_same_report_twice_counts_once(store, maildir):
    report = a_report(to=signed(owe(store, 1)), status="5.2.2")
    assert take(store, maildir, report, report) == {"soft": 1, "known": 1}


@pytest.mark.parametrize(
    "to",
    [
        "bounces@example.org",
        "bounces+" + "a" * 24 + "@example.org",
        return_address(b"a guess", "bounces@example.org", 1),
        return_address(SECRET, "bounces@example.org", 4711),
    ],
)
def test_a_forged_report_has_no_effect(store, maildir, to):
    owe(store, 1)
    counts = take(store, maildir, a_report(to=to), a_complaint(to))
    assert set(counts) <= {"unsigned", "known"}
    assert barred(store) is None
    with store.reading() as db:
        assert db.execute(select(bounces)).all() == []


def test_the_returned_message_itself_may_carry_the_signature(store, maildir):
    inner = f"Return-Path: <{signed(owe(store, 1))}>\r\n"
    assert take(store, maildir, a_report(to="postmaster@example.org", inner=inner)) == {"hard": 1}


def test_each_message_leaves_with_a_return_address_of_its_own_and_the_same_bytes(store):
    first, second = owe(store, 1), owe(store, 2)
    transport = MemoryTransport()
    go(store, transport, policy=Policy(return_path=return_path(SECRET, "bounces@example.org")))
    assert [delivery_of(SECRET, envelope.mail_from) for envelope, _ in transport.sent] == [first, second]


def test_no_maildir_is_no_trouble(store, tmp_path):
    assert not read_mailbox(a_clerk(store), Maildir(tmp_path / "nowhere"), now=NOW)
