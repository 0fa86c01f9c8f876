"""Pictures of written pages, as a phone and a desktop show them, where a Chromium is installed."""

import os
import shutil
from collections.abc import Sequence
from pathlib import Path

from digest.errors import DigestError

_PROGRAMS = ("chromium", "chromium-browser", "google-chrome", "chrome")
_REMEDY = "install Chromium and `pip install 'paper-digest[browser]'`, or leave --screenshot out"


def take_pictures(page: Path, widths: Sequence[int]) -> list[Path]:
    """Take `page` at each width (pixels), by day and by night, whole, as PNG files beside it. Raises `DigestError`."""
    try:
        from playwright.sync_api import Error, sync_playwright
    except ImportError as error:
        raise DigestError(f"pictures need a browser: {_REMEDY}") from error
    made = []
    try:
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=_chromium(), args=["--no-sandbox"])
            tab = browser.new_page()
            tab.goto(page.resolve().as_uri())
            for width in widths:
                for scheme in ("light", "dark"):
                    tab.set_viewport_size({"width": width, "height": 480})
                    tab.emulate_media(color_scheme=scheme)
                    made.append(page.with_name(f"{page.stem}-{width}-{scheme}.png"))
                    tab.screenshot(path=made[-1], full_page=True)
            browser.close()
    except Error as error:
        raise DigestError(f"the browser did not take the picture: {error.message.splitlines()[0]}") from error
    return made


def _chromium() -> str:
    """The browser's program: $CHROMIUM, or the first on the PATH. Raises `DigestError`."""
    for name in (os.environ.get("CHROMIUM"), *_PROGRAMS):
        if name and (path := shutil.which(name)):
            return path
    raise DigestError(f"no Chromium was found: {_REMEDY}")
