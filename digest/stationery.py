"""What a home's mails are written with: theme, logo, keys, and the secret of links and Message-IDs."""

import secrets
from contextlib import suppress
from pathlib import Path

from digest.errors import Mistake, SettingsError, StoreError
from digest.letters import Letters
from digest.mail.dkim import Key, Signer, read_key
from digest.mail.logo import read_logo
from digest.mail.render import Renderer
from digest.mail.themes import Theme, build_theme
from digest.settings import Settings, write_private


def make_letters(settings: Settings, secret: bytes) -> Letters:
    """The writer of this home's mails. Raises `SettingsError` for a theme, a logo or a key that cannot be used."""
    sender, web_url = settings.file.sender, settings.file.web.url
    renderer = Renderer(theme=make_theme(settings))
    mailbox = settings.file.mailbox.address
    return Letters(renderer, sender, secret=secret, web_url=web_url, mailbox=mailbox, sign=_signer(settings))


def make_theme(settings: Settings) -> Theme:
    """How this home's mails look. Raises `SettingsError` for a theme or a logo that cannot be used."""
    look, where = settings.file.look, str(settings.home / "config" / "digest.toml")
    logo_file = settings.inside_home(look.logo) if look.logo else None
    logo = read_logo(_read(logo_file, "look.logo"), where=str(logo_file)) if logo_file else None
    return build_theme(look.theme, light=look.light, dark=look.dark, logo=logo, where=where)


def _signer(settings: Settings) -> Signer | None:
    keys = dkim_keys(settings)
    return Signer(keys) if keys else None


def dkim_keys(settings: Settings) -> list[Key]:
    """The keys mails are signed with, none when the mail server signs. Raises `SettingsError`."""
    wanted = settings.file.dkim
    if wanted.domain is None:
        return []
    pairs = [(wanted.key_file, wanted.selector)]
    if wanted.ed25519_key_file:
        pairs.append((wanted.ed25519_key_file, wanted.ed25519_selector))
    keys = []
    for path, selector in pairs:
        file = settings.inside_home(path)
        keys.append(read_key(_read(file, "dkim"), selector=selector, domain=wanted.domain, where=str(file)))
    return keys


def _read(file: Path, key: str) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise SettingsError([Mistake(str(file), key, f"cannot be read: {error.strerror}")]) from error


def read_secret(settings: Settings) -> bytes:
    """The key of links and Message-IDs: DIGEST_SECRET, else `data/secret.key`, which is made when it is missing.

    Raises `SettingsError` when the file is there and empty, `StoreError` when it cannot be made.
    """
    if settings.secret is not None:
        return settings.secret.get_secret_value().encode()
    file = settings.home / "data" / "secret.key"
    try:
        with suppress(FileExistsError):
            file.parent.mkdir(parents=True, exist_ok=True)
            write_private(file, secrets.token_urlsafe(32))
        secret = file.read_text(encoding="ascii").strip()
    except OSError as error:
        raise StoreError(
            f"cannot make {file}: {error.strerror}; choose another home or mend its rights"
        ) from error
    if len(secret) < 16:
        raise SettingsError(
            [Mistake(str(file), "", "is empty or cut; restore it from a backup, or set DIGEST_SECRET")]
        )
    return secret.encode()
