"""Mail that came back: a maildir -> reports -> the ledger. A report nobody signed for has no effect."""

import hashlib
import logging
from collections import Counter
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from digest.mail.bounces import MAX_BYTES, Report, parse_report
from digest.mail.verp import delivery_of, return_address
from digest.model import Delivery
from digest.store import Store
from digest.store.returned import Returned, record_returned

log = logging.getLogger(__name__)
_AT_ONCE = 500


def return_path(secret: bytes, bounces_to: str | None) -> Callable[[Delivery], str]:
    """Which sender address a delivery's envelope carries: one of its own where `bounces_to` is set."""
    if bounces_to is None:
        return lambda delivery: delivery.envelope.mail_from
    return lambda delivery: return_address(secret, bounces_to, delivery.id)


def take_returns(store: Store, maildir: Path, *, secret: bytes, now: datetime) -> Counter[str]:
    """Read what is new in a maildir, at most 500 mails, and move each to its `cur` folder. Counts by kind.

    Besides the kinds of report there are "unsigned" (not to a return address of ours), "other" (no report) and "known".
    """
    counts: Counter[str] = Counter()
    for file in sorted((maildir / "new").glob("*"))[:_AT_ONCE] if (maildir / "new").is_dir() else ():
        try:
            raw = _read(file)
            counts[_take(store, raw, secret, now)] += 1
            (maildir / "cur").mkdir(exist_ok=True)
            file.rename(maildir / "cur" / f"{file.name}:2,S")
        except OSError as error:
            log.warning("returned mail %s cannot be read: %s", file.name, error)
            counts["unreadable"] += 1
    if counts:
        log.info("returned mail: %s", dict(counts))
    return counts


def _read(file: Path) -> bytes:
    with file.open("rb") as opened:
        return opened.read(MAX_BYTES + 1)


def _take(store: Store, raw: bytes, secret: bytes, now: datetime) -> str:
    report = parse_report(raw)
    if report is None:
        return "other"
    delivery_id = _signed_for(report, secret)
    if delivery_id is None:
        return "unsigned"
    content_hash = hashlib.sha256(raw).hexdigest()
    returned = Returned(content_hash, delivery_id, report.kind, report.status, report.detail)
    with store.writing() as tx:
        return str(report.kind) if record_returned(tx, returned, now=now) else "known"


def _signed_for(report: Report, secret: bytes) -> int | None:
    found = (delivery_of(secret, address) for address in report.sent_to)
    return next((delivery_id for delivery_id in found if delivery_id is not None), None)
