"""The dialogue with a mail server: fast when all is well, and patient only as long as it was told to be."""

import re
import ssl
import time

import pytest
import trustme
from hypothesis import given
from hypothesis import strategies as st

from digest.errors import PermanentTransportError, TemporaryTransportError, TransportError
from digest.mail.dialogue import _dot_stuffed
from digest.mail.replies import NotSmtp, Reply, parse_line
from digest.mail.smtp import SmtpTransport
from digest.mail.transport import InDoubt, Unreachable
from digest.model import Envelope
from digest.tables import SmtpSettings
from tests.smtp_script import MISDEEDS, Script, smtp_script

ENVELOPE = Envelope("digest@example.org", "reader@example.org")
RAW = b"Subject: hello\r\n\r\nfirst\r\n.hidden dot\r\n..two\r\nlast\r\n"
PATIENT = {"host": "127.0.0.1", "security": "none", "timeout": 20, "end_timeout": 20}
QUICK = PATIENT | {"timeout": 0.5, "end_timeout": 0.5}  # for servers that keep quiet


def yes() -> bool:
    return True


def refusal_of(script, **settings):
    """What a transport raises when it sends one message to that server, None when it is taken; and how long it took."""
    began = time.monotonic()
    usual = QUICK if script.act in ("hang", "drip") else PATIENT
    with smtp_script(script) as port:
        with SmtpTransport(SmtpSettings(port=port, **(usual | settings)), "pass word") as transport:
            try:
                transport.send(ENVELOPE, RAW, yes)
            except TransportError as error:
                return error, time.monotonic() - began
    return None, time.monotonic() - began


@pytest.mark.parametrize(
    ("written", "why"),
    [(None, "No such file or directory"), ("no certificate", "it holds no certificate as PEM")],
)
def test_a_file_of_an_authority_that_cannot_be_used_is_the_operators_business(tmp_path, written, why):
    ca_file = tmp_path / "ca.pem"
    if written:
        ca_file.write_text(written)
    error, _ = refusal_of(Script(extensions=("STARTTLS",)), security="starttls", ca_file=ca_file)
    assert isinstance(error, Unreachable)
    assert str(error) == f"{ca_file} cannot be used: {why}; correct [smtp] ca_file"


@pytest.mark.parametrize("pipelining", [True, False])
def test_the_bytes_arrive_as_they_were_one_message_after_the_other(pipelining):
    script = Script(extensions=("PIPELINING",) if pipelining else ())
    with smtp_script(script) as port, SmtpTransport(SmtpSettings(port=port, **PATIENT)) as transport:
        for raw in (RAW, b".\r\n", b"..\r\n.\r\n\r\n", b"no end of line"):
            assert transport.send(ENVELOPE, raw, yes) == "250 2.0.0 taken"
    assert [raw for _, raw in script.taken] == [RAW, b".\r\n", b"..\r\n.\r\n\r\n", b"no end of line\r\n"]
    assert script.connections == 1


@pytest.mark.parametrize("stage", ["CONNECT", "EHLO", "MAIL", "RCPT", "DATA"])
@pytest.mark.parametrize("misdeed", MISDEEDS)
def test_a_server_that_misbehaves_before_the_end_is_temporary_in_time_and_took_nothing(stage, misdeed):
    script = Script(at=stage, act=misdeed)
    error, seconds = refusal_of(script)
    assert isinstance(error, TemporaryTransportError)
    assert not isinstance(error, InDoubt)
    assert error.whole_server
    assert isinstance(error, Unreachable) is (stage in ("CONNECT", "EHLO"))
    assert seconds < 4
    assert script.taken == []
    assert str(error).isprintable()


@pytest.mark.parametrize("misdeed", MISDEEDS)
def test_a_server_that_misbehaves_after_the_end_leaves_it_in_doubt(misdeed):
    error, seconds = refusal_of(Script(at="DOT", act=misdeed))
    assert isinstance(error, InDoubt)
    assert "may have been sent" in str(error)
    assert seconds < 4


