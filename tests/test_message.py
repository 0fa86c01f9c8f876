"""The bytes that leave, read back by the standard library."""

import email
import random
import re
from dataclasses import replace
from email import policy
from typing import Any

import pytest

from digest.mail import samples
from digest.mail.catalogue import sample
from digest.mail.headers import address_header, safe_header, structured_header, text_header
from digest.mail.links import Links
from digest.mail.message import Recipient, domain_of, message_id_for, write_message
from digest.mail.quoted import STEM, form_of, quote
from digest.mail.render import Renderer
from digest.mail.rendered import Sender
from digest.mail.slots import masked
from digest.model import Envelope
from digest.writing import Tokens, joined

RENDERER = Renderer()
RENDERED = RENDERER.digest(samples.DIGEST, samples.LINKS, sender=samples.SENDER)
EXPECTED = [
    "Date", "From", "Reply-To", "To", "Message-ID", "Subject", "List-Unsubscribe", "List-Unsubscribe-Post",
    "List-ID", "Feedback-ID", "Precedence", "Auto-Submitted", "X-Auto-Response-Suppress", "MIME-Version", "Content-Type",
]  # fmt: skip


def written(rendered=RENDERED, **changed):
    known: dict[str, Any] = {
        "sender": samples.SENDER,
        "envelope": Envelope("bounce@digest.example.org", "reader@example.org"),
        "recipient": Recipient("reader@example.org", "Sefa Lindqvist"),
        "message_id": "<1@digest.example.org>",
        "date": samples.ISSUE.due_at,
        "links": samples.LINKS,
    }
    return write_message(rendered, **(known | changed))


def parsed(message):
    return email.message_from_bytes(message.raw, policy=policy.default)


def test_a_message_has_exactly_the_headers_it_should():
    mail = parsed(written())
    assert mail.keys() == EXPECTED
    assert not [defect for part in mail.walk() for defect in part.defects]


def test_the_headers_say_who_what_and_when():
    mail = parsed(written())
    assert str(mail["From"]) == "Paper Digest <papers@digest.example.org>"
    assert str(mail["To"]) == "Sefa Lindqvist <reader@example.org>"
    assert str(mail["Reply-To"]) == "editor@example.org"
    assert str(mail["Subject"]) == RENDERED.subject
    assert mail["Date"].datetime == samples.ISSUE.due_at
    assert str(mail["List-ID"]) == "Paper Digest <papers.digest.example.org>"
    assert str(mail["Feedback-ID"]) == "2026-03-05-day:digest:bulk:paper-digest"


