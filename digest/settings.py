"""`config/digest.toml` and `.env` -> `Settings`. Every mistake is reported at once, with file, key and remedy.

The home is one folder: `config/` (what a person writes), `.env` (secrets only), `data/` (what the program writes).
"""

import difflib
import os
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, Self, TypeVar, get_args

from dotenv import dotenv_values
from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, model_validator

from digest.errors import Mistake, SettingsError
from digest.model import Weekday

Table = TypeVar("Table", bound="Strict")

ENVIRONMENT = {
    "DIGEST_SECRET": "signs links and Message-IDs; made by `digest init`",
    "DIGEST_SMTP_PASSWORD": "password for [smtp] username",
    "DIGEST_DATABASE_URL": "another database, for instance postgresql+psycopg://user:password@host/digest",
}


class Strict(BaseModel):
    """A table of a configuration file: unknown keys are mistakes, values are never changed afterwards."""

    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=True)


class SenderSettings(Strict):
    """Who the mail is from."""

    name: str = Field("Paper Digest", description="display name in From", max_length=80)
    address: str = Field("digest@localhost.localdomain", description="address in From; must be set for SMTP")
    reply_to: str | None = Field(None, description="where answers go; From when unset")
    postal_address: str | None = Field(None, description="shown in the footer, where the law asks for it")
    list_id: str | None = Field(None, description="stable List-ID, for instance papers.example.org")
    unsubscribe_mailto: str | None = Field(
        None, description="address that takes unsubscribe requests by mail"
    )


class SmtpSettings(Strict):
    """The next mail server. Never silently plaintext: the mode is stated, and a password needs TLS."""

    host: str = Field("localhost", description="name of the server; its certificate must carry it")
    port: int = Field(587, description="587 with starttls, 465 with tls, 25 with none", ge=1, le=65535)
    security: Literal["starttls", "tls", "none"] = Field("starttls", description="starttls | tls | none")
    username: str | None = Field(None, description="the password comes from DIGEST_SMTP_PASSWORD in .env")
    ca_file: Path | None = Field(None, description="certificate authority of a private server, as PEM")
    auth: Literal["auto", "plain", "login", "xoauth2"] = Field(
        "auto", description="auto | plain | login | xoauth2, where the password is the access token"
    )
    timeout: float = Field(
        60.0, description="seconds for connecting and for each answer, complete", gt=0, le=600
    )
    end_timeout: float = Field(
        600.0,
        description="seconds for the answer to a whole message; too few make doubtful ones",
        gt=0,
        le=3600,
    )

    @model_validator(mode="after")
    def _no_password_in_clear(self) -> Self:
        if self.security == "none" and self.username:
            raise ValueError(
                'a password would travel in clear: use security = "starttls" or "tls", or remove username'
            )
        return self


class DeliverySettings(Strict):
    """How mail leaves."""

    transport: Literal["files", "maildir", "smtp"] = Field(
        "files", description="files (.eml) | maildir | smtp"
    )
    folder: Path = Field(
        Path("data/outbox"), description="for files and maildir; inside the home unless absolute"
    )
    batch: int = Field(50, description="messages claimed at a time", ge=1, le=1000)
    lease_seconds: int = Field(
        300, description="after this a claim of a dead worker may be taken over", ge=30
    )
    give_up_after_hours: float = Field(20.0, description="a digest not sent by then is failed", gt=0)


class WebSettings(Strict):
    """The public address of the web pages, when there are any; links in mails need it."""

    url: str | None = Field(
        None, description="for instance https://papers.example.org", pattern=r"^https?://[^\s/]+"
    )


class PublishSettings(Strict):
    """What may enter a digest."""

    lookback_days: int = Field(
        7, description="papers picked up in the last days may enter a daily digest", ge=1, le=90
    )
    corpus_days: int = Field(90, description="papers the scorer learns its vocabulary from", ge=7, le=3650)
    corpus_papers: int = Field(20_000, description="at most so many of them, the newest", ge=100)


class ScheduleSettings(Strict):
    """How often `digest run` looks."""

    ingest_minutes: float = Field(30.0, description="between two looks at the sources", gt=0)
    publish_minutes: float = Field(1.0, description="between two looks at who is due", gt=0)
    deliver_minutes: float = Field(1.0, description="between two looks at the outbox", gt=0)


class SourceSettings(Strict):
    """A place that publishes pages: exactly one of `path` and `url`."""

    name: str = Field(description="short name, shown in status", min_length=1, max_length=60)
    path: Path | None = Field(None, description="folder or file; inside the home unless absolute")
    url: str | None = Field(
        None,
        description="http or https address; {date}, {page} and {start} are filled in",
        pattern=r"^https?://",
    )
    every_minutes: float | None = Field(
        None, description="its own pace, instead of [schedule] ingest_minutes", gt=0
    )
    days: tuple[Weekday, ...] = Field(
        (), description='weekdays on which it has pages, for instance ["mon", "tue"]; all when empty'
    )
    catch_up_days: int = Field(
        7, description="with {date}: days that are asked for after the machine was off", ge=1, le=60
    )
    page_size: int = Field(100, description="with {start}: how far apart two parts are", ge=1, le=2000)
    allow_private: bool = Field(False, description="allow an address inside your own network")

    @model_validator(mode="after")
    def _one_place(self) -> Self:
        if (self.path is None) == (self.url is None):
            raise ValueError("give exactly one of path (a folder or file) and url")
        return self


