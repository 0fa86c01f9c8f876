"""Tokens that are not right: every bit turned, cut, lengthened, of another purpose, too old, revoked. One page answers all."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterator
from dataclasses import dataclass

from digest.subscriptions import revoke_links
from tests.attacks.fortress import READER, Fortress, expired_settings
from tests.web import who


@dataclass(frozen=True, slots=True)
class Forged:
    """One wrong path, and what is wrong with it."""

    what: str
    path: str


def forgeries(built: Fortress, *, every: int = 1) -> Iterator[Forged]:
    """Wrong paths for every kind of link; of the turned bits only each `every`-th."""
    tokens = {kind: _token_of(path) for kind, path in built.links.items()}
    for kind, path in built.links.items():
        token = tokens[kind]
        for bit in range(0, 8 * len(_raw(token)), every):
            yield Forged(f"{kind}: bit {bit}", path.replace(token, _turned(token, bit)))
        for place in range(0, len(token), every):
            yield Forged(f"{kind}: cut at {place}", path.replace(token, token[:place] + token[place + 1 :]))
        for other in ("x", token + "A", token + "=", token * 2, token.swapcase(), token[::-1]):
            yield Forged(f"{kind}: {other[:8]!r}", path.replace(token, other))
        for purpose, foreign in tokens.items():
            if purpose != kind:
                yield Forged(f"{kind}: a token to {purpose}", path.replace(token, foreign))
    yield Forged("settings: too old", expired_settings(built))


def revoked(built: Fortress) -> Iterator[Forged]:
    """The links that work until their reader stops all links; afterwards they are yielded."""
    with built.app.store.writing() as tx:
        revoke_links(tx, who(built.app, READER), now=built.clock())
    for kind in ("unsubscribe", "preferences", "web", "feedback", "settings"):
        yield Forged(f"{kind}: revoked", built.links[kind])


def answer_of(built: Fortress, path: str, method: str = "GET") -> tuple[int, str]:
    """Status and body of looking, or of pressing the button that would do most."""
    pressed = {"act": "confirm", "List-Unsubscribe": "One-Click"} if method == "POST" else None
    built.elsewhere()
    answer = built.browser.request(method, path, data=pressed)
    return answer.status_code, answer.text


def refusal(built: Fortress) -> tuple[int, str]:
    """What any bad link gets."""
    return answer_of(built, "/u/nothing")


def _token_of(path: str) -> str:
    return path.split("/")[2].removesuffix(".atom").removesuffix(".json")


def _raw(token: str) -> bytes:
    return urlsafe_b64decode(token + "=" * (-len(token) % 4))


def _turned(token: str, bit: int) -> str:
    raw = bytearray(_raw(token))
    raw[bit // 8] ^= 1 << (bit % 8)
    return urlsafe_b64encode(bytes(raw)).rstrip(b"=").decode()
