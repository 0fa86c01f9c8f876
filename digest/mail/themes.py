"""How mails look: colours, type and a logo, as values that are checked before any mail is written with them."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, replace

from digest.errors import Mistake, SettingsError
from digest.mail.logo import Logo

_COLOUR = re.compile(r"#[0-9a-f]{6}", re.IGNORECASE)
# WCAG 2.2, 1.4.3: text smaller than 24 px.
LEAST_CONTRAST = 4.5
_SERIF = "Georgia,'Times New Roman',serif"
_SANS = "-apple-system,'Segoe UI',Roboto,Helvetica,Arial,sans-serif"


@dataclass(frozen=True, slots=True)
class Palette:
    """Colours for one kind of light, as #rrggbb."""

    page: str
    ink: str  # titles
    body: str  # running text
    soft: str  # facts and footer
    rule: str  # hairlines
    chip: str  # background of reasons
    chip_ink: str
    accent: str  # section headings, buttons, links of the footer


@dataclass(frozen=True, slots=True)
class Theme:
    """How mails look, by day and by night."""

    light: Palette
    dark: Palette
    titles: str = _SERIF
    text: str = _SANS
    logo: Logo | None = None


THEMES: Mapping[str, Theme] = {
    "paper": Theme(
        Palette("#fbfaf7", "#1f1c18", "#3d3932", "#6d665b", "#e3ddd1", "#efeae0", "#5a5247", "#8a3b12"),
        Palette("#191816", "#f3efe8", "#cdc7bc", "#a39b8e", "#36332d", "#2a2824", "#cfc7b9", "#eaa67f"),
    ),
    "ink": Theme(
        Palette("#ffffff", "#111111", "#333333", "#666666", "#e2e2e2", "#f1f1f1", "#4d4d4d", "#1a1a1a"),
        Palette("#121212", "#fafafa", "#cccccc", "#9e9e9e", "#333333", "#262626", "#c8c8c8", "#f0f0f0"),
        titles=_SANS,
    ),
    "sea": Theme(
        Palette("#f7fafb", "#12212b", "#33424d", "#5c6b76", "#d8e2e8", "#e6eff4", "#3f5462", "#0b5c7d"),
        Palette("#10181d", "#eef4f7", "#c3ced5", "#93a3ad", "#2a3740", "#1e2930", "#bccbd4", "#7cc4e0"),
        titles=_SANS,
    ),
    "moss": Theme(
        Palette("#fafbf8", "#1a211a", "#384038", "#626b60", "#dde3d8", "#eaf0e5", "#465443", "#2f6237"),
        Palette("#141814", "#f0f4ee", "#c6cec3", "#98a394", "#2f362d", "#222921", "#c2ccbe", "#9ccc9f"),
    ),
}


def build_theme(
    name: str,
    *,
    light: Mapping[str, str] | None = None,
    dark: Mapping[str, str] | None = None,
    logo: Logo | None = None,
    where: str = "",
) -> Theme:
    """The theme called `name` with some of its colours replaced, by day and by night, and a logo.

    Raises `SettingsError` with every mistake: an unknown theme or colour, and text that could not be read on what it
    stands on, each with a colour that would do. `where` is the file that is to be mended; none when the name was typed as `--theme`.
    """
    if name not in THEMES:
        known = ", ".join(f'"{known}"' for known in THEMES)
        raise SettingsError(
            [
                Mistake(
                    where or "--theme",
                    "theme" if where else "",
                    f'there is no theme "{name}"; there are {known}',
                )
            ]
        )
    base = THEMES[name]
    wanted = {"light": dict(light or {}), "dark": dict(dark or {})}
    mistakes = [mistake for half, colours in wanted.items() for mistake in _unknown(half, colours, where)]
    if mistakes:
        raise SettingsError(mistakes)
    theme = replace(
        base,
        light=replace(base.light, **wanted["light"]),
        dark=replace(base.dark, **wanted["dark"]),
        logo=logo,
    )
    mistakes = [*_unreadable("light", theme.light, where), *_unreadable("dark", theme.dark, where)]
    if mistakes:
        raise SettingsError(mistakes)
    return theme


def _unknown(half: str, colours: Mapping[str, str], where: str) -> Iterator[Mistake]:
    names = [field.name for field in fields(Palette)]
    for name, colour in colours.items():
        if name not in names:
            yield Mistake(where, f"{half}.{name}", f"there is no such colour; there are {', '.join(names)}")
        elif not _COLOUR.fullmatch(colour):
            yield Mistake(where, f"{half}.{name}", f'"{colour}" is not a colour like "#8a3b12"')


def _unreadable(half: str, palette: Palette, where: str) -> Iterator[Mistake]:
    pairs = [("ink", "page"), ("body", "page"), ("soft", "page"), ("accent", "page"), ("chip_ink", "chip")]
    for ink, ground in pairs:
        ratio = contrast(getattr(palette, ink), getattr(palette, ground))
        if ratio < LEAST_CONTRAST:
            better = _readable(getattr(palette, ink), getattr(palette, ground))
            yield Mistake(
                where,
                f"{half}.{ink}",
                f'"{getattr(palette, ink)}" on {ground} "{getattr(palette, ground)}" has a contrast of {ratio:.1f}, and text '
                f'needs {LEAST_CONTRAST}; "{better}" would do',
            )


def contrast(one: str, other: str) -> float:
    """Contrast of two colours, from 1 to 21 (WCAG 2.2)."""
    high, low = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def _luminance(colour: str) -> float:
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in _parts(colour)]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def _parts(colour: str) -> list[float]:
    return [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]


def _readable(ink: str, ground: str) -> str:
    """The colour nearest to `ink` that can be read on `ground`, going towards black or white."""
    end = max("#000000", "#ffffff", key=lambda pole: contrast(pole, ground))
    for step in range(1, 50):
        mixed = [a + (b - a) * step / 50 for a, b in zip(_parts(ink), _parts(end), strict=True)]
        colour = "#" + "".join(f"{round(part * 255):02x}" for part in mixed)
        if contrast(colour, ground) >= LEAST_CONTRAST:
            return colour
    return end
