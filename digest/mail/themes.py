"""Colours and type of mails."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Palette:
    """Colours for one kind of light, as #rrggbb. Every ink has a contrast of at least 4.5 on what it stands on."""

    page: str
    ink: str  # titles
    body: str  # running text
    soft: str  # facts and footer
    rule: str  # hairlines
    chip: str  # background of reasons
    chip_ink: str
    accent: str  # links of the footer, section headings


@dataclass(frozen=True, slots=True)
class Theme:
    """How mails look, by day and by night."""

    light: Palette
    dark: Palette
    serif: str = "Georgia,'Times New Roman',serif"
    sans: str = "-apple-system,'Segoe UI',Roboto,Helvetica,Arial,sans-serif"


THEMES: Mapping[str, Theme] = {
    "paper": Theme(
        light=Palette("#fbfaf7", "#1f1c18", "#3d3932", "#6d665b", "#e3ddd1", "#efeae0", "#5a5247", "#8a3b12"),
        dark=Palette("#191816", "#f3efe8", "#cdc7bc", "#a39b8e", "#36332d", "#2a2824", "#cfc7b9", "#eaa67f"),
    ),
}
