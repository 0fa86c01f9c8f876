"""Everything this package raises on purpose.

    DigestError
    ├── SettingsError        the configuration is wrong; lists every mistake (exit code 2)
    ├── SourceError          a page could not be fetched or read
    ├── TransportError       the next mail server said no, or said nothing
    │   ├── Temporary        try again later
    │   └── Permanent        trying again will not help
    ├── MailboxError         mail that arrived cannot be read at the moment
    ├── StoreError           the database cannot be opened, read or written
    └── TokenError           a signed link is altered, expired or meant for something else

A message is one or two sentences: what happened, where, and what to do about it.
"""

from dataclasses import dataclass


class DigestError(Exception):
    """Root of the tree: catch it at an edge, show its message, exit 1."""


@dataclass(frozen=True, slots=True)
class Mistake:
    """One thing wrong in a configuration file."""

    where: str  # file, as the person typed it
    key: str  # dotted path inside the file, "" for the file as a whole
    remedy: str  # what is wrong and what to write instead

    def __str__(self) -> str:
        return f"{self.where}: {self.key}: {self.remedy}" if self.key else f"{self.where}: {self.remedy}"


class SettingsError(DigestError):
    """The configuration is wrong. `mistakes` lists all of them, not just the first."""

    def __init__(self, mistakes: list[Mistake]) -> None:
        self.mistakes = mistakes
        super().__init__("\n".join(str(mistake) for mistake in mistakes))


class SourceError(DigestError):
    """A page could not be fetched or read; other sources go on.

    `state` is what `digest status` shows for the source: "unreachable", "broken" or "refused". `retry_after` is how many
    seconds the site asked us to stay away, within reason.
    """

    def __init__(self, message: str, *, state: str = "unreachable", retry_after: int | None = None) -> None:
        self.state = state
        self.retry_after = retry_after
        super().__init__(message)


class TransportError(DigestError):
    """The next mail server refused or could not be reached.

    `code` is the SMTP reply code (RFC 5321) where there was one, `status` the enhanced status (RFC 3463).
    `about_reader` is true when it is this recipient's business alone: a refusal for good then speaks of the address
    (5.1.x, 5.2.1), so that nobody is suppressed for a fault of ours. `about_sender` is true when the receiver could not
    make sure who we are (RFC 7372): no reader and no message is at fault, and mending it lets the same bytes pass.
    """

    def __init__(
        self,
        message: str,
        *,
        code: int | None = None,
        status: str | None = None,
        about_reader: bool = False,
        about_sender: bool = False,
    ) -> None:
        self.code = code
        self.status = status
        self.about_reader = about_reader
        self.about_sender = about_sender
        super().__init__(message)


class TemporaryTransportError(TransportError):
    """Try again later: 4xx, no connection, no answer."""

    def __init__(self, message: str, *, whole_server: bool = False, **about: object) -> None:
        # True when the server itself is the trouble, so that trying the next reader now would only burn attempts.
        self.whole_server = whole_server
        super().__init__(message, **about)  # type: ignore[arg-type]


class PermanentTransportError(TransportError):
    """Trying the same message again will not help: 5xx."""


class MailboxError(DigestError):
    """The mailbox for mail that comes back and for commands cannot be read; nothing in it was changed."""


class StoreError(DigestError):
    """The database cannot be opened, read or written; nothing was changed."""


class TokenError(DigestError):
    """A signed link is altered, expired, or meant for something else. One message for all three, on purpose."""
