"""The words of mails. What mails share is kept once, as pieces; of each mail its recipe is kept.

A mail needs its pieces for as long as it is kept, and nothing counts who needs which. Instead, a piece says when it was
last put to use, give or take a day (`_FRESH`), and is forgotten when every mail that is kept was written later. Whoever
writes a mail looks in the same transaction that its pieces are there and were used of late, while nobody forgets any.
"""

import logging
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy import Connection, delete, func, select

from digest.model import Message
from digest.store.bulk import add_rows, fitted
from digest.store.dialect import alone, any_of, beside, upsert
from digest.store.retention import CHUNK
from digest.store.schema import messages, pieces
from digest.writing import Shared, keys_in, put_together

log = logging.getLogger(__name__)
_FRESH = timedelta(days=1)
_KEPT = "pieces"  # who forgets some is alone with them
_MESSAGE = ("delivery_id", "raw", "written_at")
_MOST = 16_000  # pieces, some 1.5 kB apiece


@dataclass(slots=True)
class _Remembered:
    """The words of pieces by their keys, which say what they are in whatever database. Grows, or is replaced."""

    words: dict[bytes, bytes] = field(default_factory=dict)


_remembered = _Remembered()


def keep_pieces(tx: Connection, written: Iterable[Message], *, now: datetime) -> None:
    """Keep what these mails share with others."""
    beside(tx, _KEPT)
    needed: set[Shared] = set()
    for message in written:
        needed.update(message.writing.shares)
    asked = {piece.key.decode(): piece for piece in needed}
    used = select(pieces.c.key).where(any_of(tx, pieces.c.key, asked), pieces.c.used_at >= now - _FRESH)
    there = set(tx.scalars(used).all())
    # In one order, so that two who write the same pieces wait for each other and not in a circle.
    new = sorted(asked.keys() - there)
    if new:
        adding = upsert(tx, pieces)
        later = adding.excluded.used_at > pieces.c.used_at
        adding = adding.on_conflict_do_update(
            index_elements=["key"], set_={"used_at": adding.excluded.used_at}, where=later
        )
        tx.execute(adding, [{"key": key, "words": asked[key].words, "used_at": now} for key in new])


def keep_bodies(tx: Connection, written: Sequence[tuple[int, Message]], *, now: datetime) -> None:
    """Keep the words of mails by their delivery, after `keep_pieces`."""
    at = fitted(tx, messages, "written_at", now)
    add_rows(tx, messages, _MESSAGE, [(number, message.writing.recipe, at) for number, message in written])


class Body(NamedTuple):
    """What is kept of one mail: the bytes that leave, or the recipe of them, which takes less than half the room."""

    kept: bytes
    is_recipe: bool

    def raw(self, words: Mapping[bytes, bytes]) -> bytes:
        """The bytes that leave, with these words of pieces (`words_of`). Raises `KeyError` when one is not among them."""
        return put_together(self.kept, words) if self.is_recipe else self.kept


def bodies_of(db: Connection, deliveries: Collection[int]) -> dict[int, Body]:
    """What is kept of these mails, by their delivery; without those that were erased."""
    if not deliveries:
        return {}
    rows = db.execute(_BODIES.where(any_of(db, messages.c.delivery_id, deliveries))).all()
    return {number: Body(kept, bool(is_recipe)) for number, kept, is_recipe in rows}


def words_of(db: Connection, needed: Iterable[Body]) -> Mapping[bytes, bytes]:
    """The words of the pieces these mails share, by their keys, and of others; without those the database has lost."""
    known = _remembered.words
    if len(known) >= _MOST:
        known = _remembered.words = {}  # whoever was given the others may still put mails together with them
    new = {key for body in needed if body.is_recipe for key in keys_in(body.kept)} - known.keys()
    if new:
        asked = any_of(db, pieces.c.key, [key.decode() for key in new])
        known.update((key.encode(), words) for key, words in db.execute(_WORDS.where(asked)))
    return known


def read_bodies(db: Connection, deliveries: Collection[int]) -> dict[int, bytes]:
    """The bytes of mails by their delivery, as they leave; without those whose words are kept no longer."""
    found, whole = bodies_of(db, deliveries), {}
    words = words_of(db, found.values())
    for number, body in found.items():
        try:
            whole[number] = body.raw(words)
        except KeyError as lost:
            log.error("delivery id=%d cannot be put together: the database has lost %s", number, lost)  # noqa: TRY400
    return whole


def read_body(db: Connection, delivery: int) -> bytes | None:
    """The bytes of one mail; None when they are kept no longer."""
    return read_bodies(db, [delivery]).get(delivery)


def forget_pieces(tx: Connection, now: datetime) -> int:
    """Forget pieces that no mail needs any more. Returns how many, at most `CHUNK`."""
    alone(tx, _KEPT)
    oldest = tx.execute(select(func.min(messages.c.written_at))).scalar() or now
    before = min(oldest, now) - _FRESH
    old = select(pieces.c.key).where(pieces.c.used_at < before).limit(CHUNK)
    keys = list(tx.scalars(old))
    tx.execute(delete(pieces).where(pieces.c.key.in_(keys)))
    return len(keys)


_BODIES = select(messages.c.delivery_id, messages.c.raw, messages.c.written_at.is_not(None))
_WORDS = select(pieces.c.key, pieces.c.words)
