"""Keeping data no longer than stated: what is older than the configuration says is forgotten, once a day."""

import logging
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection

from digest.store import Store
from digest.store.audit import forget_acts
from digest.store.bodies import forget_pieces
from digest.store.retention import (
    CHUNK,
    forget_bounces,
    forget_deliveries,
    forget_messages,
    forget_skips,
)
from digest.tables import RetentionSettings

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class TidyReport:
    """How many of each were forgotten."""

    messages: int  # texts of mails
    pieces: int  # what they had in common
    deliveries: int
    skips: int
    bounces: int
    acts: int  # of the operator


def tidy(store: Store, keep: RetentionSettings, *, now: datetime) -> TidyReport:
    """Forget everything that is older than `keep` says. Harmless to repeat and to interrupt. Raises `StoreError`."""

    def forget(some: Callable[[Connection, datetime], int], days: int = 0) -> int:
        before, total = now - timedelta(days=days), 0
        while True:
            with store.writing() as tx:
                forgotten = some(tx, before)
            total += forgotten
            if forgotten < CHUNK:
                return total

    report = TidyReport(
        messages=forget(forget_messages, keep.messages_days),
        pieces=forget(forget_pieces),
        deliveries=forget(forget_deliveries, keep.ledger_days),
        skips=forget(forget_skips, keep.ledger_days),
        bounces=forget(forget_bounces, keep.bounces_days),
        acts=forget(forget_acts, keep.ledger_days),
    )
    log.info("tidy %s", " ".join(f"{name}={count}" for name, count in asdict(report).items()))
    return report
