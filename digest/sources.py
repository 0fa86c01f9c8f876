"""Trying a source out, and writing its entry into `config/digest.toml`."""

import json
import os
import re
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from urllib.parse import urlsplit

from digest.errors import DigestError, SourceError
from digest.ingest import FolderReader, Source
from digest.model import Page, PageStatus, ParsedPage
from digest.pages import parse
from digest.pages.calendar import address_of, better_address
from digest.pages.fetch import Validators
from digest.pages.folder import Unreadable
from digest.settings import read_table
from digest.tables import DigestFile, SourceSettings

_MOST_TRIED = 20  # pages of a folder that a trial reads


@dataclass(frozen=True, slots=True)
class Trial:
    """What one page of a source turned out to be."""

    page: str
    parsed: ParsedPage


def try_source(source: Source, read_folder: FolderReader, *, now: datetime) -> list[Trial]:
    """Fetch the newest page of a source, or some of a folder, and understand it. Nothing is stored.

    Raises `SourceError` when there is nothing to understand.
    """
    found: Sequence[Page | Unreadable] = []
    if source.path is not None:
        found = [page for page, _ in zip(read_folder(source, now), range(_MOST_TRIED), strict=False)]
    elif source.url is not None and source.fetcher is not None:
        address = address_of(source.url, day=now.date(), page=0, page_size=source.page_size)
        fetched = source.fetcher.fetch(address, source=source.name, validators=Validators(), now=now)
        found = [fetched.page] if fetched.page else []
    if not found:
        raise SourceError(
            f"{source.path or source.url}: there is no page yet; save one there, then try again"
        )
    return [_understood(page) for page in found]


def _understood(page: Page | Unreadable) -> Trial:
    if isinstance(page, Unreadable):
        return Trial(page.name, ParsedPage(None, PageStatus.BROKEN, reason=page.reason))
    return Trial(page.name, parse(page))


def entry_for(place: str, name: str | None, *, home: Path) -> SourceSettings:
    """The entry of a place a person names: an address (exchanged for its API or feed where one is known) or a path.

    Raises `SourceError` when a path does not exist.
    """
    if place.startswith(("http://", "https://")):
        url = better_address(place)
        return SourceSettings(name=name or _name_of(url), url=url)
    path = Path(place).expanduser().resolve()
    if not path.exists():
        raise SourceError(
            f"{place}: there is no such file or folder; create it, or give an address with https://"
        )
    inside = path.relative_to(home) if path.is_relative_to(home) else path
    return SourceSettings(name=name or path.stem, path=inside)


def _name_of(url: str) -> str:
    parts = urlsplit(url.partition("{")[0])
    words = [
        word
        for word in re.split(r"[^A-Za-z0-9]+", parts.path)
        if word not in ("api", "rss", "xml", "php", "")
    ]
    host = parts.netloc.removeprefix("www.").partition(":")[0]
    return "-".join([host.rsplit(".", 1)[0].rpartition(".")[2] or host, *words[-2:]])[:60].lower()


def add_source(home: Path, wanted: SourceSettings) -> Path:
    """Append the entry to `config/digest.toml`, comments and all kept. Returns the file.

    Raises `DigestError` when the name or the place is there already, or the file cannot be written.
    """
    file = home / "config" / "digest.toml"
    text = file.read_text(encoding="utf-8") if file.exists() else ""
    known, _ = read_table(file, DigestFile) if file.exists() else (DigestFile(), [])
    sources = known.source if known else ()
    if any(source.name == wanted.name for source in sources):
        raise DigestError(f'a source called "{wanted.name}" is there already; give this one another --name')
    if any((source.url, source.path) == (wanted.url, wanted.path) for source in sources):
        raise DigestError(f"{wanted.url or wanted.path} is a source already")
    # The first entry written replaces the default folder, which is then written out beside it.
    written = [wanted] if "source" in tomllib.loads(text) else [*DigestFile().source, wanted]
    new = text.rstrip("\n") + "\n\n" + "\n".join(_as_toml(source) for source in written)
    _replace(file, new.lstrip("\n"))
    return file


def _as_toml(source: SourceSettings) -> str:
    lines = ["[[source]]", f"name = {json.dumps(source.name, ensure_ascii=False)}"]
    place = ("path", source.path.as_posix()) if source.path else ("url", source.url)
    return "\n".join([*lines, f"{place[0]} = {json.dumps(place[1], ensure_ascii=False)}", ""])


def _replace(file: Path, text: str) -> None:
    """All of it or nothing: a crash leaves the old file."""
    temporary = file.with_name(f".{file.name}.{os.getpid()}.tmp")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with temporary.open("w", encoding="utf-8") as handle:
            handle.write(text)
            handle.flush()
            os.fsync(handle.fileno())
        temporary.replace(file)
    except OSError as error:
        raise DigestError(f"cannot write {file}: {error.strerror}; mend its rights") from error
