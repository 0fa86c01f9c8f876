"""What receivers look up about the sender's domain: each record that is wrong is told with what to publish."""

from dataclasses import replace

import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key

from digest.doctor import examine
from digest.domain import examine_domain
from digest.mail.dkim import Key
from tests.builders import NOW
from tests.servers import free_port
from tests.test_doctor import settings_for

KEY = Key("digest", "example.org", generate_private_key(65537, 2048))
GOOD = {
    "example.org": ["v=spf1 include:_spf.mail.example -all"],
    "_spf.mail.example": ["v=spf1 ip4:192.0.2.1 -all"],
    "digest._domainkey.example.org": [KEY.record],
    "_dmarc.example.org": ["v=DMARC1; p=quarantine; rua=mailto:dmarc@example.org"],
}
NAMELESS = KEY.record.removeprefix("v=DKIM1; ")


def records(zone, keys=(KEY,), sender="papers@example.org"):
    return {found.name: found for found in examine_domain(sender, keys, lambda name: zone.get(name, []))}


def test_a_domain_in_order_is_told_so():
    assert {finding.state for finding in records(GOOD).values()} == {"ok"}


@pytest.mark.parametrize(
    ("name", "texts", "check", "state", "said"),
    [
        ("example.org", [], "SPF", "fail", "does not say which servers may send its mail"),
        ("example.org", ["v=spf10 -all"], "SPF", "fail", "does not say which servers"),
        ("example.org", ["v=spf1 -all", "v=spf1 ~all"], "SPF", "fail", "2 SPF records"),
        ("example.org", ["v=spf1 +all"], "SPF", "fail", "allows everybody"),
        (
            "example.org",
            ["v=spf1 " + " ".join(f"a:h{n}.example" for n in range(11)) + " -all"],
            "SPF",
            "fail",
            "11 look-ups",
        ),
        ("digest._domainkey.example.org", [], "DKIM", "fail", "is not there"),
        ("digest._domainkey.example.org", [f"v=DKIM2; {NAMELESS}"], "DKIM", "fail", "holds no key"),
        ("digest._domainkey.example.org", [f"{NAMELESS}; v=DKIM1"], "DKIM", "fail", "holds no key"),
        ("digest._domainkey.example.org", ["v=DKIM1; k=rsa; p=AAAA"], "DKIM", "fail", "another key"),
        ("digest._domainkey.example.org", ["v=DKIM1; k=rsa; p="], "DKIM", "fail", "revokes its key"),
        ("_dmarc.example.org", ["v=DMARC1; p=none", "v=DMARC1; p=reject"], "DMARC", "fail", "heed none"),
        ("_dmarc.example.org", [], "DMARC", "warn", "is not there"),
        ("_dmarc.example.org", ["p=reject; v=DMARC1"], "DMARC", "warn", "is not there"),
    ],
)
def test_each_record_that_is_wrong_is_told_with_what_to_publish(name, texts, check, state, said):
    finding = records({**GOOD, name: texts})[check]
    assert finding.state == state
    assert said in finding.said
    assert name in finding.remedy or "there" in finding.remedy or "one TXT record" in finding.remedy
    assert "\n" not in finding.remedy


def test_a_policy_that_only_watches_is_no_trouble_of_ours():
    finding = records({**GOOD, "_dmarc.example.org": ["v=DMARC1; p=none"]})["DMARC"]
    assert (finding.state, finding.said) == ("ok", "p=none: receivers are asked to watch")


def test_a_key_record_may_leave_out_its_version():
    assert KEY.record != NAMELESS
    assert records({**GOOD, "digest._domainkey.example.org": [NAMELESS]})["DKIM"].state == "ok"


def test_who_signs_nothing_here_is_told_where_to_look():
    finding = records(GOOD, ())["DKIM"]
    assert (finding.state, "digest send-test" in finding.remedy) == ("unchecked", True)


def test_an_spf_record_that_includes_itself_comes_to_an_end():
    loop = {**GOOD, "_spf.mail.example": ["v=spf1 include:_spf.mail.example include:example.org -all"]}
    assert records(loop)["SPF"].state == "ok"


@pytest.mark.parametrize(
    ("signer", "mode", "state"),
    [
        ("example.org", "s", "ok"),
        ("mail.example.org", "r", "ok"),
        ("mail.example.org", "s", "fail"),
        ("elsewhere.example", "r", "fail"),
        ("anexample.org", "r", "fail"),
    ],
)
def test_a_signature_must_be_of_the_senders_domain_as_closely_as_that_wants(signer, mode, state):
    zone = {**GOOD, "_dmarc.example.org": [f"v=DMARC1; p=reject; adkim={mode}"]}
    finding = records(zone, [replace(KEY, domain=signer)])["DMARC"]
    assert finding.state == state
    assert ("not aligned" in finding.said) == (state == "fail")


@pytest.mark.parametrize(("more", "said"), [("", "p=reject"), ("; sp=quarantine", "p=quarantine")])
def test_a_domain_without_a_policy_is_under_that_of_the_one_above_it(more, said):
    zone = {**GOOD, "_dmarc.example.org": [f"v=DMARC1; p=reject{more}"]}
    assert records(zone, (), "papers@mail.example.org")["DMARC"].said == said


def test_a_network_without_dns_is_unchecked_and_not_wrong():
    def lookup(name):
        raise OSError("no answer")

    findings = list(examine_domain("papers@example.org", [], lookup))
    assert [finding.state for finding in findings] == ["unchecked"]


def test_a_sender_who_has_no_address_yet_is_looked_up_nowhere():
    [finding] = examine_domain("digest@localhost.localdomain", [], pytest.fail)
    assert (finding.state, "[sender]" in finding.remedy) == ("unchecked", True)


@pytest.mark.parametrize("missing", ["example.org", "_dmarc.example.org"])
def test_the_doctor_of_the_home_and_that_of_the_mail_say_the_same(tmp_path, store, missing):
    zone = {**GOOD, missing: []}
    at_home = examine(
        settings_for(tmp_path, free_port()), store, lookup=lambda name: zone.get(name, []), now=NOW
    )
    judged = [finding for finding in at_home if finding.name in ("SPF", "DKIM", "DMARC")]
    assert judged == list(records(zone, (), "digest@example.org").values())
