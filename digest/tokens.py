"""Signed links: short, for one purpose, and no login.

A token is base64url(subscriber id, 5 bytes; HMAC-SHA-256 cut to 16 bytes over purpose and id): 28 characters, so that
a List-Unsubscribe header stays short. It says who and what for, and nothing else; whoever holds it can do that one thing.
"""

import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as Base64Error
from typing import Literal

from digest.errors import TokenError

Purpose = Literal["unsubscribe", "preferences", "feedback", "web"]
_ID_BYTES = 5
_MAC_BYTES = 16  # 128 bits: RFC 2104 section 5 allows cutting to no less than half the hash
_BAD = "this link is not valid, or no longer"


def sign(secret: bytes, purpose: Purpose, subscriber_id: int, about: str = "") -> str:
    """The token with which this subscriber may do this one thing, `about` one thing only where that is given."""
    who = subscriber_id.to_bytes(_ID_BYTES, "big")
    return urlsafe_b64encode(who + _mac(secret, purpose, who, about)).rstrip(b"=").decode()


def verify(secret: bytes, purpose: Purpose, token: str, about: str = "") -> int:
    """The subscriber a token speaks for, `about` what it was signed for. Raises `TokenError`, with one message for whatever is wrong with it."""
    try:
        raw = urlsafe_b64decode(token.encode("ascii") + b"=" * (-len(token) % 4))
    except (Base64Error, ValueError) as error:
        raise TokenError(_BAD) from error
    who, mac = raw[:_ID_BYTES], raw[_ID_BYTES:]
    # The last character of base64 carries spare bits: a token is only itself when it is spelled as `sign` spells it.
    same_spelling = urlsafe_b64encode(raw).rstrip(b"=").decode() == token
    if (
        len(who) != _ID_BYTES
        or not hmac.compare_digest(mac, _mac(secret, purpose, who, about))
        or not same_spelling
    ):
        raise TokenError(_BAD)
    return int.from_bytes(who, "big")


def _mac(secret: bytes, purpose: Purpose, who: bytes, about: str) -> bytes:
    # `who` has a fixed length, so that it and what follows cannot be read in two ways.
    what = b"token|" + purpose.encode() + b"|" + who + about.encode()
    return hmac.digest(secret, what, "sha256")[:_MAC_BYTES]
