"""DKIM signatures (RFC 6376, RFC 8463), for senders whose next server does not sign.

Canonicalisation is relaxed for headers and simple for the body: our bytes leave as they are written, and hashing them
needs no second look. From, To, Subject and Date are signed once more than they occur, so that nobody can add another.
"""

import hashlib
import re
from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

from digest.errors import Mistake, SettingsError

_SIGNED = (
    b"from", b"to", b"subject", b"date", b"reply-to", b"in-reply-to", b"references", b"message-id", b"list-unsubscribe",
    b"list-unsubscribe-post", b"list-id", b"feedback-id", b"precedence", b"auto-submitted", b"mime-version", b"content-type",
)  # fmt: skip
_OVERSIGNED = (b"from", b"to", b"subject", b"date")
_SMALLEST_RSA = 2048
_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?")
_BASE64_WIDTH = 72
_PADDING, _HASH = PKCS1v15(), SHA256()


@dataclass(frozen=True)
class Key:
    """A private key, and where its public half is published: `<selector>._domainkey.<domain>`."""

    selector: str
    domain: str
    private: RSAPrivateKey | Ed25519PrivateKey

    @property
    def algorithm(self) -> str:
        """As the tag a= names it."""
        return "rsa-sha256" if isinstance(self.private, RSAPrivateKey) else "ed25519-sha256"

    def sign(self, what: bytes) -> bytes:
        """The signature of `what`. Ed25519 signs the hash (RFC 8463, 3)."""
        if isinstance(self.private, RSAPrivateKey):
            return self.private.sign(what, _PADDING, _HASH)
        return self.private.sign(hashlib.sha256(what).digest())

    @property
    def record(self) -> str:
        """What the TXT record at `<selector>._domainkey.<domain>` must say."""
        public = self.private.public_key()
        if isinstance(self.private, RSAPrivateKey):
            der = public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
            return f"v=DKIM1; k=rsa; p={b64encode(der).decode()}"
        raw = public.public_bytes(Encoding.Raw, PublicFormat.Raw)
        return f"v=DKIM1; k=ed25519; p={b64encode(raw).decode()}"


def read_key(pem: bytes, *, selector: str, domain: str, where: str) -> Key:
    """The key in `pem`, unencrypted. Raises `SettingsError`, naming `where` it came from, when it cannot sign mail."""
    try:
        private = load_pem_private_key(pem, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise SettingsError(
            [Mistake(where, "", f"is not an unencrypted private key in PEM: {error}")]
        ) from error
    if not isinstance(private, RSAPrivateKey | Ed25519PrivateKey):
        raise SettingsError(
            [Mistake(where, "", "is neither an RSA nor an Ed25519 key; DKIM knows no others")]
        )
    if isinstance(private, RSAPrivateKey) and private.key_size < _SMALLEST_RSA:
        short = f"has {private.key_size} bits; mailboxes distrust less than {_SMALLEST_RSA}"
        raise SettingsError([Mistake(where, "", short)])
    for name in (selector, domain):
        if not _NAME.fullmatch(name):
            raise SettingsError([Mistake(where, "", f'"{name}" is not a DNS name; write it in ASCII')])
    return Key(selector, domain, private)


class Signer:
    """Signs messages with one key, or with an RSA and an Ed25519 key: a mailbox takes the one it knows."""

    def __init__(self, keys: Sequence[Key]) -> None:
        self._keys = tuple(keys)

    def __call__(self, headers: Sequence[bytes], body: bytes) -> bytes:
        """The DKIM-Signature fields of a message, to stand before `headers`. The same message gives the same bytes."""
        fields = dict(map(_relaxed, headers))
        names = tuple([name for name in _SIGNED if name in fields])
        signed = b"".join([fields[name] for name in names])
        body_hash = b64encode(hashlib.sha256(_simple(body)).digest())
        return b"".join([_signature(key, names, signed, body_hash) for key in self._keys])


def _signature(key: Key, names: tuple[bytes, ...], signed: bytes, body_hash: bytes) -> bytes:
    shown, relaxed = _field(key, names)
    # The field signs itself too, with b= empty and without its line end (RFC 6376, 3.7).
    signature = b64encode(key.sign(signed + relaxed % body_hash))
    lines = [signature[at : at + _BASE64_WIDTH] for at in range(0, len(signature), _BASE64_WIDTH)]
    return shown % body_hash + b"\r\n ".join(lines) + b"\r\n"


@lru_cache(maxsize=64)
def _field(key: Key, names: tuple[bytes, ...]) -> tuple[bytes, bytes]:
    """The field of a signature with places for the hash of a body: as it is shown, and as it is signed."""
    # A name more in h= than there are such headers stands for "and no further one" (RFC 6376, 5.4.2).
    listed = [name.decode() for name in (*names, *_OVERSIGNED)]
    field = (
        f"DKIM-Signature: v=1; a={key.algorithm}; c=relaxed/simple; d={key.domain};\r\n"
        f" s={key.selector}; h={_folded_names(listed)};\r\n bh=%s;\r\n b="
    ).encode()
    return field, _relaxed(field)[1][:-2]


def _folded_names(names: Sequence[str]) -> str:
    lines, line = [], ""
    for name in names:
        if len(line) + len(name) > _BASE64_WIDTH - 6:
            lines.append(line)
            line = ""
        line += f"{name}:"
    return "\r\n  ".join([*lines, line.rstrip(":")])


@lru_cache(maxsize=4096)
def _relaxed(header: bytes) -> tuple[bytes, bytes]:
    """A header's name, and the header by RFC 6376, 3.4.2: name in lower case, unfolded, single spaces, none at the ends."""
    name, _, value = header.partition(b":")
    name = name.lower().strip()
    # Our headers hold no white space but spaces and line ends.
    return name, name + b":" + b" ".join(value.split()) + b"\r\n"


def _simple(body: bytes) -> bytes:
    """RFC 6376, 3.4.3: exactly one line end at the end."""
    return (
        body if body.endswith(b"\r\n") and not body.endswith(b"\r\n\r\n") else body.rstrip(b"\r\n") + b"\r\n"
    )
