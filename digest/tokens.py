"""Signed links: short, for one purpose, and no login.

A lasting token is base64url(number, 5 bytes; HMAC-SHA-256 cut to 16 bytes over purpose and number): 28 characters, so
that a List-Unsubscribe header stays short. A passing one carries the instant it ends at as well: 35 characters. Either
says who and what for, and nothing else; whoever holds it can do that one thing.

Secrets are a key or several: the first signs, all are good for verifying, so that a new key ends no link in old mails.
"""

import hmac
from base64 import urlsafe_b64decode
from binascii import Error as Base64Error
from binascii import b2a_base64
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import Literal

from digest.errors import TokenError
from digest.macs import mac_under

Purpose = Literal[
    "unsubscribe", "preferences", "feedback", "web", "feed", "confirm", "address", "stop", "settings", "form"
]
Secrets = bytes | Sequence[bytes]
VersionOf = Callable[[int], int]
_ID_BYTES = 5
_ENDS_BYTES = 5
_MAC_BYTES = 16  # 128 bits: RFC 2104 section 5 allows cutting to no less than half the hash
TOKEN_LENGTH = (_ID_BYTES + _MAC_BYTES) * 8 // 6  # characters of a lasting token
_IN_URLS = bytes.maketrans(b"+/", b"-_")
_BAD = "this link is not valid, or no longer"


def sign(secret: Secrets, purpose: Purpose, number: int, about: str = "", *, version: int = 0) -> str:
    """The token with which somebody may do this one thing, `about` one thing only where that is given.

    `number` is mostly the subscriber's. Another `version` makes all tokens of an earlier one worthless.
    """
    who = number.to_bytes(_ID_BYTES, "big")
    return _spell(who + _mac_of(_first(secret), purpose, version)(who + about.encode()))


def verify(
    secret: Secrets, purpose: Purpose, token: str, about: str = "", *, version_of: VersionOf = lambda _: 0
) -> int:
    """The number a token was signed for, `about` what it was signed about; `version_of` says which version counts.

    Raises `TokenError`, with one message for whatever is wrong.
    """
    raw = _read(token, _ID_BYTES)
    number = int.from_bytes(raw[:_ID_BYTES], "big")
    _check(secret, purpose, raw, _ID_BYTES, about, version_of(number))
    return number


def sign_until(secret: Secrets, purpose: Purpose, number: int, ends_at: datetime, *, version: int = 0) -> str:
    """A token that is worth nothing after `ends_at`."""
    said = number.to_bytes(_ID_BYTES, "big") + int(ends_at.timestamp()).to_bytes(_ENDS_BYTES, "big")
    return _spell(said + _mac_of(_first(secret), purpose, version)(said))


def verify_until(
    secret: Secrets, purpose: Purpose, token: str, *, now: datetime, version_of: VersionOf = lambda _: 0
) -> tuple[int, datetime]:
    """The number and the end of a passing token. Raises `TokenError`, also when it has ended."""
    raw = _read(token, _ID_BYTES + _ENDS_BYTES)
    number = int.from_bytes(raw[:_ID_BYTES], "big")
    ends = int.from_bytes(raw[_ID_BYTES : _ID_BYTES + _ENDS_BYTES], "big")
    _check(secret, purpose, raw, _ID_BYTES + _ENDS_BYTES, "", version_of(number))
    if ends < now.timestamp():
        raise TokenError(_BAD)
    return number, datetime.fromtimestamp(ends, UTC)


def _first(secret: Secrets) -> bytes:
    return secret if isinstance(secret, bytes) else secret[0]


def _spell(raw: bytes) -> str:
    return b2a_base64(raw, newline=False).translate(_IN_URLS).rstrip(b"=").decode()


def _read(token: str, said: int) -> bytes:
    try:
        raw = urlsafe_b64decode(token.encode("ascii") + b"=" * (-len(token) % 4))
    except (Base64Error, ValueError) as error:
        raise TokenError(_BAD) from error
    # The last character of base64 carries spare bits: a token is only itself when it is spelled as `sign` spells it.
    if len(raw) != said + _MAC_BYTES or _spell(raw) != token:
        raise TokenError(_BAD)
    return raw


def _check(secret: Secrets, purpose: Purpose, raw: bytes, said: int, about: str, version: int) -> None:
    keys = [secret] if isinstance(secret, bytes) else secret
    given, what = raw[said:], raw[:said] + about.encode()
    macs = [_mac_of(key, purpose, version)(what) for key in keys]
    if not any(hmac.compare_digest(given, mac) for mac in macs):
        raise TokenError(_BAD)


@lru_cache(maxsize=256)
def _mac_of(secret: bytes, purpose: Purpose, version: int) -> Callable[[bytes], bytes]:
    """Of what tokens of a purpose say, and what they are about."""
    # What they say has a fixed length, so that it and what follows cannot be read in two ways.
    again = b"|%d" % version if version else b""
    head, mac = b"token%b|%b|" % (again, purpose.encode()), mac_under(secret)
    return lambda what: mac(head + what)[:_MAC_BYTES]
