"""Whom TLS trusts, and a certificate that is not to be trusted, in words that say who has to do what."""

import ssl
from pathlib import Path

# What OpenSSL says, by its number (x509_vfy.h).
_EXPIRED, _NOT_YET, _ITSELF, _ITSELF_IN_CHAIN, _ISSUER, _FIRST, _NAME, _ADDRESS = (
    10,
    9,
    18,
    19,
    20,
    21,
    62,
    64,
)


class NoAuthority(Exception):  # noqa: N818  # becomes the caller's own kind of trouble
    """The file of a private authority cannot be used; the message says why, in words."""


def tls_context(ca_file: Path | None, table: str) -> ssl.SSLContext:
    """TLS 1.2 and newer, with certificates and names checked against the system's authorities, or this file's.

    Raises `NoAuthority`; `table` of the settings names the file.
    """
    try:
        context = ssl.create_default_context(cafile=str(ca_file) if ca_file else None)
    except OSError as error:
        why = "it holds no certificate as PEM" if isinstance(error, ssl.SSLError) else error.strerror
        raise NoAuthority(f"{ca_file} cannot be used: {why}; correct [{table}] ca_file") from error
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


def distrust(where: str, error: ssl.SSLCertVerificationError, table: str) -> str:
    """Why the certificate of `where`, configured in this table of the settings, is refused, and the remedy."""
    said = f"the certificate of {where} is not to be trusted: {error.verify_message}"
    if error.verify_code == _EXPIRED:
        return f"{said}; whoever runs that server has to renew it, and nothing is said to it until then"
    if error.verify_code == _NOT_YET:
        return f"{said}; is the clock of this machine right?"
    if error.verify_code in (_NAME, _ADDRESS):
        return f"{said}; write the name that the certificate carries as [{table}] host"
    if error.verify_code in (_ITSELF, _ITSELF_IN_CHAIN, _ISSUER, _FIRST):
        return f"{said}; if the server is your own, name the file of its authority as [{table}] ca_file"
    return f"{said}; mend it, correct [{table}] host, or set [{table}] ca_file"
