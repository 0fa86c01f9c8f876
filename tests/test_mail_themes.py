"""Themes are values, and none leaves anybody with text that cannot be read."""

import email
import struct
import zlib
from email import policy

import pytest
from lxml import html as lxml_html

from digest.errors import SettingsError
from digest.mail import samples
from digest.mail.catalogue import sample, sample_message
from digest.mail.logo import LARGEST_LOGO, read_logo
from digest.mail.render import KINDS, Renderer
from digest.mail.themes import LEAST_CONTRAST, THEMES, build_theme, contrast


def a_png(width=40, height=20, padding=0):
    def chunk(name, content):
        check = struct.pack(">I", zlib.crc32(name + content))
        return struct.pack(">I", len(content)) + name + content + check

    rows = b"".join(b"\0" + bytes([138, 59, 18]) * width for _ in range(height))
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    parts = (
        chunk(b"IHDR", head),
        chunk(b"tEXt", b"x\0" + b"a" * padding),
        chunk(b"IDAT", zlib.compress(rows)),
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts) + chunk(b"IEND", b"")


@pytest.mark.parametrize("name", THEMES)
@pytest.mark.parametrize("kind", KINDS)
def test_every_theme_writes_every_mail_with_the_same_words(name, kind):
    assert sample(kind, Renderer(theme=THEMES[name])).text == sample(kind, Renderer()).text


@pytest.mark.parametrize("name", THEMES)
@pytest.mark.parametrize("half", ["light", "dark"])
def test_every_ink_can_be_read_on_what_it_stands_on(name, half):
    palette = getattr(THEMES[name], half)
    inks = {ink: contrast(getattr(palette, ink), palette.page) for ink in ("ink", "body", "soft", "accent")}
    inks["chip_ink"] = contrast(palette.chip_ink, palette.chip)
    inks["soft beside chips"] = contrast(palette.soft, palette.page)
    assert {ink: ratio for ink, ratio in inks.items() if ratio < LEAST_CONTRAST} == {}


def test_contrast_is_that_of_wcag():
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#767676", "#ffffff") == pytest.approx(4.54, abs=0.01)


def test_own_colours_are_used_by_day_and_by_night():
    theme = build_theme("sea", light={"accent": "#7a1fa2"}, dark={"accent": "#e0b0ff"})
    html = sample("digest", Renderer(theme=theme)).html
    assert "color:#7a1fa2" in html
    assert ".a{color:#e0b0ff!important}" in html


def test_a_colour_that_cannot_be_read_is_refused_with_one_that_can():
    with pytest.raises(SettingsError) as refusal:
        build_theme("paper", light={"accent": "#ffcc00", "page": "#ffffff"}, where="config/digest.toml")
    (mistake,) = refusal.value.mistakes
    assert (mistake.where, mistake.key) == ("config/digest.toml", "light.accent")
    assert 'has a contrast of 1.5, and text needs 4.5; "#8' in mistake.remedy
    better = mistake.remedy.split('"')[-2]
    assert contrast(better, "#ffffff") >= LEAST_CONTRAST


def test_all_mistakes_of_a_theme_are_told_at_once():
    with pytest.raises(SettingsError) as refusal:
        build_theme("paper", light={"acent": "#000000", "ink": "red"}, dark={"page": "#fff"})
    assert [mistake.key for mistake in refusal.value.mistakes] == ["light.acent", "light.ink", "dark.page"]


def test_an_unknown_theme_is_answered_with_those_there_are():
    with pytest.raises(SettingsError, match='no theme "papre"; there are "paper", "ink", "sea", "moss"'):
        build_theme("papre")


def test_a_logo_travels_inside_the_mail():
    content = a_png(96, 96)
    rendered = sample(
        "digest", Renderer(theme=build_theme("paper", logo=read_logo(content, where="logo.png")))
    )
    mail = email.message_from_bytes(sample_message(rendered).raw, policy=policy.default)
    assert not [defect for part in mail.walk() for defect in part.defects]
    assert [part.get_content_type() for part in mail.walk()] == [
        "multipart/alternative", "text/plain", "multipart/related", "text/html", "image/png",
    ]  # fmt: skip
    picture = list(mail.walk())[-1]
    assert picture.get_content() == content
    images = lxml_html.fromstring(rendered.html).xpath("//img")
    assert [image.get("src") for image in images] == [f"cid:{picture['Content-ID'].strip('<>')}"]
    assert [(image.get("alt"), image.get("width"), image.get("height")) for image in images] == [
        ("", "48", "48")
    ]


def test_lines_of_a_mail_with_a_logo_are_short_and_end_in_crlf():
    logo = read_logo(a_png(200, 60), where="logo.png")
    raw = sample_message(sample("digest", Renderer(theme=build_theme("ink", logo=logo)))).raw
    assert b"\n" not in raw.replace(b"\r\n", b"")
    assert max(len(line) for line in raw.split(b"\r\n")) <= 78


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"<svg></svg>", "neither PNG nor GIF"),
        (b"", "neither PNG nor GIF"),
        (a_png(padding=LARGEST_LOGO), "would travel in every mail"),
        (a_png(0, 10), "no width"),
    ],
    ids=["svg", "empty", "large", "flat"],
)
def test_a_picture_a_mail_cannot_carry_is_refused(content, said):
    with pytest.raises(SettingsError, match=said):
        read_logo(content, where="logo.png")


def test_a_wide_logo_is_scaled_and_keeps_its_shape():
    logo = read_logo(a_png(1120, 96), where="logo.png")
    assert (logo.width, logo.height) == (280, 24)


def test_a_mail_without_a_logo_loads_nothing():
    assert "<img" not in sample("digest", Renderer(), samples.LINKS).html
