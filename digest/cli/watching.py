"""Settings that are changed while a program runs are taken over between rounds, or it is told why they are not."""

import hashlib
import logging
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from digest.errors import DigestError, SettingsError

if TYPE_CHECKING:
    from digest.app import App

log = logging.getLogger(__name__)
_EVERY = 2.0  # seconds between two looks


class SettingsWatch:
    """Looks at the files of a home's settings. What was changed and stays as it is until the next look is taken over:
    an editor may be in the middle of writing.
    """

    def __init__(self, app: "App") -> None:
        self._app = app
        self._files = _files_of(app.settings.home)
        self._taken = self._seen = self._judged = self._look()

    def look(self) -> bool:
        """Whether other settings hold since this look. What cannot be used is told once."""
        before, now = self._seen, self._look()
        self._seen = now
        if now != before or now == self._judged:
            return False
        self._judged = now
        if now == self._taken:
            log.warning("the settings are again those in use")
            return False
        gone = [file for file, was, has in zip(self._files, self._taken, now, strict=True) if was and not has]
        if gone:
            log.warning("%s is empty or gone; the settings from before are kept: bring it back", gone[0])
            return False
        return self._take(now)

    def _take(self, now: tuple[bytes, ...]) -> bool:
        try:
            changed = self._app.renew()
        except DigestError as error:
            for one in error.mistakes if isinstance(error, SettingsError) else [error]:
                log.warning("the settings were changed and are not used, those from before are kept: %s", one)
            return False
        self._taken = now
        if changed:
            log.warning("the settings were changed and are in use: %s", ", ".join(changed))
        return bool(changed)

    def _look(self) -> tuple[bytes, ...]:
        return tuple(_digest_of(file) for file in self._files)


@contextmanager
def keeping_up(apps: "Mapping[str, App]", then: Callable[[str], None] = lambda _name: None) -> Iterator[None]:
    """Until the block ends, take over the settings of these digests when they are changed.

    `then` is called with the name of the digest, after its settings were taken over.
    """
    ended = threading.Event()
    watches = {name: SettingsWatch(app) for name, app in apps.items()}
    thread = threading.Thread(target=_keep_looking, args=(watches, then, ended), name="settings")
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def _keep_looking(
    watches: Mapping[str, SettingsWatch], then: Callable[[str], None], ended: threading.Event
) -> None:
    while not ended.wait(_EVERY):
        for name, watch in watches.items():
            try:
                if watch.look():
                    then(name)
            except Exception:
                log.exception("the settings could not be looked at")


def _files_of(home: Path) -> tuple[Path, ...]:
    """What a home is told in; a tenant is told by its house, too."""
    own = (home / "config" / "digest.toml", home / ".env")
    return (*own, home.parent.parent / ".env") if home.parent.name == "tenants" else own


def _digest_of(file: Path) -> bytes:
    """Empty when nothing can be read in it."""
    try:
        content = file.read_bytes().strip()
    except OSError:
        return b""
    return hashlib.sha256(content).digest() if content else b""