@pytest.mark.parametrize("misdeed", [*MISDEEDS, "421 later", "554 no"])
def test_what_is_said_to_quit_does_not_matter(misdeed):
    script = Script(at="QUIT", act=misdeed)
    error, _ = refusal_of(script)
    assert error is None
    assert len(script.taken) == 1


@pytest.mark.parametrize("stage", ["CONNECT", "EHLO"])
@pytest.mark.parametrize("reply", ["421 4.3.2 busy", "451 later", "554 5.7.1 blocked"])
def test_a_server_that_does_not_let_us_begin_is_no_messages_fault(stage, reply):
    error, _ = refusal_of(Script(at=stage, act=reply), username=None)
    assert isinstance(error, Unreachable)
    assert reply in str(error)


@pytest.mark.parametrize("pipelining", [True, False])
@pytest.mark.parametrize(
    ("stage", "reply", "kind", "whole_server", "about_reader"),
    [
        ("MAIL", "451 4.3.0 later", TemporaryTransportError, False, False),
        ("MAIL", "421 4.3.2 going down", TemporaryTransportError, True, False),
        ("MAIL", "550 5.7.1 you may not send as that", Unreachable, True, False),
        ("MAIL", "552 5.3.4 too large", PermanentTransportError, None, False),
        ("RCPT", "450 4.2.0 greylisted", TemporaryTransportError, False, True),
        ("RCPT", "550 5.1.1 no such user", PermanentTransportError, None, True),
        ("RCPT", "550 5.7.1 blocked", PermanentTransportError, None, False),
        ("RCPT", "421 4.7.0 too much", TemporaryTransportError, True, False),
        ("DATA", "451 later", TemporaryTransportError, False, False),
        ("DATA", "554 5.6.0 no", PermanentTransportError, None, False),
        ("DOT", "452 4.3.1 disk full", TemporaryTransportError, False, False),
        ("DOT", "554 5.7.1 spam", PermanentTransportError, None, False),
        ("DOT", "421 4.3.2 going down", TemporaryTransportError, True, False),
    ],
)  # fmt: skip
def test_a_reply_says_whose_trouble_it_is(pipelining, stage, reply, kind, whole_server, about_reader):
    script = Script(at=stage, act=reply, extensions=("PIPELINING",) if pipelining else ())
    error, _ = refusal_of(script)
    assert isinstance(error, kind)
    assert getattr(error, "whole_server", None) is whole_server
    assert error.about_reader is about_reader
    assert error.code == int(reply[:3])
    assert reply in str(error)
    assert script.taken == []


@pytest.mark.parametrize(
    ("reply", "words"),
    [
        ("550 5.7.20 No passing signature found", "the key in DNS must be the one that signs"),
        ("550 5.7.21 no", "the key in DNS must be the one that signs"),
        ("550 5.7.22 no", "[dkim] domain and [sender] address"),
        ("550 5.7.23 not authorized", "SPF record of our domain"),
        ("550 5.7.25 who is that", "(PTR)"),
        ("550 5.7.26 unauthenticated: DKIM = did not pass, SPF = did not pass", "SPF, DKIM and DMARC of our"),
        ("550 5.7.26 not accepted due to the domain's DMARC policy", "as its DMARC record asks"),
        ("550 5.7.515 the sending domain does not meet the level", "SPF, DKIM and DMARC of our"),
        ("554 5.7.1 rejected, spf fail", "SPF record of our domain"),
        ("550 the DKIM signature is broken", "the key in DNS must be the one that signs"),
        ("550 5.1.8 sender address rejected: domain not found", "[sender] address is not in DNS"),
        ("450 4.7.25 cannot find your reverse hostname", "(PTR)"),
        ("451 4.7.24 SPF could not be checked", "SPF record of our domain"),
    ],
)
@pytest.mark.parametrize("stage", ["RCPT", "DOT"])
def test_who_cannot_make_sure_of_us_is_told_with_what_to_mend_and_blames_nobody_else(stage, reply, words):
    """RFC 7372, and those who say it in words only."""
    error, _ = refusal_of(Script(at=stage, act=reply))
    assert error is not None
    assert (error.about_sender, error.about_reader) == (True, False)
    assert reply in str(error)
    assert words in str(error)
    assert "`digest doctor mail`" in str(error) or "PTR" in words
    assert "\n" not in str(error)


