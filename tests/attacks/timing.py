"""Does the time of an answer tell whether an address is known? Pairs of known and unknown, in random order."""

import random
import statistics
import time
from dataclasses import dataclass

from digest.store.people import FileProfile, put_file_profile
from tests.attacks.fortress import Fortress
from tests.builders import a_profile
from tests.web import hidden


@dataclass(frozen=True, slots=True)
class Timing:
    """How the two compare."""

    pairs: int
    known_faster: float  # share of pairs; 0.5 tells nothing
    known_ms: float  # median
    unknown_ms: float


def compare(built: Fortress, pairs: int, *, form: str = "/", seed: int = 1) -> Timing:
    """Time `pairs` answers of the sign-up form, or of another that takes an address."""
    dice = random.Random(seed)
    _know(built, pairs)
    known, unknown, faster = [], [], 0.0
    for number in range(pairs):
        times = {}
        kinds = ["known", "unknown"]
        dice.shuffle(kinds)
        for kind in kinds:
            built.clock.move(seconds=700)
            times[kind] = _time(
                built, form, f"{kind}{number}@host{number}.example", 2 * number + (kind == "known")
            )
        known.append(times["known"])
        unknown.append(times["unknown"])
        faster += 1 if times["known"] < times["unknown"] else 0.5 if times["known"] == times["unknown"] else 0
    medians = (1000 * statistics.median(known), 1000 * statistics.median(unknown))
    return Timing(pairs, faster / pairs, *medians)


def _know(built: Fortress, count: int) -> None:
    now = built.clock()
    with built.app.store.writing() as tx:
        for number in range(count):
            profile = a_profile(email=f"known{number}@host{number}.example")
            said = FileProfile(
                profile, f"{number}.toml", built.app.store.address_hash(profile.email), now, now
            )
            put_file_profile(tx, said, now=now)


def _time(built: Fortress, form: str, email: str, network: int) -> float:
    browser = built.browser
    browser._transport.client = (f"10.{network // 250 % 250}.{network % 250}.1", 1)  # type: ignore[attr-defined]
    fields = {"email": email}
    if form == "/":
        fields |= {"stamp": hidden(browser.get("/").text, "stamp"), "act": "subscribe", "topics": "x"}
        fields |= {"every": "day", "at": "07:30", "zone": "UTC"}
        built.clock.move(seconds=5)
    started = time.perf_counter()
    answer = browser.post(form, data=fields)
    took = time.perf_counter() - started
    assert answer.status_code in (200, 303), (answer.status_code, email)
    return took
