"""Mail that arrives: read where it lies, marked only when it was written down, from honest servers and others."""

import ssl
import time
from contextlib import contextmanager
from datetime import datetime, timedelta

import pytest
import trustme

from digest.commands import look_into_mailbox
from digest.errors import MailboxError, StoreError
from digest.mail.imap import ImapMailbox
from digest.mail.mailbox import MAX_BYTES, Maildir
from digest.tables import MailboxSettings
from tests.builders import NOW
from tests.imap_server import PASSWORD, Imap, imap_server
from tests.servers import free_port
from tests.test_bounces import a_clerk


@pytest.fixture(scope="module")
def authority():
    return trustme.CA()


@pytest.fixture
def imap(authority):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    return Imap(context)


@contextmanager
def served(imap, authority, tmp_path, password=PASSWORD, **wanted):
    ca_file = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(ca_file)
    known = {"host": "127.0.0.1", "username": "papers@example.org", "ca_file": ca_file, "timeout": 5}
    with imap_server(imap) as port:
        security = "tls" if imap.security == "tls" else "starttls"
        settings = MailboxSettings(**{**known, "port": port, "security": security, **wanted})
        yield ImapMailbox(settings, password)


def test_a_file_of_an_authority_that_is_not_there_is_said_with_the_setting(imap, authority, tmp_path):
    with served(imap, authority, tmp_path, ca_file=tmp_path / "none.pem") as mailbox:
        with pytest.raises(
            MailboxError, match=r"none\.pem cannot be used: No such file.*\[mailbox\] ca_file"
        ):
            mailbox.count()


def take_all(mailbox):
    taken: list[bytes] = []
    mailbox.each(taken.append)
    return taken


@pytest.mark.parametrize("security", ["tls", "starttls"])
def test_unread_mail_is_read_once_and_stays_where_it_is(imap, authority, tmp_path, security):
    imap.security = security
    for number in range(3):
        imap.put(b"Subject: %d\r\n\r\n* OK )\r\nbody\r\n" % number)
    with served(imap, authority, tmp_path) as mailbox:
        assert mailbox.count() == 3
        assert [raw.split(b"\r\n")[0] for raw in take_all(mailbox)] == [b"Subject: %d" % n for n in range(3)]
        assert take_all(mailbox) == []
    assert len(imap.mails) == 3


@pytest.mark.parametrize("extensions", [("AUTH=PLAIN", "MOVE"), ("UIDPLUS",), ()])
def test_what_was_read_goes_into_the_folder_for_it(imap, authority, tmp_path, extensions):
    imap.extensions = extensions
    imap.put(b"Subject: 1\r\n\r\n")
    with served(imap, authority, tmp_path, done_folder="Read") as mailbox:
        assert len(take_all(mailbox)) == 1
        assert take_all(mailbox) == []
    assert list(imap.folders["Read"].values()) == [b"Subject: 1\r\n\r\n"]
    assert set(imap.mails) == (set() if extensions else {1})  # without UIDPLUS it is marked only


def test_what_was_not_written_down_comes_again(imap, authority, tmp_path):
    imap.put(b"Subject: 1\r\n\r\n")

    def full(_raw):
        raise StoreError("the disk is full")

    with served(imap, authority, tmp_path) as mailbox:
        with pytest.raises(StoreError, match="the disk is full"):
            mailbox.each(full)
        assert len(take_all(mailbox)) == 1


def test_a_mail_that_is_too_long_comes_cut(imap, authority, tmp_path):
    imap.put(b"x" * (2 * MAX_BYTES))
    with served(imap, authority, tmp_path) as mailbox:
        assert [len(raw) for raw in take_all(mailbox)] == [MAX_BYTES + 1]


def test_an_access_token_logs_in_as_the_server_wants(imap, authority, tmp_path):
    with served(imap, authority, tmp_path, auth="xoauth2") as mailbox:
        mailbox.count()
    assert imap.logged_in == [
        f"XOAUTH2 {f'user=papers@example.org{chr(1)}auth=Bearer {PASSWORD}{chr(1)}{chr(1)}'!r}"
    ]