@pytest.mark.parametrize("stage", ["CONNECT", "EHLO", "MAIL"])
def test_who_does_not_let_us_begin_for_who_we_are_is_told_with_what_to_mend(stage):
    error, _ = refusal_of(Script(at=stage, act="554 5.7.25 no name for your address"))
    assert isinstance(error, Unreachable)
    assert "(PTR)" in str(error)


@pytest.mark.parametrize(
    "reply",
    [
        "550 5.1.1 <dmarc@example.net>: unknown",
        "550 <spf@example.net>: unknown",
        "550 5.1.1 no such user; see https://example.net/spf",
        "554 5.7.1 spam (spf=pass, dkim: pass)",
        "530 5.7.0 authentication required",
        "451 4.7.1 greylisted, your domain has no SPF",
    ],
)
def test_a_word_that_stands_there_by_chance_is_no_mistrust(reply):
    error, _ = refusal_of(Script(at="RCPT", act=reply))
    assert error is not None
    assert not error.about_sender


@pytest.mark.parametrize(
    ("stage", "reply", "is_theirs"),
    [
        ("RCPT", "450 4.2.0 greylisted, try again later", True),
        ("RCPT", "451 4.7.1 try again later", True),
        ("RCPT", "451 try again later", True),
        ("RCPT", "450 4.7.0 graylisting in action", True),
        ("DOT", "451 4.7.1 Greylisted", True),
        ("DOT", "451 4.7.1 try again later", False),
        ("RCPT", "450 4.7.0 you send too fast", False),
        ("RCPT", "452 4.3.1 disk full", False),
        ("RCPT", "450 4.7.28 unusual rate of mail", False),
        ("RCPT", "450 4.7.25 cannot find your hostname", False),
        ("RCPT", "421 4.7.0 greylisted", False),
        ("MAIL", "451 4.7.1 try again later", False),
    ],
)
def test_not_now_to_a_recipient_is_about_that_one_unless_it_says_that_it_is_about_us(stage, reply, is_theirs):
    error, _ = refusal_of(Script(at=stage, act=reply))
    assert isinstance(error, TemporaryTransportError)
    assert error.about_reader is is_theirs


@pytest.mark.parametrize("pipelining", [True, False])
@pytest.mark.parametrize("stage", ["MAIL", "RCPT", "DATA", "DOT"])
def test_after_a_refusal_the_same_connection_serves_the_next_message(stage, pipelining):
    script = Script(
        at=stage, act="451 4.7.1 later", times=1, extensions=("PIPELINING",) if pipelining else ()
    )
    with smtp_script(script) as port, SmtpTransport(SmtpSettings(port=port, **PATIENT)) as transport:
        with pytest.raises(TemporaryTransportError):
            transport.send(ENVELOPE, b"one\r\n", yes)
        transport.send(ENVELOPE, b"two\r\n", yes)
    assert script.taken == [("reader@example.org", b"two\r\n")]
    assert script.connections == 1


@given(st.lists(st.sampled_from([b".", b"..", b"a", b"\r\n", b"\n", b"=", b"\r"]), max_size=12).map(b"".join))
def test_no_line_of_a_message_ends_it_and_every_dot_arrives(raw):
    said = _dot_stuffed(raw)
    assert said.endswith(b"\r\n")
    assert re.search(rb"(^|\n)\.(?!\.)", said) is None
    heard = re.sub(rb"(^|\n)\.", rb"\1", said)  # as a server undoes it
    assert heard in (raw, raw + b"\r\n")


