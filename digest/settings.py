"""`config/digest.toml` and `.env` -> `Settings`. Every mistake is reported at once, with file, key and remedy.

The home is one folder: `config/` (what a person writes), `.env` (secrets only), `data/` (what the program writes).
"""

import difflib
import os
import tempfile
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, TypeVar, get_args

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError

from digest.errors import Mistake, SettingsError
from digest.house import environment_of
from digest.tables import DigestFile, Strict

Table = TypeVar("Table", bound=Strict)

ENVIRONMENT = {
    "DIGEST_SECRET": "signs links and Message-IDs; made by `digest init`",
    "DIGEST_OLD_SECRETS": "earlier values of DIGEST_SECRET, the newest first, with commas: links signed with them stay valid",
    "DIGEST_SMTP_PASSWORD": "password for [smtp] username",
    "DIGEST_IMAP_PASSWORD": "password for [mailbox] username",
    "DIGEST_OPERATOR_HASH": "opens the operator's pages; `digest operator password` makes the line",
    "DIGEST_METRICS_TOKEN": "whoever reads /metrics says it: Authorization: Bearer TOKEN; no /metrics without it",
    "DIGEST_DATABASE_URL": "another database, for instance postgresql+psycopg://user:password@host/digest",
}


class Settings(BaseModel):
    """Everything the program was told, checked: the file, the secrets, and where the home is."""

    model_config = ConfigDict(frozen=True)

    home: Path
    file: DigestFile
    secret: Annotated[SecretStr | None, Field(repr=False)] = None
    old_secrets: Annotated[tuple[SecretStr, ...], Field(repr=False)] = ()
    smtp_password: Annotated[SecretStr | None, Field(repr=False)] = None
    imap_password: Annotated[SecretStr | None, Field(repr=False)] = None
    operator_hash: Annotated[SecretStr | None, Field(repr=False)] = None
    metrics_token: Annotated[SecretStr | None, Field(repr=False)] = None
    database: Annotated[SecretStr, Field(repr=False)]  # may carry a password

    @property
    def secrets(self) -> list[str]:
        """Everything that must never be told."""
        known = [
            self.secret,
            *self.old_secrets,
            self.smtp_password,
            self.imap_password,
            self.operator_hash,
            self.metrics_token,
        ]
        return [secret.get_secret_value() for secret in known if secret is not None]

    @property
    def subscribers_folder(self) -> Path:
        """Where the profiles are, one file a person."""
        return self.home / "config" / "subscribers"

    def inside_home(self, path: Path) -> Path:
        """`path` as it is meant: relative paths are relative to the home, `~` is the person's own folder."""
        return _inside(self.home, path)


def load_settings(home: Path, environ: Mapping[str, str] = os.environ) -> Settings:
    """Read `home/config/digest.toml` (defaults when absent) and `home/.env`; the environment wins over `.env`.

    For one digest of several see `digest.house`.

    Raises `SettingsError` with every mistake found.
    """
    home = home.expanduser().resolve()
    where = home / "config" / "digest.toml"
    file, mistakes = read_table(where, DigestFile) if where.exists() else (DigestFile(), [])
    known = environment_of(home, environ)
    secrets = {name: value for name in ENVIRONMENT if (value := known.get(name))}
    if file is not None:
        mistakes += _cross_checks(file, secrets, where)
    if "?" in str(home) and "DIGEST_DATABASE_URL" not in secrets:
        # In a database's address it begins the options: the file would be made elsewhere.
        mistakes.append(
            Mistake(str(home), "", "the path of a home cannot hold a question mark; rename the folder")
        )
    if file is None or mistakes:
        raise SettingsError(mistakes)
    return Settings(
        home=home,
        file=_at_home(file, home),
        secret=_as_secret(secrets.get("DIGEST_SECRET")),
        old_secrets=_as_secrets(secrets.get("DIGEST_OLD_SECRETS", "")),
        smtp_password=_as_secret(secrets.get("DIGEST_SMTP_PASSWORD")),
        imap_password=_as_secret(secrets.get("DIGEST_IMAP_PASSWORD")),
        operator_hash=_as_secret(secrets.get("DIGEST_OPERATOR_HASH")),
        metrics_token=_as_secret(secrets.get("DIGEST_METRICS_TOKEN")),
        database=SecretStr(secrets.get("DIGEST_DATABASE_URL") or f"sqlite:///{home / 'data' / 'digest.db'}"),
    )


def changed_tables(old: Settings, new: Settings) -> tuple[str, ...]:
    """What differs, by the names of tables; ".env" for secrets."""
    tables = [name for name in DigestFile.model_fields if getattr(old.file, name) != getattr(new.file, name)]
    return (*tables, *([".env"] if old.secrets != new.secrets else ()))


def fixed_since_start(old: Settings, new: Settings) -> list[Mistake]:
    """What a program that is running cannot take over: the database, the secret of all links, who works, who stands in
    front of the pages.
    """
    toml, env = str(old.home / "config" / "digest.toml"), str(old.home / ".env")
    pairs = (
        (env, "DIGEST_SECRET", old.secret, new.secret),
        (env, "DIGEST_OLD_SECRETS", old.old_secrets, new.old_secrets),
        (env, "DIGEST_DATABASE_URL", old.database, new.database),
        (toml, "cluster.engine", old.file.cluster, new.file.cluster),
        (toml, "web.proxies", old.file.web.proxies, new.file.web.proxies),
    )
    remedy = "is only read at the start: stop this program and start it again"
    return [Mistake(where, key, remedy) for where, key, was, now in pairs if was != now]


def write_private(path: Path, text: str) -> None:
    """Make a file that only its owner can read, whole or not at all. Raises `FileExistsError` when it is there already."""
    handle, name = tempfile.mkstemp(
        dir=path.parent, prefix=f".{path.name}-"
    )  # with rights for its owner alone
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        Path(path).hardlink_to(name)  # the one step that gives it its name; it takes no place that is taken
    finally:
        Path(name).unlink()


def _inside(home: Path, path: Path) -> Path:
    return home / path.expanduser()


def _at_home(file: DigestFile, home: Path) -> DigestFile:
    """`file` with the authorities where they are meant: who connects knows of no home."""
    changed = {
        name: table.model_copy(update={"ca_file": _inside(home, table.ca_file)})
        for name, table in (("smtp", file.smtp), ("mailbox", file.mailbox))
        if table.ca_file is not None
    }
    return file.model_copy(update=changed)


def _as_secrets(value: str) -> tuple[SecretStr, ...]:
    return tuple(SecretStr(one.strip()) for one in value.split(",") if one.strip())


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
    if file.cluster.engine != "none" and not (secrets.get("DIGEST_DATABASE_URL") or "").startswith(
        "postgres"
    ):
        remedy = 'workers share a PostgreSQL: set DIGEST_DATABASE_URL in .env, or engine = "none"'
        mistakes.append(Mistake(str(where), "cluster.engine", remedy))
    if file.publish.sentences:
        from digest import encoder  # it takes long to import, and few ask for it

        if not encoder.is_installed():
            mistakes.append(Mistake(str(where), "publish.sentences", f"{encoder.REMEDY}; or take it out"))
    if file.mailbox.host and "DIGEST_IMAP_PASSWORD" not in secrets:
        mistakes.append(
            Mistake(str(where), "mailbox.host", "add DIGEST_IMAP_PASSWORD to .env, or remove host")
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
    elif details["type"] == "tuple_type":
        remedy = f'input should be a list: write it like ["one", "two"], got {str(details["input"])[:60]!r}'
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
