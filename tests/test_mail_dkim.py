"""Our signatures, checked by a library that is not ours."""

from dataclasses import replace

import pytest
from cryptography.hazmat.primitives.asymmetric import dsa, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)

from digest.errors import SettingsError
from digest.mail import samples
from digest.mail.dkim import Key, Signer, read_key
from digest.mail.message import Recipient, write_message
from digest.mail.render import Renderer
from digest.model import Envelope

dkim = pytest.importorskip("dkim", reason="needs dkimpy, of the extra digest[dev]")

DOMAIN = "digest.example.org"
PLAIN = NoEncryption()
RSA_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
ED_KEY = ed25519.Ed25519PrivateKey.generate()
KEYS = {"rsa": Key("mail", DOMAIN, RSA_KEY), "ed25519": Key("mail-ed", DOMAIN, ED_KEY)}
RENDERED = Renderer().digest(samples.DIGEST, samples.LINKS, sender=samples.SENDER)


def pem_of(private, encryption=PLAIN):
    return private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption)


def signed(*names: str, subject: str = RENDERED.subject) -> bytes:
    return write_message(
        replace(RENDERED, subject=subject),
        sender=samples.SENDER,
        envelope=Envelope("bounce@digest.example.org", "reader@example.org"),
        recipient=Recipient("reader@example.org", "Sefa Lindqvist"),
        message_id="<1@digest.example.org>",
        date=samples.ISSUE.due_at,
        links=samples.LINKS,
        sign=Signer([KEYS[name] for name in names]),
    ).raw


def verifies(raw: bytes, number: int = 0) -> bool:
    records = {
        f"{key.selector}._domainkey.{key.domain}.".encode(): key.record.encode() for key in KEYS.values()
    }

    def look_up(name, timeout=5):
        return records[name]

    try:
        return bool(dkim.DKIM(raw).verify(idx=number, dnsfunc=look_up))
    except dkim.ValidationError:
        return False


@pytest.mark.parametrize("names", [("rsa",), ("ed25519",), ("rsa", "ed25519")], ids="+".join)
def test_a_signed_message_verifies(names):
    if "ed25519" in names:
        pytest.importorskip("nacl", reason="dkimpy checks Ed25519 with PyNaCl: pip install dkimpy[ed25519]")
    raw = signed(*names)
    assert [verifies(raw, number) for number in range(len(names))] == [True] * len(names)


@pytest.mark.parametrize("subject", ["Ünïcödé " * 12, "a" * 55, "x"])
def test_a_folded_subject_verifies(subject):
    assert verifies(signed("rsa", subject=subject))


@pytest.mark.parametrize("name", ["Subject", "From", "To", "Date"])
def test_a_second_header_of_that_name_breaks_the_signature(name):
    raw = signed("rsa")
    assert not verifies(f"{name}: something else\r\n".encode() + raw)
    assert not verifies(raw.replace(b"\r\n\r\n", f"\r\n{name}: something else\r\n\r\n".encode(), 1))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"List-Unsubscribe: <https", b"List-Unsubscribe: <http"),
        (b"=One-Click", b"=Two-Click"),
        (b"Tandem", b"Random"),
    ],
    ids=["the way out", "one-click", "body"],
)
def test_what_was_changed_on_the_way_no_longer_verifies(old, new):
    raw = signed("rsa")
    assert old in raw
    assert not verifies(raw.replace(old, new))


def test_both_unsubscribe_headers_are_signed():
    field = signed("rsa").partition(b"\r\nDate:")[0].replace(b"\r\n ", b"").decode()
    names = field.split("h=")[1].split(";")[0].replace(" ", "").split(":")
    assert {"list-unsubscribe", "list-unsubscribe-post"} <= set(names)
    assert all(names.count(name) == 2 for name in ("from", "to", "subject", "date"))


def test_the_same_message_is_signed_with_the_same_bytes():
    assert signed("rsa", "ed25519") == signed("rsa", "ed25519")


def test_lines_of_a_signature_are_short():
    assert max(len(line) for line in signed("rsa", "ed25519").split(b"\r\n")) <= 78


@pytest.mark.parametrize("private", [RSA_KEY, ED_KEY], ids=["rsa", "ed25519"])
def test_a_key_is_read_from_pem(private):
    key = read_key(pem_of(private), selector="mail", domain=DOMAIN, where="dkim.pem")
    assert key.record.startswith("v=DKIM1; k=")


@pytest.mark.parametrize(
    ("pem", "selector", "said"),
    [
        (b"not a key", "mail", "not an unencrypted private key"),
        (pem_of(ED_KEY, BestAvailableEncryption(b"x")), "mail", "not an unencrypted private key"),
        (pem_of(rsa.generate_private_key(public_exponent=65537, key_size=1024)), "mail", "has 1024 bits"),
        (pem_of(dsa.generate_private_key(2048)), "mail", "neither an RSA nor an Ed25519 key"),
        (pem_of(ED_KEY), "mäil; d=x", "is not a DNS name"),
    ],
    ids=["text", "encrypted", "short", "dsa", "selector"],
)
def test_a_key_that_cannot_sign_mail_is_refused_with_its_file(pem, selector, said):
    with pytest.raises(SettingsError, match=said) as refusal:
        read_key(pem, selector=selector, domain=DOMAIN, where="dkim.pem")
    assert refusal.value.mistakes[0].where == "dkim.pem"