class DigestFile(Strict):
    """`config/digest.toml` as it is written."""

    sender: SenderSettings = SenderSettings()
    delivery: DeliverySettings = DeliverySettings()
    smtp: SmtpSettings = SmtpSettings()
    web: WebSettings = WebSettings()
    publish: PublishSettings = PublishSettings()
    schedule: ScheduleSettings = ScheduleSettings()
    source: tuple[SourceSettings, ...] = (SourceSettings(name="pages", path=Path("pages")),)


class Settings(BaseModel):
    """Everything the program was told, checked: the file, the secrets, and where the home is."""

    model_config = ConfigDict(frozen=True)

    home: Path
    file: DigestFile
    secret: Annotated[SecretStr | None, Field(repr=False)] = None
    smtp_password: Annotated[SecretStr | None, Field(repr=False)] = None
    database: Annotated[SecretStr, Field(repr=False)]  # may carry a password

    @property
    def subscribers_folder(self) -> Path:
        """Where the profiles are, one file a person."""
        return self.home / "config" / "subscribers"

    def inside_home(self, path: Path) -> Path:
        """`path` as it is meant: relative paths are relative to the home, `~` is the person's own folder."""
        return self.home / path.expanduser()


def load_settings(home: Path, environ: Mapping[str, str] = os.environ) -> Settings:
    """Read `home/config/digest.toml` (defaults when absent) and `home/.env`; the environment wins over `.env`.

    Raises `SettingsError` with every mistake found.
    """
    home = home.expanduser().resolve()
    where = home / "config" / "digest.toml"
    file, mistakes = read_table(where, DigestFile) if where.exists() else (DigestFile(), [])
    known = {**dotenv_values(home / ".env"), **environ} if (home / ".env").exists() else dict(environ)
    secrets = {name: value for name in ENVIRONMENT if (value := known.get(name))}
    if file is not None:
        mistakes += _cross_checks(file, secrets, where)
    if file is None or mistakes:
        raise SettingsError(mistakes)
    return Settings(
        home=home,
        file=file,
        secret=_as_secret(secrets.get("DIGEST_SECRET")),
        smtp_password=_as_secret(secrets.get("DIGEST_SMTP_PASSWORD")),
        database=SecretStr(secrets.get("DIGEST_DATABASE_URL") or f"sqlite:///{home / 'data' / 'digest.db'}"),
    )


def write_private(path: Path, text: str) -> None:
    """Make a file that only its owner can read. Raises `FileExistsError` when it is there already."""
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write(text)


def _as_secret(value: str | None) -> SecretStr | None:
    return SecretStr(value) if value else None


def _cross_checks(file: DigestFile, secrets: Mapping[str, str], where: Path) -> list[Mistake]:
    """What one table cannot know of another."""
    mistakes = []
    if file.delivery.transport == "smtp":
        if file.sender.address.endswith("localhost.localdomain"):
            mistakes.append(
                Mistake(str(where), "sender.address", "set the address your mail server lets you send from")
            )
        if file.smtp.username and "DIGEST_SMTP_PASSWORD" not in secrets:
            mistakes.append(
                Mistake(str(where), "smtp.username", "add DIGEST_SMTP_PASSWORD to .env, or remove username")
            )
    names = [source.name for source in file.source]
    mistakes += [
        Mistake(str(where), "source", f'two sources are called "{name}": give each its own name')
        for name in sorted({name for name in names if names.count(name) > 1})
    ]
    return mistakes


def read_table(where: Path, model: type[Table]) -> tuple[Table | None, list[Mistake]]:
    """A TOML file checked against `model`: the value, or None and every mistake in it."""
    try:
        raw = tomllib.loads(where.read_text(encoding="utf-8-sig"))
        return model.model_validate(raw), []
    except tomllib.TOMLDecodeError as error:
        return None, [Mistake(str(where), "", f"not valid TOML: {error}")]
    except UnicodeDecodeError as error:
        return None, [Mistake(str(where), "", f"not UTF-8 text (byte {error.start}): save it as UTF-8")]
    except OSError as error:
        return None, [Mistake(str(where), "", f"cannot be read: {error.strerror}")]
    except ValidationError as error:
        return None, [
            _as_mistake(str(where), model, dict(details)) for details in error.errors(include_url=False)
        ]


def _as_mistake(where: str, model: type[BaseModel], details: Mapping[str, Any]) -> Mistake:
    """A validation error in words a person acts on."""
    location = [str(part) for part in details["loc"]]
    remedy = str(details["msg"]).removeprefix("Value error, ")
    if details["type"] == "extra_forbidden":
        near = difflib.get_close_matches(location[-1], _known_keys(model, location[:-1]), n=1, cutoff=0.6)
        remedy = f"unknown key; did you mean {near[0]}?" if near else "unknown key; remove it"
    elif details["type"] == "missing":
        remedy = "is missing; add it"
    elif details["type"] not in ("value_error", "custom"):
        remedy = f"{remedy[:1].lower()}{remedy[1:]}, got {str(details['input'])[:60]!r}"
    key = "".join(f"[{int(part) + 1}]" if part.isdigit() else f".{part}" for part in location).lstrip(".")
    return Mistake(where, key, remedy)


def _known_keys(model: type[BaseModel], path: Sequence[str]) -> list[str]:
    """The keys a table at `path` may have."""
    for step in path:
        if step.isdigit() or step not in model.model_fields:
            continue
        found = [model.model_fields[step].annotation]
        while found and not (isinstance(found[0], type) and issubclass(found[0], BaseModel)):
            found = [*get_args(found[0]), *found[1:]] if get_args(found[0]) else found[1:]
        if not found:
            return []
        model = found[0]  # type: ignore[assignment]
    return [field.alias or name for name, field in model.model_fields.items()]
