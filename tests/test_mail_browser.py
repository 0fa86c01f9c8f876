"""Every mail in a real browser: by day and by night, on a phone and on a desk, and with half of its styles gone."""

import re

import pytest

from digest.mail.catalogue import sample
from digest.mail.render import KINDS, Renderer
from digest.mail.themes import THEMES
from tests.mail_tools import axe, chromium
from tests.test_mail_hostile import PAYLOADS, mail_with, other_mails_with

pytestmark = pytest.mark.browser
sync_api = pytest.importorskip(
    "playwright.sync_api", reason="needs Playwright: pip install paper-digest[browser]"
)

RENDERER = Renderer()
WIDTHS = (320, 600)
SCHEMES = ("light", "dark")
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]


@pytest.fixture(scope="module")
def page():
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=["--no-sandbox"])
        yield browser.new_page()
        browser.close()


@pytest.fixture
def show(page):
    """Opens HTML at a width and in a kind of light."""

    def showing(html, width=600, scheme="light"):
        page.set_viewport_size({"width": width, "height": 900})
        page.emulate_media(color_scheme=scheme)
        page.set_content(html)
        return page

    return showing


@pytest.fixture
def events(page):
    """What a page did while a test ran: addresses it asked for, dialogs it opened."""
    seen: list[str] = []

    def fetched(request):
        seen.append(request.url)

    def asked(dialog):
        seen.append(dialog.message)
        dialog.dismiss()

    page.on("request", fetched)
    page.on("dialog", asked)
    yield seen
    page.remove_listener("request", fetched)
    page.remove_listener("dialog", asked)


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("kind", KINDS)
def test_a_mail_has_no_barrier_that_axe_can_find(show, kind, theme):
    page = show(sample(kind, Renderer(theme=THEMES[theme])).html)
    page.evaluate(axe())
    for width in WIDTHS:
        for scheme in SCHEMES:
            page.set_viewport_size({"width": width, "height": 900})
            page.emulate_media(color_scheme=scheme)
            found = page.evaluate("(tags) => axe.run({runOnly: {type: 'tag', values: tags}})", RULES)
            barriers = [(v["id"], [node["html"] for node in v["nodes"]]) for v in found["violations"]]
            assert barriers == [], f"{width} pixels, {scheme}"
            assert found["passes"]


@pytest.mark.parametrize("kind", KINDS)
def test_a_phone_shows_a_mail_without_sideways_scrolling(show, kind):
    page = show(sample(kind, RENDERER).html, 320)
    assert page.evaluate("document.documentElement.scrollWidth") == 320


def test_a_word_without_end_does_not_widen_a_mail(show):
    text = "x" * 300
    for mail in (mail_with(text)[0], *other_mails_with(text)):
        page = show(mail.html, 320)
        assert page.evaluate("document.documentElement.scrollWidth") == 320, mail.kind


@pytest.mark.parametrize("kind", KINDS)
def test_a_mail_fetches_nothing(show, events, kind):
    show(sample(kind, RENDERER).html)
    assert events == []


@pytest.mark.parametrize("kind", KINDS)
def test_a_mail_keeps_its_shape_when_its_style_sheets_are_dropped(show, kind):
    bare = re.sub(r"<style.*?</style>", "", sample(kind, RENDERER).html, flags=re.DOTALL)
    page = show(bare, 320)
    assert page.evaluate("document.documentElement.scrollWidth") == 320
    fonts = page.evaluate(
        "[...document.querySelectorAll('h1,h2,p')].map(e => getComputedStyle(e).fontFamily)"
    )
    assert not [font for font in fonts if font.startswith(("Times", '"Times'))]


def test_links_are_large_enough_for_a_thumb(show):
    page = show(sample("digest", RENDERER).html, 320)
    small = page.evaluate(
        "[...document.querySelectorAll('a')].map(a => [a.textContent, a.getBoundingClientRect().height]).filter(([, h]) => h < 40)"
    )
    assert small == []


def test_a_mail_shows_the_same_words_whatever_the_light_and_the_width(show):
    html = sample("digest", RENDERER).html
    seen = [show(html, width, scheme).inner_text("body") for scheme in SCHEMES for width in WIDTHS]
    words = {tuple(re.findall(r"\w+", text)) for text in seen}  # dots between links are for wide screens only
    assert len(words) == 1


def test_on_a_phone_no_line_of_links_ends_in_a_dot(show):
    text = show(sample("digest", RENDERER).html, 320).inner_text("td.f >> nth=-1")
    assert "Unsubscribe" in text
    assert "·" not in text


def test_hostile_text_runs_nothing(show, events):
    for payload in PAYLOADS:
        page = show(mail_with(payload)[0].html)
        assert page.evaluate("document.scripts.length") == 0
    assert events == []


def test_the_checker_finds_what_it_should(show):
    page = show(sample("digest", RENDERER).html.replace(THEMES["paper"].dark.soft, "#333333"), 600, "dark")
    page.evaluate(axe())
    found = page.evaluate("(tags) => axe.run({runOnly: {type: 'tag', values: tags}})", RULES)
    assert [v["id"] for v in found["violations"]] == ["color-contrast"]
