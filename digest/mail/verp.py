"""A return address of its own for each message, so that what comes back says which one it was (VERP).

bounces@example.org becomes bounces+TOKEN@example.org. The token is the delivery's number and 80 bits of an HMAC over it
(RFC 2104 allows cutting), in base32 without case, since mail servers fold the case of addresses: a report that anybody
could have written has no effect.
"""

import hmac
import re
from base64 import b32decode, b32encode
from binascii import Error as Base32Error
from functools import lru_cache

from digest.macs import mac_under

_ID_BYTES = 5
_MAC_BYTES = 10
_TOKEN = re.compile(r"\+([a-z2-7]{24})@", re.IGNORECASE)


@lru_cache(maxsize=1024)  # a delivery on its way is asked for it twice
def return_address(secret: bytes, bounces_to: str, delivery_id: int) -> str:
    """The sender address of one delivery's envelope."""
    local, _, domain = bounces_to.rpartition("@")
    number = delivery_id.to_bytes(_ID_BYTES, "big")
    token = b32encode(number + _mac(secret, number)).decode().lower()
    return f"{local}+{token}@{domain}"


def delivery_of(secret: bytes, address: str) -> int | None:
    """The delivery whose return address this is, None when it is not one of ours."""
    found = _TOKEN.search(address)
    if found is None:
        return None
    try:
        raw = b32decode(found[1].upper())
    except Base32Error:
        return None
    number, mac = raw[:_ID_BYTES], raw[_ID_BYTES:]
    return int.from_bytes(number, "big") if hmac.compare_digest(mac, _mac(secret, number)) else None


def _mac(secret: bytes, number: bytes) -> bytes:
    return mac_under(secret)(b"return address|" + number)[:_MAC_BYTES]
