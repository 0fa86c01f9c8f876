"""Pages from a file or a folder: what a person saved, or another program dropped there."""

import os
import stat
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from digest.errors import SourceError
from digest.model import Page
from digest.pages.archive import Unreadable, unpacked
from digest.pages.document import LARGEST_PAGE

__all__ = ["SETTLE_SECONDS", "Unreadable", "pages_in"]

_UNFINISHED = (".part", ".tmp", ".crdownload", ".download", "~")
SETTLE_SECONDS = 2.0  # a file unchanged for so long is complete
_WRONG_CLOCK = 3600  # seconds; a file from further in the future is not being written now, its clock is wrong


def pages_in(
    path: Path, *, source: str, now: datetime, settled_before: float | None = None
) -> Iterator[Page | Unreadable]:
    """The pages at `path`: the file itself, at once, or every settled file in the folder and below, sorted by path.

    Left out without a word: names that begin with a dot or end in `.part`, `.tmp` or `~`, and files changed at or after
    `settled_before` (seconds since 1970, by the machine's clock; SETTLE_SECONDS before `now` if not given), which may
    still be growing. Links are followed to files inside the folder only. Archives give the pages in them.

    Raises:
        SourceError: nothing is at `path`, or the folder cannot be opened.
    """
    try:
        mode = path.stat().st_mode
        if stat.S_ISDIR(mode):
            os.scandir(path).close()
    except FileNotFoundError:
        raise SourceError(f"{path}: there is no such file or folder; check the path or create it.") from None
    except OSError as error:
        raise SourceError(f"{path}: {_why(error)}; check its permissions.") from error
    if stat.S_ISDIR(mode):
        before = now.timestamp() - SETTLE_SECONDS if settled_before is None else settled_before
        return _in_folder(path, source=source, now=now, settled_before=before)
    return _pages(path, source=source, now=now)


def _in_folder(
    folder: Path, *, source: str, now: datetime, settled_before: float
) -> Iterator[Page | Unreadable]:
    home = folder.resolve()
    for path in _files(folder):
        try:
            if not path.resolve(strict=True).is_relative_to(home):
                yield Unreadable(
                    str(path), "It is a link that leads out of the folder; copy the file here instead."
                )
                continue
            changed = path.stat().st_mtime
        except (
            OSError,
            RuntimeError,
        ) as error:  # RuntimeError: a link that leads to itself, before Python 3.13
            yield Unreadable(str(path), f"It cannot be opened: {_why(error)}.")
            continue
        if not 0 <= changed - settled_before < _WRONG_CLOCK:
            yield from _pages(path, source=source, now=now)


def _files(folder: Path) -> Iterator[Path]:
    found: list[Path] = []
    for place, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        found += [Path(place, name) for name in names if _is_finished(name)]
    return iter(sorted(found))


def _is_finished(name: str) -> bool:
    return not name.startswith(".") and not name.lower().endswith(_UNFINISHED)


def _pages(path: Path, *, source: str, now: datetime) -> Iterator[Page | Unreadable]:
    page = _page(path, source=source, now=now)
    if isinstance(page, Page):
        yield from unpacked(page)
    else:
        yield page


def _page(path: Path, *, source: str, now: datetime) -> Page | Unreadable:
    """The file as a page. It is opened once and asked for its size then, so that nothing can grow or change in between."""
    try:
        if not stat.S_ISREG(path.stat().st_mode):  # opening a pipe would wait for its writer
            return Unreadable(str(path), "It is not a regular file; save the page to a file first.")
        with path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            body = file.read(LARGEST_PAGE + 1) if size <= LARGEST_PAGE else b""
    except OSError as error:
        return Unreadable(str(path), f"It cannot be read: {_why(error)}.")
    if max(size, len(body)) > LARGEST_PAGE:
        return Unreadable(
            str(path), f"It has {size >> 20} MB, the limit is {LARGEST_PAGE >> 20} MB; split it into days."
        )
    return Page(str(path), body, fetched_at=now, source=source)


def _why(error: BaseException) -> str:
    reason = error.strerror if isinstance(error, OSError) else None
    return (reason or str(error) or type(error).__name__).lower()
