"""One installation, one digest or several: a house is a home, or a folder with `tenants/NAME/`, each a home of its own.

Tenants share the program, its processes and what the house's own `.env` says (a mail password, a database server), and
nothing else: each has its settings, sources, theme, people, ledger and secret. On PostgreSQL each has a schema, on
SQLite a file.

A folder that happens to be called `tenants` makes no house, lest a home in it takes the secrets and the database of
whatever lies around it: the house says so by its `.env`, or by the mark that `digest tenants add` leaves.
"""

import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from dotenv import dotenv_values

from digest.errors import Mistake, SettingsError

_FOLDER = "tenants"
_MARK = ".house"  # an empty file in it
_ANY_OF = ("config", "data", "pages", ".env")  # what every home has at least one of
_NAME = re.compile(r"[a-z][a-z0-9_-]{0,30}")


@dataclass(frozen=True, slots=True)
class Tenant:
    """One digest of a house: its name, empty when it is the only one, and its home."""

    name: str
    home: Path


def tenants_of(house: Path) -> list[Tenant]:
    """The digests of a house by name; a home by itself when it has no tenants.

    Raises `SettingsError` for a folder that cannot be a tenant's name, and for one with homes in `tenants/` that is
    neither a home nor says that it is their house.
    """
    folder = house.expanduser() / _FOLDER
    homes = sorted(path for path in folder.glob("*") if path.is_dir() and not path.name.startswith("."))
    if not homes or (not _is_house(folder.parent) and (folder.parent / "config").exists()):
        return [Tenant("", house)]
    if not _is_house(folder.parent):
        remedy = f"if this is one house with several digests, say so by an empty file {folder / _MARK}; else name one with --home"
        raise SettingsError([Mistake(str(house), "", remedy)])
    return [Tenant(check_name(home.name, str(home)), home) for home in homes]


def home_of(house: Path, tenant: str | None) -> Path:
    """The home that a command is about.

    Raises `SettingsError` when a house of several is asked for without saying which, or for one it has not.
    """
    known = {one.name: one.home for one in tenants_of(house)}
    if tenant is None and "" in known:
        return house
    if tenant is not None and tenant in known:
        return known[tenant]
    names = ", ".join(filter(None, known)) or "none yet"
    remedy = f"there are several digests here: say which with --tenant NAME, of {names}"
    if tenant is not None:
        remedy = (
            f'no digest is called "{tenant}" here; there are: {names}. `digest tenants add NAME` makes one'
        )
    raise SettingsError([Mistake(str(house), "", remedy)])


def check_home(home: Path) -> Path:
    """`home`, when there is one: a command in the wrong folder must not make an empty digest there.

    Raises `SettingsError`.
    """
    if any((home / name).exists() for name in _ANY_OF):
        return home
    remedy = "this is no home, it has no config/: name it with --home DIR, or make one with `digest --home DIR init`"
    raise SettingsError([Mistake(str(home), "", remedy)])


def new_home(house: Path, name: str) -> Path:
    """Where a new tenant's home belongs. Raises `SettingsError` for a name that cannot be one."""
    return house / _FOLDER / check_name(name, name)


def mark_house(house: Path) -> None:
    """Say that what is in its `tenants/` are tenants. Raises `OSError`."""
    (house / _FOLDER / _MARK).touch()


def _is_house(folder: Path) -> bool:
    return (folder / _FOLDER / _MARK).exists() or any(name.startswith("DIGEST_") for name in _env_of(folder))


def check_name(name: str, where: str) -> str:
    """`name`, when it can be a tenant's: it becomes a folder and a schema. Raises `SettingsError`."""
    if not _NAME.fullmatch(name):
        remedy = "a name is a letter and then at most 30 letters, digits, - and _, all in lower case"
        raise SettingsError([Mistake(where, "", remedy)])
    return name


def environment_of(home: Path, environ: Mapping[str, str]) -> dict[str, str | None]:
    """What a home is told beside its files: its `.env`, under the environment.

    A tenant takes what its own `.env` does not say from the environment and the house's `.env`; a secret that it shares
    so is made its own, and a database server gives it a schema.
    """
    own = _env_of(home)
    if home.parent.name != _FOLDER or not _is_house(home.parent.parent):
        return {**own, **environ}
    shared = {**_env_of(home.parent.parent), **environ}
    if secret := shared.get("DIGEST_SECRET"):
        shared["DIGEST_SECRET"] = hmac.new(
            secret.encode(), f"tenant|{home.name}".encode(), "sha256"
        ).hexdigest()
    shared["DIGEST_DATABASE_URL"] = _with_schema(shared.get("DIGEST_DATABASE_URL"), home.name)
    return {**shared, **own}


def _env_of(home: Path) -> dict[str, str | None]:
    return dotenv_values(home / ".env") if (home / ".env").exists() else {}


def _with_schema(url: str | None, name: str) -> str | None:
    """The shared server, with this tenant's schema; None for a file, which cannot be shared."""
    if not url or not url.startswith("postgresql"):
        return None
    from sqlalchemy import make_url  # takes half a second to load, and `digest --help` does not need it

    options = f"-csearch_path=tenant_{name.replace('-', '_')}"
    return make_url(url).update_query_dict({"options": options}).render_as_string(hide_password=False)