def test_one_click_is_offered_with_https_and_only_then():
    both = parsed(written())
    assert both["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert both["List-Unsubscribe"].startswith(f"<{samples.LINKS.unsubscribe_url}>,")
    for links in (
        Links(unsubscribe_mailto="leave@example.org"),
        Links(unsubscribe_url="http://localhost:8000/u/x"),
    ):
        mail = parsed(written(links=links))
        assert "List-Unsubscribe-Post" not in mail
        assert "List-Unsubscribe" in mail
    assert "List-Unsubscribe" not in parsed(written(links=Links()))


def test_a_long_unsubscribe_url_is_neither_folded_nor_encoded():
    url = "https://digest.example.org/u/" + "a" * 300
    raw = written(links=Links(unsubscribe_url=url, unsubscribe_mailto="leave@example.org")).raw
    assert (
        f"List-Unsubscribe: <{url}>,\r\n <mailto:leave@example.org?subject=unsubscribe>\r\n".encode() in raw
    )


def test_lines_are_short_and_end_in_crlf():
    raw = written().raw
    assert not re.search(rb"(?<!\r)\n|\r(?!\n)", raw)
    assert max(len(line) for line in raw.split(b"\r\n")) <= 78
    assert raw.isascii()


def test_both_parts_arrive_as_they_were_written():
    mail = parsed(written())
    parts = list(mail.iter_parts())
    assert [part.get_content_type() for part in parts] == ["text/plain", "text/html"]
    for part, said in zip(parts, (RENDERED.text, RENDERED.html), strict=True):
        assert part.get_content().replace("\r\n", "\n") == said


def test_the_same_arguments_give_the_same_bytes():
    assert written().raw == written().raw
    assert written().raw != written(message_id="<2@digest.example.org>").raw


def test_a_message_id_depends_on_issue_and_reader_and_names_neither():
    def made(**changed):
        known: dict[str, Any] = {
            "issue_key": "2026-03-05/day",
            "subscriber_id": 7,
            "domain": "digest.example.org",
        }
        return message_id_for(b"secret", **(known | changed))

    assert made() == made()
    assert len({made(), made(subscriber_id=8), made(issue_key="2026-03-06/day")}) == 3
    assert re.fullmatch(r"<[0-9a-f]{32}@digest\.example\.org>", made())


def test_without_a_list_id_one_is_made_of_the_domain():
    sender = Sender("Papérs & Co", "papers@news.example.org")
    assert parsed(written(sender=sender))["List-ID"] == "Pap rs Co <digest.news.example.org>"


@pytest.mark.parametrize(
    "text",
    [
        "plain",
        "Ünïcödé und mehr",
        "日本語の題名" * 20,
        "=?utf-8?q?Bcc=3A_x?=",
        "a" * 300,
        'say "hi", \\o/',
        "A, very: long; name (of) somebody " * 4,
        "👩‍👩‍👧 " * 30,
        "x  y",
    ],
)
def test_a_subject_and_a_name_arrive_as_they_were_meant(text):
    mail = email.message_from_bytes(
        text_header("Subject", text) + address_header("To", "a@example.org", text) + b"\r\n",
        policy=policy.default,
    )
    assert mail["Subject"] == safe_header(text)
    # The standard library puts a space between two encoded-words of a name, which RFC 2047, 6.2 forbids.
    assert "".join(mail["To"].addresses[0].display_name.split()) == "".join(text.split())
    assert mail["To"].addresses[0].addr_spec == "a@example.org"


@pytest.mark.parametrize(
    "address",
    [
        "a b@example.org",
        "a@b@c",
        "=?x?q?a=40b=3e=00?=foo@ours.example",
        "ä@example.org",
        "a@",
        "a>\r\nBcc: x@y",
    ],
)
def test_an_address_that_could_be_misread_is_refused(address):
    with pytest.raises(ValueError, match="address"):
        address_header("To", address, "x")


@pytest.mark.parametrize("word", ["a\r\nBcc: x", "a\nb", "ä", "a\x00", ""])
def test_a_structured_header_takes_visible_ascii_only(word):
    with pytest.raises(ValueError, match="more than one line"):
        structured_header("List-ID", word)


def test_quoted_pieces_join_to_the_quoted_whole():
    pieces = ["plain\n", "From here ä\n", "long " * 60 + "\n", ".\n", "a \n\n", "日本 = x\t\n", "\n"]
    assert b"".join(quote(piece) for piece in pieces) == quote("".join(pieces))


def test_a_short_line_is_encoded_like_any_other():
    chance = random.Random(75)
    pieces = ["=", ".", " ", "From ", "a", "<b>", "x" * 30, "\t", "ä", "\n", "\x7f", "\r\n", "%"]
    for _ in range(20_000):
        text = "".join(chance.choices(pieces, k=chance.randint(0, 8))) + "\n"
        beside_a_long_one = quote(text + "y" * 100 + "\n")
        assert quote(text) + quote("y" * 100 + "\n") == beside_a_long_one, text
        assert max(map(len, quote(text).split(b"\r\n"))) <= 78


def test_what_is_encoded_must_be_whole_lines():
    with pytest.raises(ValueError, match="line end"):
        form_of("no end")


def test_the_domain_of_an_address():
    assert domain_of("Someone@News.Example.org") == "news.example.org"


def test_a_message_of_shared_pieces_is_the_same_as_one_quoted_whole():
    readers = [replace(samples.DIGEST, picks=samples.DIGEST.picks[first:]) for first in range(6)]
    for digest in readers * 3:  # pieces, then pieces that came before, then those that were joined
        shared = RENDERER.digest(digest, samples.LINKS, sender=samples.SENDER)
        anew = Renderer(shares=False).digest(digest, samples.LINKS, sender=samples.SENDER)
        whole = replace(anew, html_forms=[form_of(anew.html)], text_forms=[form_of(anew.text)])
        assert written(shared).raw == written(anew).raw == written(whole).raw


@pytest.mark.parametrize("host", ["x.io", "digest.example.org", "papers." + "a" * 30 + ".example.org"])
@pytest.mark.parametrize("length", [28, 35])
def test_tokens_that_take_their_place_late_give_the_same_message(host, length):
    chance = random.Random(length)
    letters = "ABCXYZabcxyz0189-_"
    for _ in range(20):  # each with other tokens, in mails whose pieces are shared from the second on
        tokens = ["".join(chance.choices(letters, k=length)) for _ in range(4)]
        links = Links(
            f"https://{host}/u/{tokens[0]}",
            preferences_url=f"https://{host}/p/{tokens[1]}",
            web_url=f"https://{host}/w/{tokens[2]}/2026-03-05",
            feedback_url=f"https://{host}/f/{tokens[3]}",
        )
        shared = RENDERER.digest(samples.DIGEST, links, sender=samples.SENDER)
        anew = Renderer(shares=False).digest(samples.DIGEST, links, sender=samples.SENDER)
        whole = replace(anew, html_forms=[form_of(anew.html)], text_forms=[form_of(anew.text)])
        assert (shared.html, shared.text) == (anew.html, anew.text)
        assert written(shared).raw == written(whole).raw
        assert [shared.html.count(token) for token in tokens] == [1, 1, 1, 2 * 6 + 4]


@pytest.mark.parametrize("end", ["", "/2026-03-05", "/mute/word"])
def test_a_token_takes_its_place_wherever_the_line_ends(end):
    for column in range(100):
        links = Links(web_url=f"https://{'x' * column}.io/w/{'T0-_' * 7}{end}")
        shared, tokens = masked(links)
        form, anew = [f"100 %% of {words.web_url} = %(x)b\n<{words.web_url}>\n" for words in (shared, links)]
        assert joined([form_of(form)], tokens) == quote(anew)


def test_a_place_for_which_there_is_no_token_is_a_mistake():
    with pytest.raises(KeyError):
        form_of(f"https://x.io/{STEM}aaaa/\n") % Tokens()


def test_no_text_makes_another_header():
    chance = random.Random(20)  # the same texts every time
    pieces = ["\r\n", "\n", "\r", "\0", "\x0b", "\x85", "\u2028", "Bcc: x@example.org", "=?utf-8?q?a=0D=0ABcc=3A_x?=", "=?utf-8?b?", "?=",
              " ", "\t", ":", ";", ",", "<", ">", '"', "\\", "(", ")", "@", "ä", "日", "\u202e", "\ud800", "word", "x" * 90]  # fmt: skip
    for _ in range(20_000):
        text = "".join(chance.choices(pieces, k=chance.randint(0, 8)))
        raw = text_header("Subject", text) + address_header("To", "a@example.org", text)
        lines = re.sub(rb"\r\n ", b" ", raw).split(b"\r\n")
        assert [line.partition(b":")[0] for line in lines] == [b"Subject", b"To", b""]
        assert re.fullmatch(rb"[\x20-\x7e]*", lines[0] + lines[1])
        assert max(map(len, raw.split(b"\r\n"))) <= 78


def test_an_answer_to_a_mail_stands_beside_it_and_says_that_a_program_wrote_it():
    rendered = sample("help", RENDERER)
    for asked, kept in (("<a.b+c@example.org>", True), ("<a@b>\r\nBcc: x@y", False), ("<=?x?=@y>", False)):
        raw = written(rendered, answers=asked).raw
        assert b"Auto-Submitted: auto-replied\r\n" in raw
        assert (b"In-Reply-To: <a.b+c@example.org>\r\nReferences: <a.b+c@example.org>\r\n" in raw) == kept
        assert b"Bcc" not in raw