def test_a_server_that_waits_for_a_message_to_nobody_gets_an_empty_one_and_nothing_leaves():
    """RFC 2920, 3.1: DATA may be answered with 354 although the recipient was refused."""
    got = []

    def talk(peer):
        peer.wfile.write(b"220 hello\r\n")
        while line := peer.rfile.readline():
            got.append(line)
            answers = {b"EHLO": b"250-x\r\n250 PIPELINING", b"RCPT": b"550 5.1.1 no", b"DATA": b"354 go on", b".\r\n": b"554 nobody"}  # fmt: skip
            peer.wfile.write(answers.get(line[:4], b"250 ok") + b"\r\n")

    from tests.servers import scripted_server

    with scripted_server(talk) as port, SmtpTransport(SmtpSettings(port=port, **PATIENT)) as transport:
        for _ in range(2):
            with pytest.raises(PermanentTransportError):
                transport.send(ENVELOPE, RAW, yes)
    assert got.count(b".\r\n") == 2
    assert not any(line.startswith(b"Subject") for line in got)


@pytest.mark.parametrize("act", ["drop", "421 4.3.2 too many messages", "reset"])
def test_a_kept_connection_that_ended_meanwhile_is_made_anew_without_a_word(act):
    script = Script(at="MAIL", act=act, times=1, after=1)
    with smtp_script(script) as port, SmtpTransport(SmtpSettings(port=port, **PATIENT)) as transport:
        for _ in range(3):
            transport.send(ENVELOPE, RAW, yes)
    assert len(script.taken) == 3
    assert script.connections == 2


def test_busy_at_ehlo_is_never_taken_for_an_old_server():
    script = Script(at="EHLO", act="421 4.3.2 busy")
    refusal_of(script)
    assert "HELO" not in script.said


def test_an_old_server_is_greeted_the_old_way_only_when_nothing_needs_tls():
    script = Script(at="EHLO", act="502 what?", times=1)
    assert refusal_of(script)[0] is None
    assert "HELO" in script.said
    script = Script(at="EHLO", act="502 what?", times=1)
    error, _ = refusal_of(script, security="starttls")
    assert isinstance(error, Unreachable)
    assert "HELO" not in script.said


def test_a_message_larger_than_the_server_takes_is_not_begun():
    script = Script(extensions=("SIZE 10",))
    error, _ = refusal_of(script)
    assert isinstance(error, PermanentTransportError)
    assert "max_papers" in str(error)
    assert "MAIL" not in script.said


@pytest.mark.parametrize("address", ["a@b>\r\nRCPT TO:<x@y", "a b@c", "<a@b>"])
def test_an_address_that_would_end_the_command_is_never_said(address):
    script = Script()
    with smtp_script(script) as port, SmtpTransport(SmtpSettings(port=port, **PATIENT)) as transport:
        with pytest.raises(PermanentTransportError):
            transport.send(Envelope("digest@example.org", address), RAW, yes)
    assert "RCPT" not in script.said


def test_an_address_beyond_ascii_needs_a_server_that_knows_it():
    to = Envelope("digest@example.org", "jörg@example.org")
    script = Script()
    for extensions in ((), ("SMTPUTF8", "PIPELINING")):
        script = Script(extensions=extensions)
        with smtp_script(script) as port, SmtpTransport(SmtpSettings(port=port, **PATIENT)) as transport:
            if extensions:
                transport.send(to, RAW, yes)
            else:
                with pytest.raises(PermanentTransportError, match="SMTPUTF8"):
                    transport.send(to, RAW, yes)
    assert script.taken[0][0] == "jörg@example.org"


def server_context(authority):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    return context


@pytest.mark.parametrize("reply", ["454 4.7.0 not now", "500 what?", "drop", "garbage", "hang"])
def test_without_tls_nothing_goes_on_in_clear(reply):
    script = Script(at="STARTTLS", act=reply, extensions=("STARTTLS",))
    error, _ = refusal_of(script, security="starttls")
    assert isinstance(error, Unreachable)
    assert "MAIL" not in script.said


