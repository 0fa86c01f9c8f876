"""Mails that the web pages and the answers to mails are made of."""

import email
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email import policy

import pytest

from digest.letters import Letters
from digest.mail import samples
from digest.mail.notices import Command, Trouble
from digest.mail.render import KINDS, Renderer
from digest.model import Message
from digest.store.people import Subscriber
from digest.tables import SenderSettings
from digest.tokens import Purpose, verify
from tests.builders import a_profile

SECRET = b"a secret of this test"
NOW = datetime(2026, 3, 5, 7, 30, tzinfo=UTC)
URL = "https://papers.example.org/c/token"
HOUR = timedelta(hours=1)
LETTERS = Letters(
    Renderer(),
    SenderSettings(address="papers@example.org"),
    secret=SECRET,
    web_url="https://papers.example.org/",
)
READER = Subscriber(
    id=7,
    email="reader@example.org",
    status="active",
    status_reason=None,
    owner="web",
    file=None,
    profile=a_profile(name="Sefa"),
    profile_error=None,
    next_due_at=NOW,
    created_at=NOW,
    address_hash="",
)
DIGEST = replace(samples.DIGEST, subscriber=READER.email, profile=READER.profile)
MESSAGES = {
    "digest": LETTERS.write(DIGEST, READER, now=NOW),
    "catch-up": LETTERS.catch_up(DIGEST, READER, since=NOW - timedelta(days=20), now=NOW),
    "welcome": LETTERS.welcome(DIGEST, READER, now=NOW),
    "changed": LETTERS.changed(READER, before=a_profile(max_papers=3), now=NOW),
    "goodbye": LETTERS.goodbye(READER, now=NOW),
    "confirm": LETTERS.confirm("new@example.org", url=URL, valid=HOUR, now=NOW),
    "known": LETTERS.known(READER, url=URL, valid=HOUR, now=NOW),
    "link": LETTERS.link(READER, url=URL, valid=HOUR, now=NOW),
    "address": LETTERS.address("new@example.org", url=URL, valid=HOUR, now=NOW),
    "moving": LETTERS.moving(READER, url=URL, valid=HOUR, now=NOW),
    "help": LETTERS.help(
        "reader@example.org", [Command("pause", "stops it")], outcome="It is paused.", now=NOW
    ),
    "alert": LETTERS.alert("editor@example.org", [Trouble("a", "b", "c")], now=NOW),
}
BY_FORM = {"weekly", "quiet"}  # digests that `write` makes of another profile or of no picks


def headers(message: Message):
    return email.message_from_bytes(message.raw, policy=policy.default)


def said(message: Message) -> str:
    part = headers(message).get_body(("plain",))
    assert part is not None
    return " ".join(part.get_content().split())


def test_there_is_a_letter_of_every_kind():
    assert set(MESSAGES) == set(KINDS) - BY_FORM


@pytest.mark.parametrize("kind", MESSAGES)
def test_a_letter_goes_to_one_person(kind):
    message = MESSAGES[kind]
    to = {"confirm": "new@example.org", "address": "new@example.org", "alert": "editor@example.org"}.get(
        kind, READER.email
    )
    assert message.envelope.rcpt_to == to
    assert [address.addr_spec for address in headers(message)["To"].addresses] == [to]
    assert "Cc" not in headers(message)


@pytest.mark.parametrize("kind", MESSAGES)
def test_only_letters_of_the_list_can_be_unsubscribed_from_by_one_click(kind):
    of_list = kind in ("digest", "catch-up", "welcome", "changed")
    found = headers(MESSAGES[kind])
    assert [name in found for name in ("List-Unsubscribe", "List-Unsubscribe-Post", "List-ID")] == [
        of_list
    ] * 3


@pytest.mark.parametrize("kind", ["confirm", "known", "link", "address", "moving"])
def test_a_link_that_was_asked_for_is_in_the_letter_with_its_time(kind):
    assert URL in said(MESSAGES[kind])
    assert "1 hour" in said(MESSAGES[kind])


@pytest.mark.parametrize("kind", ["confirm", "address"])
def test_what_goes_to_an_unproven_address_names_nobody(kind):
    for name in (b"Sefa", b"reader@"):
        assert name not in MESSAGES[kind].raw


def test_the_links_of_a_digest_are_good_for_one_thing_each():
    links = LETTERS.links(READER, DIGEST)
    of_purpose: dict[Purpose, tuple[str, str | None, str]] = {
        "unsubscribe": ("/u/", links.unsubscribe_url, ""),
        "preferences": ("/p/", links.preferences_url, ""),
        "feedback": ("/f/", links.feedback_url, ""),
        "web": ("/w/", str(links.web_url).removesuffix("/2026-03-05"), "2026-03-05"),
    }
    for purpose, (path, url, about) in of_purpose.items():
        token = str(url).removeprefix(f"https://papers.example.org{path}")
        assert verify(SECRET, purpose, token, about) == READER.id


@pytest.mark.parametrize("mailbox", [None, "in@papers.example.org"])
@pytest.mark.parametrize("web_url", [None, "https://papers.example.org"])
@pytest.mark.parametrize("owner", ["web", "file"])
def test_a_letter_has_the_links_of_its_reader_and_the_same_bytes_when_nothing_is_shared(
    owner, web_url, mailbox
):
    reader = replace(READER, owner=owner, file="sefa.toml", links_version=3)
    letters, anew = (
        Letters(
            Renderer(shares=shares),
            SenderSettings(address="papers@example.org"),
            secret=SECRET,
            web_url=web_url,
            mailbox=mailbox,
        )
        for shares in (True, False)
    )
    letters.write(DIGEST, replace(reader, id=8), now=NOW)  # somebody else's, whose words are shared
    message, links = letters.write(DIGEST, reader, now=NOW), letters.links(reader, DIGEST)
    assert message.raw == anew.write(DIGEST, reader, now=NOW).raw
    for way in (links.unsubscribe_url, links.preferences_url, links.web_url, links.feedback_url):
        assert way is None or way in said(message)
    ways = [way for way in (links.unsubscribe_url, links.mailto) if way]
    assert headers(message)["List-Unsubscribe"] == ", ".join(f"<{way}>" for way in ways)


def test_two_letters_of_one_kind_are_two_messages():
    later = LETTERS.link(READER, url=URL, valid=HOUR, now=NOW + HOUR)
    other = LETTERS.link(replace(READER, email="other@example.org"), url=URL, valid=HOUR, now=NOW)
    assert len({MESSAGES["link"].message_id, later.message_id, other.message_id}) == 3
    assert LETTERS.link(READER, url=URL, valid=HOUR, now=NOW) == MESSAGES["link"]


def test_who_paused_is_told_so_when_the_address_is_entered_again():
    paused = LETTERS.known(replace(READER, status="paused"), url=URL, valid=HOUR, now=NOW)
    assert "It is paused at the moment." in said(paused)
    assert "It comes every day at 07:30" in said(MESSAGES["known"])


def test_without_web_pages_a_digest_links_only_to_the_mailbox():
    links = Letters(Renderer(), SenderSettings(address="papers@example.org"), secret=SECRET).links(
        READER, DIGEST
    )
    assert (links.unsubscribe_url, links.web_url, links.feedback_url) == (None, None, None)
    assert links.mailto == "mailto:papers@example.org?subject=unsubscribe"
