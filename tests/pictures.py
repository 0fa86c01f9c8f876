"""Pictures of every mail, for looking at.

    python -m tests.pictures [--out build/pictures] [--theme paper] [--kind digest]
    python -m tests.pictures --readme     # the three of the README, cut and made small (needs Pillow)

Makes one PNG for each kind of mail, width (320 and 640 pixels) and light (day and night). Needs Chromium, and the extra
digest[browser].
"""

import argparse
from pathlib import Path
from typing import Literal

from digest.mail.catalogue import sample
from digest.mail.render import KINDS, Renderer
from digest.mail.themes import THEMES
from tests.mail_tools import chromium

WIDTHS = (320, 640)
SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")


def take_pictures(kinds: list[str], theme: str, out: Path) -> list[Path]:
    """Pictures of these kinds of mail in that theme, written into `out`."""
    from playwright.sync_api import sync_playwright

    out.mkdir(parents=True, exist_ok=True)
    renderer = Renderer(theme=THEMES[theme])
    made = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=["--no-sandbox"])
        page = browser.new_page()
        for kind in kinds:
            page.set_content(sample(kind, renderer).html)
            for width in WIDTHS:
                for scheme in SCHEMES:
                    page.set_viewport_size({"width": width, "height": 480})
                    page.emulate_media(color_scheme=scheme)
                    made.append(out / f"{kind}-{theme}-{width}-{scheme}.png")
                    page.screenshot(path=made[-1], full_page=True)
        browser.close()
    return made


def take_readme_pictures(out: Path) -> list[Path]:
    """The three pictures of the README: the digest by day, on a telephone by night, and the week."""
    from PIL import Image

    wanted = {
        "digest-paper-640-light": (640, 900),
        "digest-paper-320-dark": (320, 900),
        "weekly-paper-640-light": (640, 620),
    }
    made = []
    for picture in take_pictures(["digest", "weekly"], "paper", out):
        size = wanted.get(picture.stem)
        if size:
            cut = Image.open(picture).convert("RGB").crop((0, 0, *size))
            cut.quantize(32, dither=Image.Dither.NONE).save(picture, optimize=True)
            made.append(picture)
        else:
            picture.unlink()
    return made


def main() -> None:
    """Take pictures and say where they are."""
    parser = argparse.ArgumentParser(description="Pictures of every mail, for looking at.")
    parser.add_argument("--out", type=Path, default=Path("build/pictures"))
    parser.add_argument("--theme", choices=THEMES, default="paper")
    parser.add_argument("--kind", choices=KINDS, action="append")
    parser.add_argument("--readme", action="store_true")
    options = parser.parse_args()
    if options.readme:
        print(*take_readme_pictures(Path(__file__).parents[1] / "deploy" / "pictures"), sep="\n")
        return
    for picture in take_pictures(options.kind or list(KINDS), options.theme, options.out):
        print(picture)


if __name__ == "__main__":
    main()
