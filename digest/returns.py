"""Mail that came back: a report -> the ledger. A report nobody signed for has no effect."""

import hashlib
from collections.abc import Callable, Sequence
from datetime import datetime

from sqlalchemy import Connection

from digest.mail.bounces import Kind, Report, parse_report
from digest.mail.verp import delivery_of, return_address
from digest.model import Delivery
from digest.store import Store
from digest.store.returned import Returned, address_of, record_returned


def return_path(secret: bytes, bounces_to: str | None) -> Callable[[Delivery], str]:
    """Which sender address a delivery's envelope carries: one of its own where `bounces_to` is set."""
    if bounces_to is None:
        return lambda delivery: delivery.envelope.mail_from
    return lambda delivery: return_address(secret, bounces_to, delivery.id)


def take_return(store: Store, raw: bytes, *, secrets: Sequence[bytes], now: datetime) -> str | None:
    """Write down what one mail says, when it is a report about a mail of ours, signed with any of our `secrets`.

    Harmless to repeat.

    Returns the kind of report, "known" for one that was counted before, "unsigned" for one that was not sent to a
    return address of ours, and None for a mail that is no report.
    """
    report = parse_report(raw)
    if report is None:
        return None
    delivery_id = _signed_for(report, secrets)
    if delivery_id is None:
        return "unsigned"
    with store.writing() as tx:
        kind = _believed(tx, store, report, delivery_id)
        content_hash = hashlib.sha256(raw).hexdigest()
        returned = Returned(content_hash, delivery_id, kind, report.status, report.detail)
        return str(kind) if record_returned(tx, returned, now=now) else "known"


def _believed(db: Connection, store: Store, report: Report, delivery_id: int) -> Kind:
    """A guess bars nobody at once unless it names the very address the mail went to."""
    if not (report.is_guess and report.kind == Kind.HARD):
        return report.kind
    address = address_of(db, delivery_id)
    return Kind.HARD if address in {store.address_hash(failed) for failed in report.failed} else Kind.SOFT


def _signed_for(report: Report, secrets: Sequence[bytes]) -> int | None:
    found = (delivery_of(secret, address) for address in report.sent_to for secret in secrets)
    return next((delivery_id for delivery_id in found if delivery_id is not None), None)
