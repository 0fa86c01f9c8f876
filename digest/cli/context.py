"""What every command needs: the home, the moment it acts in, and errors as one line."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import typer

from digest.errors import DigestError, SettingsError


@dataclass(frozen=True, slots=True)
class Context:
    """The global options, resolved."""

    home: Path
    now: datetime  # the moment the command acts in
    started: float  # the machine's steady clock at that moment

    def clock(self) -> datetime:
        """`now`, moved on by the time the command has taken."""
        return self.now + timedelta(seconds=time.monotonic() - self.started)


def make_context(home: Path, now: str | None) -> Context:
    """Read the global options. Exits 2 when `now` is no instant."""
    return Context(home, parse_instant(now) if now else datetime.now(UTC), time.monotonic())  # noqa: TID251


def parse_instant(text: str) -> datetime:
    """An ISO 8601 instant; without an offset it is UTC. Raises a usage error."""
    try:
        instant = datetime.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter(
            f"{text!r} is not an instant; write it like 2026-03-02T07:30:00Z", param_hint="--now"
        ) from None
    return instant.replace(tzinfo=UTC) if instant.tzinfo is None else instant.astimezone(UTC)


@contextmanager
def exits_in_words() -> Iterator[None]:
    """Errors we raise on purpose become one line each and an exit code: 2 for configuration, 1 for the rest."""
    try:
        yield
    except SettingsError as error:
        for mistake in error.mistakes:
            complain(str(mistake))
        raise typer.Exit(2) from error
    except DigestError as error:
        complain(str(error))
        raise typer.Exit(1) from error


def complain(message: str) -> None:
    """One line on standard error."""
    typer.echo(f"digest: {message}", err=True)
