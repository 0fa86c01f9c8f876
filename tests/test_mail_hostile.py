"""Whatever a page, a person or a file says, it stays text: in HTML, in plain text and in headers."""

import email
from dataclasses import replace
from datetime import timedelta
from email import policy

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import html as lxml_html

from digest.mail import samples
from digest.mail.catalogue import sample_message
from digest.mail.links import Links
from digest.mail.message import Recipient, Sender, write_message
from digest.mail.render import Change, Command, Renderer, Trouble
from digest.model import (
    Cadence,
    Digest,
    Envelope,
    Interest,
    Pick,
    Profile,
    Reason,
    ReasonKind,
    Score,
    Section,
)
from digest.text import clean_text
from tests.builders import a_paper

RENDERER = Renderer()
WEEK = timedelta(days=7)
HEADERS = [
    "Date", "From", "To", "Message-ID", "Subject", "List-Unsubscribe", "List-Unsubscribe-Post", "List-ID",
    "Feedback-ID", "Precedence", "Auto-Submitted", "X-Auto-Response-Suppress", "MIME-Version", "Content-Type",
]  # fmt: skip
PAYLOADS = [
    "<script>alert(1)</script>", "</title></p></td><h1>", "<img src=x onerror=alert(1)>", "{{ 7 * 7 }}", "{% raw %}", "{# x #}",
    "{# cut #}", "{# papers #}", "[[ theme ]]", "\"'`&<>", "&lt;b&gt; &amp; &#847;", "a\x00b", "a\u202eb", "a\u00a0b", "a\u200bb",
    "a\r\nBcc: victim@example.org", "a\r\n\r\n<b>", "a\n.\r\nMAIL FROM:<x>", "=?utf-8?q?x?=", "=?utf-8?q?a=0D=0ABcc=3A_v?=",
    "x" * 10_000, "<![endif]-->", "<!--[if mso]>", "]]>", "\ud800", "e" + "\u0301" * 50, "مرحبا <b> שלום", "👩‍👩‍👧", "\\u{a0}", "%s %(x)s",
    "=\r\n", "From here", "--=_boundary", "javascript:alert(1)", "https://evil.example/\" onclick=\"x", "$\\frac{<b>}{x}$", "",
]  # fmt: skip
TEXT = st.one_of(
    st.sampled_from(PAYLOADS),
    st.lists(st.sampled_from([*PAYLOADS[:-13], "word ", " "]), max_size=4).map("".join),
    st.text(max_size=200),
)


def digest_with(text: str) -> Digest:
    paper = a_paper(
        1,
        title=f"T {text}",
        abstract=f"A {text}",
        url=text,
        authors=(text, "B"),
        organization=text,
        fields=(text,),
    )
    kinds = (ReasonKind.KEYWORD, ReasonKind.AUTHOR, ReasonKind.TRENDING)
    score = Score(paper.id, 1.0, tuple(Reason(kind, text, 1.0) for kind in kinds))
    picks = (Pick(paper, score, Section.TOP), Pick(a_paper(2), Score("2", 0.5), Section.WILDCARD))
    profile = Profile("reader@example.org", name=text, timezone=text, interests=(Interest((text,)),))
    return Digest(samples.ISSUE, "reader@example.org", picks, 9, profile)


def mail_with(text: str):
    digest = digest_with(text)
    links = Links(
        "https://digest.example.org/u/token",
        preferences_url=text,
        profile_file=text,
        feedback_url="https://digest.example.org/f/token",
    )
    sender = Sender(text, "papers@example.org", list_id=text, postal_address=text)
    rendered = RENDERER.digest(digest, links, sender=sender)
    message = write_message(
        rendered,
        sender=sender,
        envelope=Envelope("b@example.org", "reader@example.org"),
        recipient=Recipient("reader@example.org", text),
        message_id="<1@example.org>",
        date=samples.ISSUE.due_at,
        links=links,
    )
    return rendered, message