def test_a_wrong_password_is_told_with_where_to_mend_it(imap, authority, tmp_path):
    for imap.extensions in (("AUTH=PLAIN",), ()):
        with served(imap, authority, tmp_path, password="wrong") as mailbox:
            with pytest.raises(MailboxError, match=r"invalid credentials.*DIGEST_IMAP_PASSWORD"):
                mailbox.count()


def test_nothing_is_said_where_the_certificate_is_not_to_be_trusted(imap, authority, tmp_path):
    with served(imap, authority, tmp_path, ca_file=None) as mailbox:
        with pytest.raises(
            MailboxError, match=r"certificate.*name the file of its authority as \[mailbox\] ca_file"
        ):
            mailbox.count()
    imap.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("mail.example.org").configure_cert(imap.context)
    with served(imap, authority, tmp_path) as mailbox:
        with pytest.raises(MailboxError, match=r"the name that the certificate carries as \[mailbox\] host"):
            mailbox.count()
    imap.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1", not_after=datetime(2020, 1, 1)).configure_cert(imap.context)  # noqa: DTZ001
    with served(imap, authority, tmp_path) as mailbox:
        with pytest.raises(MailboxError, match=r"has expired.*has to renew it"):
            mailbox.count()
    assert imap.logged_in == []


def test_a_password_never_travels_in_clear(imap, authority, tmp_path):
    imap.security = "none"
    with served(imap, authority, tmp_path) as mailbox:
        with pytest.raises(MailboxError, match="TLS not supported"):
            mailbox.count()
    assert imap.logged_in == []


def test_what_was_said_before_tls_counts_no_more(imap, authority, tmp_path):
    imap.security, imap.act = "starttls", "injected"
    with served(imap, authority, tmp_path) as mailbox:
        with pytest.raises(MailboxError, match="in clear after STARTTLS"):
            mailbox.count()
    assert imap.logged_in == []


@pytest.mark.parametrize(
    ("act", "said"),
    [
        ("drip", "no answer in time"),
        ("flood", "too long"),
        ("drop", "hung up"),
        ("huge", "too long"),
        ("search_no", "try later"),
    ],
)
def test_no_server_keeps_us(imap, authority, tmp_path, act, said):
    imap.put(b"Subject: 1\r\n\r\n")
    imap.act = act
    with served(imap, authority, tmp_path, timeout=2) as mailbox:
        began = time.monotonic()
        with pytest.raises(MailboxError, match=said):
            mailbox.each(lambda _: None)
        assert time.monotonic() - began < 7  # it would drip for ten
    assert imap.flags[1] == set()


def test_a_server_that_is_not_there_and_a_folder_that_is_not_are_told(imap, authority, tmp_path):
    with served(imap, authority, tmp_path, folder="Nowhere") as mailbox:
        with pytest.raises(MailboxError, match="the folder Nowhere"):
            mailbox.count()
    with served(imap, authority, tmp_path, port=free_port()) as mailbox:
        with pytest.raises(MailboxError, match=r"\[mailbox\] host and port"):
            mailbox.count()


def test_a_mailbox_in_trouble_is_left_alone_for_a_while_and_then_read(store, imap, authority, tmp_path):
    def look(minutes):
        return look_into_mailbox(a_clerk(store), mailbox, now=NOW + timedelta(minutes=minutes))

    imap.put(b"Subject: hello\r\n\r\n")
    imap.act = "search_no"
    with served(imap, authority, tmp_path) as mailbox:
        assert "try later" in look(0).stopped
        imap.act = ""
        assert "try later" in look(4).stopped
        assert imap.said.count("SEARCH") == 1
        assert (look(6).stopped, look(6).counts) == (None, {})
    assert imap.flags[1] == {"\\Seen"}


def test_a_maildir_is_read_the_same_way_and_need_not_be_there(tmp_path):
    assert take_all(Maildir(tmp_path / "nowhere")) == []
    (tmp_path / "new").mkdir()
    for name in ("2", "1"):
        (tmp_path / "new" / name).write_bytes(name.encode())
    mailbox = Maildir(tmp_path)
    assert mailbox.count() == 2
    assert take_all(mailbox) == [b"1", b"2"]
    assert take_all(mailbox) == []
    assert {file.name for file in (tmp_path / "cur").iterdir()} == {"1:2,S", "2:2,S"}
