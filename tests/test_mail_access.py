"""What a mail must have so that everybody can read it: rules that need no browser (after the Email Markup Consortium)."""

import re
from collections import Counter
from itertools import pairwise

import pytest
from lxml import html as lxml_html

from digest.mail.catalogue import sample
from digest.mail.links import Links
from digest.mail.render import KINDS, Renderer

RENDERER = Renderer()
ONLY_IN_ONE = {"Why"}  # chips need no label where they look like chips
FILE_OWNED = Links(profile_file="config/subscribers/reader.toml")


@pytest.fixture(params=[*KINDS, "laptop"])
def mail(request):
    if request.param == "laptop":
        return sample("digest", RENDERER, FILE_OWNED)
    return sample(request.param, RENDERER)


@pytest.fixture
def page(mail):
    return lxml_html.fromstring(mail.html)


def test_the_language_and_direction_are_stated(page):
    assert page.get("lang") == "en"
    assert page.get("dir") == "ltr"
    article = page.xpath("//*[@role='article']")
    assert [(a.get("lang"), a.get("dir")) for a in article] == [("en", "ltr")]


def test_the_mail_has_a_title_that_is_its_subject(mail, page):
    assert page.xpath("string(//title)").strip() == mail.subject
    assert page.xpath("string(//*[@role='article']/@aria-label)").strip() == mail.subject


def test_tables_are_for_layout_and_say_so(page):
    assert page.xpath("//table")
    assert not page.xpath("//table[not(@role='presentation')]")


def test_headings_go_down_one_step_at_a_time(page):
    levels = [int(heading.tag[1]) for heading in page.xpath("//h1|//h2|//h3|//h4")]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))


def test_links_say_where_they_lead(page):
    assert all(" ".join(link.text_content().split()) for link in page.xpath("//a"))


def test_nothing_is_loaded_from_anywhere(mail, page):
    assert not page.xpath("//img|//link|//script|//iframe|//form")
    assert "@import" not in mail.html
    assert "url(" not in mail.html


def test_a_phone_may_zoom(page):
    viewport = page.xpath("string(//meta[@name='viewport']/@content)")
    assert "width=device-width" in viewport
    assert "user-scalable" not in viewport


def test_titles_keep_their_own_direction(page):
    directions = {
        heading.text_content().strip()[0] > "\u0590": heading.get("dir") for heading in page.xpath("//h2[a]")
    }
    assert directions in ({}, {False: "ltr", True: "rtl"}, {False: "ltr"})


def test_the_styles_are_small_enough_for_gmail(page):
    assert sum(len(style.text or "") for style in page.xpath("//style")) < 16_000


def test_no_category_code_stands_where_a_field_should(mail):
    assert not re.search(r"\b(cs|stat|math|eess)\.[A-Z]{2}\b", mail.html + mail.text)


def test_both_parts_hold_the_same_links(mail, page):
    in_text = {word for word in mail.text.split() if word.startswith(("http:", "https:", "mailto:"))}
    assert set(page.xpath("//a/@href")) == in_text


def test_both_parts_hold_the_same_words(mail, page):
    for hidden in page.xpath("//*[contains(@style, 'display:none')]"):
        hidden.text = ""
    links = set(page.xpath("//a/@href"))
    body = page.xpath("//body")[0]
    in_html = Counter(re.findall(r"\w{3,}", " ".join(body.itertext())))
    in_text = Counter(
        re.findall(r"\w{3,}", " ".join(word for word in mail.text.split() if word not in links))
    )
    assert {word for word in (in_html | in_text) if in_html[word] != in_text[word]} <= ONLY_IN_ONE
