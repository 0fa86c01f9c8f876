"""Thousands of sign-ups in other people's names: how many mails do they get?"""

import random
from collections import Counter
from dataclasses import dataclass

from sqlalchemy import select

from digest.store.schema import deliveries
from digest.subscriptions import Wish, request
from tests.attacks.fortress import Fortress
from tests.builders import a_profile
from tests.web import hidden


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a day of it did."""

    tries: int
    mails: int
    most_for_one: int
    refused: int  # answers that said "too many"


def bomb(built: Fortress, tries: int, *, victims: int, networks: int, seed: int = 1) -> Outcome:
    """`tries` sign-ups within a day in the names of `victims`, from `networks`, through the form and past it."""
    dice = random.Random(seed)
    stamp = hidden(built.browser.get("/").text, "stamp")
    built.clock.move(seconds=30)
    refused = 0
    for number in range(tries):
        built.clock.move(seconds=60_000 / tries)
        if number % 200 == 0:
            stamp = hidden(built.browser.get("/").text, "stamp")
            built.clock.move(seconds=5)
        place = dice.randrange(victims)
        email = _spelled(dice, place)
        network = f"203.0.{dice.randrange(networks) % 250}.{dice.randrange(networks) // 250}"
        if dice.random() < 0.7:
            refused += _by_form(built, stamp, email, network)
        else:
            _past_the_form(built, email, network)
    with built.app.store.reading() as db:
        rows = db.execute(select(deliveries.c.rcpt_to).where(deliveries.c.kind == "confirm")).scalars()
        mails = Counter(_person(address) for address in rows if "victim" in address)
    return Outcome(tries, sum(mails.values()), max(mails.values(), default=0), refused)


def _by_form(built: Fortress, stamp: str, email: str, network: str) -> bool:
    built.browser._transport.client = (network, 1)  # type: ignore[attr-defined]
    fields = {"topics": "x", "every": "day", "at": "07:30", "zone": "UTC", "stamp": stamp, "email": email}
    answer = built.browser.post("/", data=fields | {"act": "subscribe"})
    assert answer.status_code in (303, 422, 429), answer.status_code
    return answer.status_code == 429


def _past_the_form(built: Fortress, email: str, network: str) -> None:
    """As any other door of the house would: the limits are in the house, not in the form."""
    with built.app.store.writing() as tx:
        request(tx, built.app.office, Wish(a_profile(email=email), network=network), now=built.clock())


def _spelled(dice: random.Random, place: int) -> str:
    """One address in the spellings that reach the same person."""
    name, domain = f"victim{place}", f"{'gmail' if place % 3 == 0 else f'host{place % 40}'}.example"
    if place % 3 == 0:
        domain = "gmail.com"
    tag = dice.choice(("", "", "+a", "+news", f"+{dice.randrange(999)}"))
    dotted = ".".join(name) if domain == "gmail.com" and dice.random() < 0.3 else name
    return dice.choice((f"{dotted}{tag}@{domain}", f"{dotted}{tag}@{domain}".upper()))


def _person(address: str) -> str:
    local, _, domain = address.lower().partition("@")
    local = local.partition("+")[0]
    return f"{local.replace('.', '') if domain == 'gmail.com' else local}@{domain}"