def other_mails_with(text: str):
    sender = Sender(text, "papers@example.org")
    links = Links(preferences_url=text, unsubscribe_url="https://digest.example.org/u/token")
    on = samples.ISSUE.on
    yield RENDERER.changed([Change(text, text, text)], links, sender=sender, on=on)
    yield RENDERER.alert([Trouble(text, text, f"{text} `digest status`")] * 2, sender=sender, on=on)
    yield RENDERER.goodbye(links, sender=sender, on=on)
    yield RENDERER.confirm("https://digest.example.org/c/token", sender=sender, valid=WEEK, on=on)
    yield RENDERER.known(
        digest_with(text).profile, links, text, is_paused=False, valid=WEEK, sender=sender, on=on
    )
    yield RENDERER.link(text, valid=WEEK, sender=sender, on=on)
    yield RENDERER.address(text, valid=WEEK, sender=sender, on=on)
    yield RENDERER.moving(text, valid=WEEK, sender=sender, on=on)
    yield RENDERER.help([Command(text, text)], text, text, sender=sender, on=on)
    yield RENDERER.welcome(digest_with(text), links, sender=sender)
    yield RENDERER.catch_up(digest_with(text), links, sender=sender, since=on)
    yield RENDERER.digest(replace(digest_with(text), picks=()), links, sender=sender)
    weekly = replace(digest_with(text).profile, cadence=Cadence("week"))
    yield RENDERER.digest(replace(digest_with(text), profile=weekly), links, sender=sender)


def check_others(text: str) -> None:
    plain = [element_names(mail.html) for mail in other_mails_with("plain")]
    for mail, known in zip(other_mails_with(text), plain, strict=True):
        message = sample_message(mail)
        parsed = email.message_from_bytes(message.raw, policy=policy.default)
        assert set(parsed.keys()) <= {*HEADERS, "Reply-To"}
        assert len(parsed.keys()) == len(set(parsed.keys()))
        assert b"\n" not in message.raw.replace(b"\r\n", b"")
        assert element_names(mail.html) <= known
        assert not lxml_html.fromstring(mail.html).xpath("//@*[starts-with(name(), 'on')]")


def element_names(html: str) -> set[str]:
    return {element.tag for element in lxml_html.fromstring(html).iter() if isinstance(element.tag, str)}


def check(text: str) -> None:
    rendered, message = mail_with(text)
    mail = email.message_from_bytes(message.raw, policy=policy.default)
    assert mail.keys() == HEADERS
    assert [a.addr_spec for name in ("From", "To") for a in mail[name].addresses] == [
        "papers@example.org",
        "reader@example.org",
    ]
    assert not [defect for part in mail.walk() for defect in part.defects]
    assert b"\n" not in message.raw.replace(b"\r\n", b"")
    assert b"\r" not in message.raw.replace(b"\r\n", b"")
    said = [part.get_content().replace("\r\n", "\n") for part in mail.iter_parts()]
    assert said == [rendered.text, rendered.html]

    # The same elements as for a harmless text, but for lines that had nothing to say.
    page = lxml_html.fromstring(rendered.html)
    assert element_names(rendered.html) <= element_names(mail_with("plain")[0].html)
    assert not page.xpath("//@*[starts-with(name(), 'on')]")
    assert all(url.startswith(("https://", "http://", "mailto:")) for url in page.xpath("//@href"))


@pytest.mark.parametrize("text", PAYLOADS, ids=[f"payload{n}" for n in range(len(PAYLOADS))])
def test_hostile_text_stays_text(text):
    check(text)
    check_others(text)


@settings(max_examples=100, deadline=None)
@given(TEXT)
def test_any_text_stays_text(text):
    check(text)
    check_others(text)


@pytest.mark.parametrize("text", [p for p in PAYLOADS if "$" not in p and len(p) < 200 and p], ids=ascii)
def test_the_words_a_reader_sees_are_those_that_were_written(text):
    rendered, _ = mail_with(text)
    titles = lxml_html.fromstring(rendered.html).xpath("//h2[@dir]")
    # A word joiner, which nobody sees, keeps mail programs from making links.
    in_html, in_text = (said.replace("\u2060", "") for said in (titles[0].text_content(), rendered.text))
    assert " ".join(in_html.split()) == " ".join(clean_text(f"T {text}").split())
    assert "".join(clean_text(f"T {text}").split()) in "".join(in_text.split())
