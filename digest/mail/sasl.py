"""AUTH (RFC 4954): who we are, said only under TLS."""

from base64 import b64encode

from digest.mail.replies import Reply
from digest.mail.wire import Broken, Wire


def authenticate(
    wire: Wire, *, offered: str, wanted: str, username: str, password: str, seconds: float
) -> Reply:
    """Log in with the mechanism that is `wanted`, or for "auto" with the first of PLAIN and LOGIN the server offers.

    Returns the server's last word, which may be a refusal. Raises `Broken` when there is no common mechanism.
    """
    assert wire.is_encrypted  # the settings refuse a password without TLS; this makes sure of it
    mechanisms = offered.upper().split()
    chosen = (
        wanted.upper() if wanted != "auto" else next((m for m in ("PLAIN", "LOGIN") if m in mechanisms), None)
    )
    if chosen not in mechanisms:
        listed = ", ".join(mechanisms) or "none"
        raise Broken(f"it does not offer {chosen or 'PLAIN or LOGIN'} to log in ({listed}); see [smtp] auth")
    if chosen == "LOGIN":
        return _login(wire, username, password, seconds)
    if chosen == "XOAUTH2":
        reply = _ask(wire, b"AUTH XOAUTH2 " + _bearer(username, password), seconds)
        # A refusal comes as a challenge that says why; an empty answer makes it final.
        return _ask(wire, b"", seconds) if reply.code == 334 else reply
    # RFC 4616: nobody to act for, who, and the password.
    return _ask(wire, b"AUTH PLAIN " + b64encode(f"\0{username}\0{password}".encode()), seconds)


def _login(wire: Wire, username: str, password: str, seconds: float) -> Reply:
    reply = _ask(wire, b"AUTH LOGIN", seconds)
    for word in (username, password):
        if reply.code != 334:
            break
        reply = _ask(wire, b64encode(word.encode()), seconds)
    return reply


def _bearer(username: str, token: str) -> bytes:
    return b64encode(f"user={username}\1auth=Bearer {token}\1\1".encode())


def _ask(wire: Wire, line: bytes, seconds: float) -> Reply:
    wire.say(line + b"\r\n", seconds)
    return wire.hear(seconds)
