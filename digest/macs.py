"""Message authentication codes for keys that are used many times."""

from collections.abc import Callable
from functools import lru_cache
from hashlib import sha256

_BLOCK = 64
_INNER, _OUTER = bytes(byte ^ 0x36 for byte in range(256)), bytes(byte ^ 0x5C for byte in range(256))


@lru_cache(maxsize=16)
def mac_under(key: bytes) -> Callable[[bytes], bytes]:
    """HMAC-SHA-256 (RFC 2104) under `key`: 32 bytes for any message.

    What depends on the key alone is hashed once, which leaves less than half the time of `hmac.digest`.
    """
    block = (sha256(key).digest() if len(key) > _BLOCK else key).ljust(_BLOCK, b"\0")
    inner, outer = sha256(block.translate(_INNER)), sha256(block.translate(_OUTER))

    def mac(message: bytes) -> bytes:
        first, last = inner.copy(), outer.copy()
        first.update(message)
        last.update(first.digest())
        return last.digest()

    return mac
