"""Where mail for us arrives: a Maildir, or a folder on an IMAP server (`mail.imap`)."""

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

MAX_BYTES = 1 << 20  # of a mail; a longer one is given cut, one byte longer than this
AT_ONCE = 500  # mails of one look
Take = Callable[[bytes], object]

log = logging.getLogger(__name__)


class Mailbox(Protocol):
    """A place that mail arrives in. Nothing in it is ever deleted."""

    def each(self, take: Take) -> None:
        """Give every unread mail to `take`, the oldest first, at most `AT_ONCE`.

        A mail is marked as read when `take` has returned, so that what was not written down comes again.
        Raises `MailboxError` when the place cannot be read.
        """
        ...

    def count(self) -> int:
        """How many mails are unread. Raises `MailboxError`."""
        ...


class Maildir:
    """A folder into which a mail server of this machine writes, one file a mail. It need not be there yet."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def each(self, take: Take) -> None:
        """See `Mailbox`. A file that cannot be read costs only itself."""
        for file in self._new()[:AT_ONCE]:
            try:
                with file.open("rb") as opened:
                    raw = opened.read(MAX_BYTES + 1)
                take(raw)
                (self._folder / "cur").mkdir(exist_ok=True)
                file.rename(self._folder / "cur" / f"{file.name}:2,S")
            except OSError as error:
                log.warning("mail %s cannot be read: %s", file.name, error.strerror)

    def count(self) -> int:
        """See `Mailbox`."""
        return len(self._new())

    def _new(self) -> list[Path]:
        folder = self._folder / "new"
        return sorted(folder.glob("*")) if folder.is_dir() else []
