"""What every command needs: the home, the moment it acts in, and errors as one line."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import typer

from digest.errors import DigestError, SettingsError
from digest.house import check_home, home_of


@dataclass(frozen=True, slots=True)
class Context:
    """The global options, resolved."""

    house: Path
    tenant: str | None
    now: datetime  # the moment the command acts in
    started: float  # the machine's steady clock at that moment
    is_chosen: bool = False  # a person said which moment it is

    def wall_clock(self) -> datetime:
        """For programs that run on: the machine's clock, which knows of a sleep, unless a person chose the moment."""
        return self.clock() if self.is_chosen else datetime.now(UTC)  # noqa: TID251

    @property
    def home(self) -> Path:
        """The home the command is about.

        Raises `SettingsError` when there is none, or when the house has several and none was named.
        """
        return check_home(home_of(self.house, self.tenant))

    def clock(self) -> datetime:
        """`now`, moved on by the time the command has taken."""
        return self.now + timedelta(seconds=time.monotonic() - self.started)


def make_context(house: Path, tenant: str | None, now: str | None) -> Context:
    """Read the global options. Exits 2 when `now` is no instant."""
    moment = parse_instant(now) if now else datetime.now(UTC)  # noqa: TID251
    return Context(house, tenant, moment, time.monotonic(), is_chosen=now is not None)


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
