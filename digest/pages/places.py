"""Pages at the paths and addresses that a person names, or that a source's folder has."""

import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from datetime import datetime
from pathlib import Path

from digest.errors import SourceError
from digest.model import Page
from digest.pages.archive import unpacked
from digest.pages.fetch import HttpFetcher, Validators
from digest.pages.folder import SETTLE_SECONDS, Unreadable, pages_in
from digest.pages.polite import PoliteFetcher

_BY_HAND = "by hand"


def read_places(places: Iterable[str], now: datetime) -> Iterator[Page | Unreadable]:
    """The pages at paths and addresses somebody named by hand. One that is not there costs only itself."""
    for place in places:
        try:
            yield from _read_place(place, now)
        except SourceError as error:
            yield Unreadable(place, str(error).removeprefix(f"{place}: "))


def _read_place(place: str, now: datetime) -> Iterable[Page | Unreadable]:
    if not place.startswith(("http://", "https://")):
        return settled_pages(Path(place), _BY_HAND, now)
    fetched = polite_fetcher(allow_private=True).fetch(
        place, source=_BY_HAND, validators=Validators(), now=now
    )
    return [] if fetched.page is None else unpacked(fetched.page)


def settled_pages(place: Path, source: str, now: datetime) -> Iterable[Page | Unreadable]:
    """The pages at a path that nobody writes to at the moment, by the machine's own clock, whatever moment it acts in."""
    return pages_in(place, source=source, now=now, settled_before=time.time() - SETTLE_SECONDS)  # noqa: TID251


def polite_fetcher(*, allow_private: bool) -> PoliteFetcher:
    """A fetcher for this process: waits with the machine's own clock."""
    return PoliteFetcher(HttpFetcher(allow_private=allow_private), wait=time.sleep, clock=time.monotonic)  # noqa: TID251


def wait_for_settling(places: Iterable[Path]) -> None:
    """For commands that look once: wait until what was just put there may be taken, at most `SETTLE_SECONDS`.

    A file that is still written to meanwhile stays too young, and is left for the next time.
    """
    age = time.time() - max((_newest_in(place) for place in places if place.is_dir()), default=0.0)  # noqa: TID251
    if 0 <= age < SETTLE_SECONDS:
        time.sleep(SETTLE_SECONDS - age + 0.01)  # noqa: TID251  # an edge waits, once


def _newest_in(folder: Path) -> float:
    newest = 0.0
    for file in folder.rglob("*"):
        with suppress(OSError):  # gone meanwhile, or not ours to look at: reading it will tell
            newest = max(newest, file.stat().st_mtime)
    return newest
