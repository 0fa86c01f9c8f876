"""The operator's password: hashed with Argon2id (RFC 9106), and written so that every reader of .env takes it as it is.

The usual form of such a hash is full of dollar signs, which shells and Compose files replace. Ours has colons instead.
"""

from argon2 import PasswordHasher, extract_parameters
from argon2.exceptions import InvalidHashError, VerificationError

from digest.errors import Mistake, SettingsError

SHORTEST = 12
_LONGEST = 1000
_hasher = PasswordHasher()


def make_hash(password: str) -> str:
    """What belongs behind DIGEST_OPERATOR_HASH=. Raises `SettingsError` for a password that can be guessed."""
    if not SHORTEST <= len(password) <= _LONGEST or len(set(password)) < 5:
        remedy = (
            f"take at least {SHORTEST} characters, not the same few again and again: four unrelated words do"
        )
        raise SettingsError([Mistake("password", "", remedy)])
    return _hasher.hash(password).replace("$", ":")


def check_hash(stored: str) -> None:
    """Raises `SettingsError` when this is no hash, so that it is told at the start and not at the first login."""
    try:
        extract_parameters(_usual(stored))
    except InvalidHashError as error:
        remedy = "is no password hash; make the line with `digest operator password`"
        raise SettingsError([Mistake(".env", "DIGEST_OPERATOR_HASH", remedy)]) from error


def matches(stored: str, password: str) -> bool:
    """Whether this is the password. Takes as long for a wrong one."""
    try:
        return _hasher.verify(_usual(stored), password[:_LONGEST])
    except (InvalidHashError, VerificationError):
        return False


def _usual(stored: str) -> str:
    """The hash in its usual form, in whichever of the two it is written."""
    text = stored.strip().strip("'\"")
    return text if text.startswith("$") else text.replace(":", "$")
