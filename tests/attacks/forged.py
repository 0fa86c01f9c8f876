"""Tokens that are not right: every bit turned, cut, lengthened, of another purpose, too old, revoked. One page answers all."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import get_args

from digest.store.feeds import revoke_feed
from digest.subscriptions import erase, revoke_links
from digest.tokens import Purpose, sign, sign_until
from tests.attacks.fortress import PAGES, READER, Fortress
from tests.web import who

METHODS = ("GET", "POST")
_HOUR = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Forged:
    """One wrong path, and what is wrong with it."""

    what: str
    path: str


def forgeries(built: Fortress, *, every: int = 1) -> Iterator[Forged]:
    """Wrong paths for every page a token opens; of the turned bits and cuts only each `every`-th."""
    foreign = dict(_of_other_purposes(built))
    for kind, pages in PAGES.items():
        token = built.token(kind)
        for page in pages:
            for bit in range(0, 8 * len(_raw(token)), every):
                yield Forged(f"{kind}: bit {bit}", page.format(_turned(token, bit)))
            for place in range(0, len(token), every):
                yield Forged(f"{kind}: cut at {place}", page.format(token[:place] + token[place + 1 :]))
            for other in ("x", token + "A", token + "=", token * 2, token.swapcase(), token[::-1]):
                yield Forged(f"{kind}: {other[:8]!r}", page.format(other))
            for purpose, others in foreign.items():
                for other in others if purpose != kind else ():
                    yield Forged(f"{kind}: a token to {purpose}", page.format(other))


def _of_other_purposes(built: Fortress) -> Iterator[tuple[str, list[str]]]:
    """Good tokens of every purpose there is: those of the links, and others signed for the same reader."""
    person, secrets, now = who(built.app, READER), built.app.office.secrets, built.clock()
    for purpose in get_args(Purpose):
        lasting = sign(secrets, purpose, person.id, version=person.links_version)
        passing = sign_until(secrets, purpose, person.id, now + _HOUR, version=person.links_version)
        yield purpose, [lasting, passing, *([built.token(purpose)] if purpose in PAGES else [])]


def revoked(built: Fortress) -> Iterator[Forged]:
    """The links that work until their reader stops all links, and closes the feed; afterwards they are yielded."""
    person = who(built.app, READER)
    with built.app.store.writing() as tx:
        revoke_links(tx, person, now=built.clock())
        revoke_feed(tx, person.id, now=built.clock())
    for kind in PAGES.keys() - {"confirm"}:  # of somebody else
        yield from (Forged(f"{kind}: revoked", page.format(built.token(kind))) for page in PAGES[kind])


def expired(built: Fortress) -> Iterator[Forged]:
    """The links that end by themselves, once they have."""
    built.clock.move(minutes=31)
    yield from (
        Forged("settings: too old", page.format(built.token("settings"))) for page in PAGES["settings"]
    )
    built.clock.move(days=7)
    for kind in ("confirm", "address", "stop"):
        yield Forged(f"{kind}: too old", built.links[kind])


def erased(built: Fortress) -> Iterator[Forged]:
    """The links of somebody who is gone."""
    with built.app.store.writing() as tx:
        erase(tx, who(built.app, READER))
    for kind in PAGES.keys() - {"confirm"}:
        yield from (Forged(f"{kind}: of nobody", page.format(built.token(kind))) for page in PAGES[kind])


def taken_for_good(built: Fortress, forged: Iterable[Forged]) -> Iterator[tuple[str, Forged]]:
    """Of these, with the method, whatever got another page than any bad link does."""
    wanted = answer_of(built, "/u/nothing")
    for one in forged:
        for method in METHODS:
            answer = answer_of(built, one.path, method)
            if answer != wanted and answer[0] != 405:  # not a word of the token was read
                yield method, one


def answer_of(built: Fortress, path: str, method: str = "GET") -> tuple[int, str]:
    """Status and body of looking, or of pressing the button that would do most."""
    pressed = {"act": "confirm", "List-Unsubscribe": "One-Click"} if method == "POST" else None
    built.elsewhere()
    answer = built.browser.request(method, path, data=pressed)
    return answer.status_code, answer.text


def _raw(token: str) -> bytes:
    return urlsafe_b64decode(token + "=" * (-len(token) % 4))


def _turned(token: str, bit: int) -> str:
    raw = bytearray(_raw(token))
    raw[bit // 8] ^= 1 << (bit % 8)
    return urlsafe_b64encode(bytes(raw)).rstrip(b"=").decode()
