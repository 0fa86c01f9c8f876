"""Random misbehaviour of a mail server, one message each: what the transport says must be what happened.

For every script the verdict is known beforehand: a message counts as accepted only when the server took it, as doubtful
only after its end was sent, as refused for good only after a 5xx, and nothing takes longer than its deadlines.
"""

import random
import threading
import time
from collections import Counter
from dataclasses import dataclass, field

from digest.errors import PermanentTransportError, TemporaryTransportError
from digest.mail.smtp import SmtpTransport
from digest.mail.transport import InDoubt, Unreachable
from digest.model import Envelope
from digest.tables import SmtpSettings
from tests.smtp_script import MISDEEDS, STAGES, Script, smtp_script

SECONDS = 0.25
LONGEST = 3.0  # for one message, on a machine that is busy
_ENVELOPE = Envelope("digest@example.org", "reader@example.org")


@dataclass
class Verdicts:
    """How the scripts went."""

    scripts: int = 0
    wrong: int = 0
    slowest: float = 0.0
    kinds: Counter[str] = field(default_factory=Counter)
    examples: list[str] = field(default_factory=list)


def run(scripts: int, *, seed: int, threads: int = 8) -> Verdicts:
    """So many random scripts, several at a time, since most of them wait."""
    verdicts, guard = Verdicts(), threading.Lock()
    chances = [random.Random(seed * 1000 + number) for number in range(threads)]

    def work(chance: random.Random, share: int) -> None:
        for _ in range(share):
            one(chance, verdicts, guard)

    shares = [scripts // threads + (number < scripts % threads) for number in range(threads)]
    workers = [threading.Thread(target=work, args=pair) for pair in zip(chances, shares, strict=True)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    return verdicts


def one(chance: random.Random, verdicts: Verdicts, guard: threading.Lock) -> None:
    """One script, one message."""
    script = a_script(chance)
    raw = b"Subject: x\r\n\r\n" + bytes(chance.choices(b".\r\n abc", k=chance.randint(0, 300))) + b"\r\n"
    raw = raw.replace(b"\r\n", b"\n").replace(b"\r", b"").replace(b"\n", b"\r\n")
    began = time.monotonic()
    with smtp_script(script) as port:
        settings = SmtpSettings(
            host="127.0.0.1", port=port, security="none", timeout=SECONDS, end_timeout=SECONDS
        )
        kind = send(settings, raw)
    spent = time.monotonic() - began
    right = is_right(kind, script, raw) and spent < LONGEST
    with guard:
        verdicts.scripts += 1
        verdicts.kinds[kind] += 1
        verdicts.slowest = max(verdicts.slowest, spent)
        if not right:
            verdicts.wrong += 1
            verdicts.examples.append(f"{script.at} {script.act} x{script.times}: {kind} after {spent:.1f} s")


def a_script(chance: random.Random) -> Script:
    """Something goes wrong somewhere, most of the time."""
    reply = f"{chance.randint(400, 599)} {chance.choice(['', '4.7.1 ', '5.1.1 ', '5.7.1 ', '9.9.9 '])}{'no ' * chance.randint(0, 900)}"
    act = reply if chance.random() < 0.7 else chance.choice(MISDEEDS)
    extensions = chance.choice([(), ("PIPELINING",), ("PIPELINING", "SIZE 100000", "8BITMIME")])
    return Script(chance.choice(STAGES), act, chance.choice([0, 1, 1, 10**9]), extensions)


def send(settings: SmtpSettings, raw: bytes) -> str:
    """What the transport says of one message."""
    with SmtpTransport(settings) as transport:
        try:
            transport.send(_ENVELOPE, raw, lambda: True)
        except InDoubt:
            return "doubtful"
        except Unreachable:
            return "unreachable"
        except TemporaryTransportError:
            return "temporary"
        except PermanentTransportError:
            return "permanent"
        except Exception as error:
            return f"escaped: {type(error).__name__}: {error}"
    return "accepted"


def is_right(kind: str, script: Script, raw: bytes) -> bool:
    """Whether what was said agrees with what the server did."""
    expected = {"accepted": 1, "doubtful": len(script.taken)}.get(kind, 0)
    whole = all(content == raw for _, content in script.taken)
    refused_for_good = script.act[:1] == "5" and script.at in ("MAIL", "RCPT", "DATA", "DOT")
    if kind == "permanent" and not refused_for_good:
        return False
    if kind == "doubtful" and script.at != "DOT":
        return False
    return not kind.startswith("escaped") and len(script.taken) == expected and whole