def test_what_is_slipped_in_before_tls_does_not_count_as_said_under_it(tmp_path):
    """CVE-2011-0411 and its kin: replies that stand in the buffer when TLS begins."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    script = Script(at="STARTTLS", act="220 go on\r\n250 PIPELINING", extensions=("STARTTLS",), context=server_context(authority))  # fmt: skip
    error, _ = refusal_of(script, security="starttls", ca_file=tmp_path / "ca.pem")
    assert isinstance(error, Unreachable)
    assert "before TLS" in str(error)


def test_an_old_tls_is_refused(tmp_path):
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    context = server_context(authority)
    with pytest.warns(DeprecationWarning, match="TLSv1_1"):
        context.maximum_version = ssl.TLSVersion.TLSv1_1
    script = Script(extensions=("STARTTLS",), context=context)
    error, _ = refusal_of(script, security="starttls", ca_file=tmp_path / "ca.pem")
    assert isinstance(error, Unreachable)
    assert script.taken == []


def test_a_certificate_that_has_run_out_is_told(tmp_path):
    from datetime import UTC, datetime

    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    old = authority.issue_cert("127.0.0.1", not_after=datetime(2020, 1, 1, tzinfo=UTC))
    old.configure_cert(context)
    script = Script(extensions=("STARTTLS",), context=context)
    error, _ = refusal_of(script, security="starttls", ca_file=tmp_path / "ca.pem")
    assert "not to be trusted" in str(error)
    assert "expired" in str(error)


@pytest.mark.parametrize(
    ("mechanisms", "auth", "works"),
    [
        ("PLAIN LOGIN", "auto", True),
        ("LOGIN", "auto", True),
        ("XOAUTH2", "xoauth2", True),
        ("CRAM-MD5", "auto", False),
        ("PLAIN", "login", False),
    ],
)
def test_it_logs_in_the_way_the_server_offers(tmp_path, mechanisms, auth, works):
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    script = Script(extensions=("STARTTLS", f"AUTH {mechanisms}"), context=server_context(authority))
    error, _ = refusal_of(script, security="starttls", username="me", auth=auth, ca_file=tmp_path / "ca.pem")
    assert (error is None) is works
    said = b"|".join(script.secrets)
    assert (b"pass word" in said) is works
    assert (b"Bearer pass word" in said) is (auth == "xoauth2")


@pytest.mark.parametrize(
    ("reply", "mechanism", "words"),
    [
        ("535 5.7.8 bad credentials", "PLAIN", "DIGEST_SMTP_PASSWORD"),
        ("534 5.7.9 use an app password", "LOGIN", "DIGEST_SMTP_PASSWORD"),
        ("334 eyJzdGF0dXMiOiI0MDAifQ==", "XOAUTH2", "DIGEST_SMTP_PASSWORD"),
        ("454 4.7.0 try later", "PLAIN", "cannot check the password now"),
        ("421 4.7.0 too many tries", "PLAIN", "cannot check the password now"),
        ("drop", "PLAIN", "hung up"),
        ("garbage", "PLAIN", "does not speak SMTP"),
    ],
)
def test_a_log_in_that_fails_says_what_to_look_at(tmp_path, reply, mechanism, words):
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    script = Script(
        "AUTH", reply, extensions=("STARTTLS", f"AUTH {mechanism}"), context=server_context(authority)
    )
    auth = "xoauth2" if mechanism == "XOAUTH2" else "auto"
    error, _ = refusal_of(script, security="starttls", username="me", auth=auth, ca_file=tmp_path / "ca.pem")
    assert isinstance(error, Unreachable)
    assert words in str(error)
    assert "pass word" not in str(error)
    assert "MAIL" not in script.said


@pytest.mark.parametrize(
    "line", [b"", b"-1 x", b"25 x", b"999 x", b"250x", b"HTTP/1.1 200 OK", b"\xff\xfe\x00"]
)
def test_what_is_no_reply_is_not_taken_for_one(line):
    with pytest.raises(NotSmtp):
        parse_line(line)


def test_a_reply_is_shown_short_and_without_controls():
    reply = Reply(550, ("5.1.1 \x1b[31mred\x00\x07 " + "long " * 100,))
    assert reply.text.isprintable()
    assert len(reply.text) <= 200
    assert reply.status == "5.1.1"


@pytest.mark.parametrize(
    ("said", "status"), [("4.1.1 odd", None), ("see 5.1.1", None), ("5.1.1", "5.1.1"), ("", None)]
)
def test_a_status_counts_only_at_its_place_and_in_its_class(said, status):
    assert Reply(550, (said,)).status == status
