"""Settings are read when a program starts; one that is left running says when they have been changed since."""

import hashlib
import logging
from pathlib import Path

from digest.errors import SettingsError
from digest.settings import load_settings

log = logging.getLogger(__name__)


class SettingsWatch:
    """Looks at `config/digest.toml` and `.env` of a home, and says once of each change what to do."""

    def __init__(self, home: Path) -> None:
        self._home = home
        self._files = (home / "config" / "digest.toml", home / ".env")
        self._at_first = self._seen = self._look()

    def look(self) -> None:
        """Compare the files with what they were at the last look."""
        now = self._look()
        if now == self._seen:
            return
        self._seen = now
        if now == self._at_first:
            log.info("the settings are again those that this program began with")
            return
        try:
            load_settings(self._home)
        except SettingsError as error:
            for mistake in error.mistakes:
                log.warning(
                    "the settings were changed and cannot be used; the old ones are kept: %s", mistake
                )
        else:
            log.warning("the settings were changed: stop this program and start it again to use them")

    def _look(self) -> tuple[bytes | None, ...]:
        return tuple(_digest_of(file) for file in self._files)


def _digest_of(file: Path) -> bytes | None:
    try:
        return hashlib.sha256(file.read_bytes()).digest()
    except OSError:
        return None
