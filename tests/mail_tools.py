"""Where the checkers of mails are, if they are there: they are no part of the project, and not on every machine."""

import os
import shutil
from pathlib import Path

import pytest

_BESIDE = Path(__file__).resolve().parents[2] / "node_modules"


def chromium() -> str:
    """The browser's program: $CHROMIUM, or the first on the PATH. Skips the test when there is none."""
    names = (os.environ.get("CHROMIUM"), "chromium", "chromium-browser", "google-chrome")
    found = next((path for name in names if name and (path := shutil.which(name))), None)
    return found or pytest.skip("needs Chromium: apt-get install chromium, or set CHROMIUM to its program")


def program(name: str, package: str) -> str:
    """A program on the PATH. Skips the test when it is missing."""
    return shutil.which(name) or pytest.skip(f"needs {name}: apt-get install {package}")


def node_module(name: str) -> Path:
    """The folder of an npm package: in $NODE_MODULES, or in node_modules beside the checkout. Skips when it is missing."""
    folder = Path(os.environ.get("NODE_MODULES", _BESIDE)) / name
    if not folder.is_dir():
        pytest.skip(
            f"needs the npm package {name}: npm install {name}, and set NODE_MODULES to the folder node_modules"
        )
    return folder


def axe() -> str:
    """The source of axe-core: $AXE_CORE names axe.min.js, or the npm package is there. Skips when it is missing."""
    named = os.environ.get("AXE_CORE")
    file = Path(named) if named else node_module("axe-core") / "axe.min.js"
    if not file.is_file():
        pytest.skip(f"AXE_CORE names {file}, which is no file; set it to the path of axe.min.js")
    return file.read_text(encoding="utf-8")
