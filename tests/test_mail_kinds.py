"""The mails besides the digest."""

from dataclasses import replace
from datetime import date
from inspect import signature

import pytest
from bs4 import BeautifulSoup

from digest.errors import DigestError
from digest.mail import samples
from digest.mail.catalogue import sample, sample_message
from digest.mail.links import Links
from digest.mail.notices import Change, changes_between
from digest.mail.render import KINDS, Renderer
from digest.mail.themes import THEMES, build_theme, contrast
from digest.mail.week import Bar, bars_of
from digest.model import Cadence, Interest, Reason, ReasonKind, Section

RENDERER = Renderer()
WEEKLY = replace(samples.DIGEST, profile=replace(samples.PROFILE, cadence=Cadence("week")))


def words(text: str) -> str:
    return " ".join(text.split())


def test_all_templates_compile():
    RENDERER.check()


def test_an_unknown_kind_is_answered_with_those_there_are():
    with pytest.raises(DigestError, match='no mail "newsletter"; there are digest, weekly'):
        sample("newsletter", RENDERER)


def test_a_weekly_digest_opens_with_papers_by_interest():
    assert bars_of(WEEKLY) == (
        Bar("speculative decoding", 1, 50, "##########"),
        Bar("neural compression", 2, 100, "####################"),
        Bar("attention", 2, 100, "####################"),
        Bar("people and labs you follow", 1, 50, "##########"),
        Bar("from outside", 1, 50, "##########"),
    )
    mail = RENDERER.digest(WEEKLY, samples.LINKS, sender=samples.SENDER)
    assert mail.kind == "weekly"
    assert mail.subject.startswith("This week: Tandem Quill")
    assert "6 of 412 new papers this week" in mail.text


def test_an_interest_without_papers_keeps_its_row():
    profile = replace(WEEKLY.profile, interests=(Interest(("tides",)), Interest(("codec*",), -1.0)))
    assert bars_of(replace(WEEKLY, profile=profile))[0] == Bar("tides", 0, 0, "")


def test_a_reason_against_a_paper_is_no_match():
    against = WEEKLY.picks[0].score._replace(why=(Reason(ReasonKind.KEYWORD, "attention", -1.0),))
    pick = WEEKLY.picks[0]._replace(score=against)
    assert all(bar.number == 0 for bar in bars_of(replace(WEEKLY, picks=(pick,))))


def test_without_interests_there_is_no_picture():
    assert bars_of(replace(WEEKLY, profile=replace(WEEKLY.profile, interests=()))) == ()


def test_a_monthly_digest_says_so():
    monthly = replace(WEEKLY, profile=replace(samples.PROFILE, cadence=Cadence("month")))
    assert RENDERER.digest(monthly, samples.LINKS, sender=samples.SENDER).subject.startswith("This month: ")


def test_a_catch_up_says_since_when():
    mail = RENDERER.catch_up(samples.DIGEST, samples.LINKS, sender=samples.SENDER, since=date(2026, 2, 12))
    assert "the best of what was picked up since 12 February, in one mail" in words(mail.text)


def test_a_welcome_without_papers_promises_none():
    mail = RENDERER.welcome(replace(samples.DIGEST, picks=()), samples.LINKS, sender=samples.SENDER)
    assert mail.subject == "Welcome to Paper Digest"
    assert "There is no sample to show yet" in words(mail.text)


def test_the_mail_that_asks_for_confirmation_cannot_carry_what_was_submitted():
    assert set(signature(RENDERER.confirm).parameters) == {"url", "valid", "sender", "on"}
    message = sample_message(sample("confirm", RENDERER))
    assert samples.PROFILE.name is not None
    assert samples.PROFILE.name.encode() not in message.raw


@pytest.mark.parametrize("kind", KINDS)
def test_only_mails_of_the_list_look_like_a_list(kind):
    raw = sample_message(sample(kind, RENDERER)).raw
    is_list_mail = kind in ("digest", "weekly", "quiet", "catch-up", "welcome", "changed")
    for header in (b"List-Unsubscribe:", b"List-Unsubscribe-Post:", b"List-ID:", b"Precedence:"):
        assert (header in raw) == is_list_mail


def test_changes_are_told_in_words():
    after = replace(
        samples.PROFILE,
        max_papers=5,
        mute=("survey",),
        wildcard=False,
        cadence=Cadence("week", days=("mon", "thu")),
    )
    assert changes_between(samples.PROFILE, after) == (
        Change(
            "When",
            "every weekday at 07:30 (Europe/London)",
            "every Monday and Thursday at 07:30 (Europe/London)",
        ),
        Change("Papers at most", "10", "5"),
        Change("Never", "nothing", "survey"),
        Change("One from outside", "yes", "no"),
    )


def test_nothing_changed_is_no_change():
    assert changes_between(samples.PROFILE, samples.PROFILE) == ()


def test_a_goodbye_shows_the_way_back_only_where_there_is_one():
    mails = [
        RENDERER.goodbye(links, sender=samples.SENDER, on=date(2026, 3, 5))
        for links in (samples.LINKS, Links())
    ]
    assert ["Come back" in mail.text for mail in mails] == [True, False]


def test_an_alert_leads_with_the_first_trouble_and_says_what_to_do():
    mail = sample("alert", RENDERER)
    assert mail.subject == 'Paper Digest needs a look: The source "daily" has changed its format and 1 more'
    assert "What to do: Our DKIM signature did not hold" in words(mail.text)
    remedies = [remedy.get_text(" ", strip=True) for remedy in BeautifulSoup(mail.html, "lxml").select("p.c")]
    assert len(remedies) == 2
    assert all(remedy.startswith("What to do: ") for remedy in remedies)
    typed = [code.get_text() for code in BeautifulSoup(mail.html, "lxml").select("code")]
    assert typed == ["digest ingest", "digest doctor mail"]


def test_the_remedy_of_an_alert_is_not_said_smaller_or_paler_than_the_trouble():
    for theme in map(build_theme, THEMES):
        mail = sample("alert", Renderer(theme=theme))
        for remedy in BeautifulSoup(mail.html, "lxml").select("p.c"):
            style = dict(part.split(":", 1) for part in str(remedy["style"]).split(";"))
            around = remedy.find_parent("td")
            assert around is not None
            trouble = str(around["style"]).partition("font:")[2].partition("/")[0]
            assert int(style["font-size"].removesuffix("px")) >= int(trouble.removesuffix("px"))
            assert contrast(style["color"], style["background-color"]) >= 4.5
            assert contrast(theme.dark.chip_ink, theme.dark.chip) >= 4.5


def test_a_paper_that_fits_the_keywords_only_as_a_whole_has_that_for_a_reason():
    whole = (Reason(ReasonKind.WHOLE, "your keywords as a whole", 0.4), Reason(ReasonKind.RECENT, "new", 0.1))
    picks = [pick._replace(score=pick.score._replace(why=whole)) for pick in samples.DIGEST.picks]
    rendered = RENDERER.digest(replace(samples.DIGEST, picks=tuple(picks)), samples.LINKS, sender=samples.SENDER)  # fmt: skip
    matched = sum(pick.section is Section.TOP for pick in picks)
    assert rendered.text.count("Why: fits your keywords as a whole") == matched
    assert rendered.html.count("fits your keywords as a whole") == matched < len(picks)
