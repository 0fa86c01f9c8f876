"""What becomes of a message that was not accepted, written into the ledger; and how patient that is."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal

from sqlalchemy import Connection

from digest.errors import PermanentTransportError, TemporaryTransportError
from digest.mail.pace import Pace
from digest.mail.senders import Outcome
from digest.mail.verdicts import Fate, judge
from digest.model import Delivery
from digest.store import Store
from digest.store.outbox import give_back, settle_deferred, settle_failed, settle_unknown
from digest.store.people import suppress

# Retry after the age of the message, clamped: young ones soon, old ones patiently (the rule of Postfix).
_SOONEST = timedelta(seconds=300)
_LATEST = timedelta(seconds=4000)
_USUAL = timedelta(hours=1)  # a server that lets strangers wait (RFC 6647) takes the message by then
_MOST_DOUBTS = 3  # a server that takes mail and never answers must not get the same one for ever


@dataclass(frozen=True, slots=True)
class Policy:
    """How patient and how fast delivery is, and what it does when it cannot know."""

    batch: int = 50
    lease: timedelta = timedelta(seconds=300)
    give_up_after: timedelta = timedelta(hours=20)
    pause: timedelta = timedelta(minutes=5)  # how long a server in trouble is left alone
    on_unknown: Literal["resend", "hold"] = "resend"
    pace: Pace = field(default_factory=Pace)
    return_path: Callable[[Delivery], str] = lambda delivery: delivery.envelope.mail_from


def settle_error(
    tx: Connection, store: Store, policy: Policy, outcome: Outcome, now: datetime
) -> tuple[str, ...]:
    """Write what a failed hand-over means. Returns what it counts as in the report, which may be nothing."""
    delivery, error = outcome.delivery, outcome.error
    assert error is not None
    fate = judge(error, delivery.attempt)
    age = now - delivery.queued_at
    if fate == Fate.GIVEN_BACK:
        give_back(tx, delivery, now=now)
        return ()
    if fate == Fate.DOUBTFUL and (policy.on_unknown == "hold" or delivery.attempt >= _MOST_DOUBTS):
        return ("unknown",) if settle_unknown(tx, delivery, str(error), now=now) else ()
    if fate == Fate.FAILED or (age >= policy.give_up_after and fate != Fate.DOUBTFUL):
        if isinstance(error, PermanentTransportError) and error.about_reader:
            address = store.address_hash(delivery.envelope.rcpt_to)
            suppress(tx, address, "hard_bounce", str(error), now)
        return ("failed",) if settle_failed(tx, delivery, str(error), now=now) else ()
    doubtful = fate == Fate.DOUBTFUL
    next_at = now + retry_delay(age)
    if not settle_deferred(tx, delivery, str(error), next_at=next_at, in_doubt=doubtful):
        return ()
    return ("deferred",) if _is_usual(error, delivery.attempt, age) else ("deferred", "worrying")


def _is_usual(error: Exception, attempt: int, age: timedelta) -> bool:
    """Whether a deferral is what careful servers do to every sender: "not now" to the first try of a young message."""
    said_not_now = isinstance(error, TemporaryTransportError) and error.code in range(400, 500)
    return said_not_now and attempt == 1 and age < _USUAL


def retry_delay(age: timedelta) -> timedelta:
    """How long to wait before the next try of a message of this age."""
    return min(max(age, _SOONEST), _LATEST)
