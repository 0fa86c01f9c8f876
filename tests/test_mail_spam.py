"""What two spam filters make of our mails, asked without a network: names are answered by a server of our own."""

from datetime import UTC, datetime
from functools import cache

import pytest

from digest.mail.catalogue import sample, sample_message
from digest.mail.dkim import Signer
from digest.mail.render import KINDS, Renderer
from tests.mail_tools import program

pytestmark = pytest.mark.browser
pytest.importorskip("dns.message", reason="needs dnspython: pip install dnspython")

from tests.spam import filters  # noqa: E402  it needs dnspython
from tests.spam.mornings import Morning, mornings  # noqa: E402

RENDERER = Renderer()
OF_A_LIST = ("digest", "weekly", "quiet", "catch-up", "welcome", "changed")


def signed(kind: str) -> bytes:
    signer = Signer([filters.KEY])
    return sample_message(sample(kind, RENDERER), sign=signer, date=datetime.now(UTC)).raw


@pytest.fixture(scope="module")
def spamassassin():
    """What SpamAssassin says of each kind of mail, asked of one process."""
    program("spamassassin", "spamassassin")
    return dict(zip(KINDS, filters.spamassassin([signed(kind) for kind in KINDS]), strict=True))


@pytest.fixture(scope="module")
def rspamd():
    program("rspamd", "rspamd")
    with filters.rspamd() as ask:
        yield ask


@cache
def some_mornings(shared) -> list[Morning]:
    return list(mornings(shared, days=2, people=10, now=datetime.now(UTC)))


@pytest.mark.parametrize("kind", KINDS)
def test_spamassassin_has_nothing_against_a_mail(spamassassin, kind):
    assert spamassassin[kind].score <= (-1.0 if kind in OF_A_LIST else 0.0), spamassassin[kind]


@pytest.mark.parametrize("kind", KINDS)
def test_rspamd_has_nothing_against_a_mail(rspamd, kind):
    verdict = rspamd(signed(kind))
    # 0.05 for the preheader, which readers see in their list of mails.
    assert set(verdict.against) <= {"MANY_INVISIBLE_PARTS"}
    assert {"R_SPF_ALLOW", "R_DKIM_ALLOW", "DMARC_POLICY_ALLOW"} <= set(verdict.rules)
    assert verdict.score <= (-1.0 if kind in OF_A_LIST else -0.5)


def test_rspamd_sees_when_a_mail_comes_from_somebody_else(rspamd):
    forged = sample_message(sample("digest", RENDERER)).raw
    assert rspamd(forged, ip="198.51.100.7").score > 1


def test_digests_of_real_days_please_rspamd(rspamd, shared):
    worst = max((rspamd(mail.raw) for mail in some_mornings(shared)), key=lambda verdict: verdict.score)
    assert worst.score <= -1.0, worst


def test_digests_of_real_days_please_spamassassin(shared):
    program("spamassassin", "spamassassin")
    verdicts = filters.spamassassin([mail.raw for mail in some_mornings(shared)])
    worst = max(verdicts, key=lambda verdict: verdict.score)
    assert worst.score <= -1.0, worst


def test_spamassassin_is_asked_about_each_mail_alone():
    program("spamassassin", "spamassassin")
    bad = signed("digest").replace(b"Date: ", b"X-Date: ", 1).replace(b"Precedence: ", b"X-Precedence: ", 1)
    good, worse, other = filters.spamassassin(
        [signed("digest"), bad.replace(b"Message-ID: <", b"Message-ID: <bad"), signed("weekly")]
    )
    assert good.score == other.score <= -1.0 < 1.0 < worse.score
