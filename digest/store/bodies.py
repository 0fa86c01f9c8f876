"""The words of mails. What mails share is kept once, as pieces; of each mail its recipe is kept.

A mail needs its pieces for as long as it is kept, and nothing counts who needs which. Instead, a piece says when it was
last put to use, give or take a day (`_FRESH`), and is forgotten when every mail that is kept was written later. Whoever
writes a mail looks in the same transaction that its pieces are there and were used of late, while nobody forgets any.
"""

import logging
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime, timedelta

from sqlalchemy import Connection, bindparam, delete, func, select

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
_REMEMBERED = 16_000  # pieces, some 1.5 kB apiece
_words: dict[bytes, bytes] = {}  # by key: it says what the words are, in whatever database


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


def read_bodies(db: Connection, deliveries: Collection[int]) -> dict[int, bytes]:
    """The bytes of mails by their delivery, as they leave; without those whose words are kept no longer."""
    rows = db.execute(_BODIES, {"ids": list(deliveries)}).all() if deliveries else []
    whole, not_yet = {}, []
    for number, raw, is_recipe in rows:
        try:
            whole[number] = put_together(raw, _words) if is_recipe else raw
        except KeyError:
            not_yet.append((number, raw))
    words = _words_of(db, {key for _, recipe in not_yet for key in keys_in(recipe)})
    for number, recipe in not_yet:
        try:
            whole[number] = put_together(recipe, words)
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


def _words_of(db: Connection, keys: set[bytes]) -> dict[bytes, bytes]:
    found = {key: words for key in keys if (words := _words.get(key)) is not None}
    new = [key.decode() for key in keys - found.keys()]
    if new:
        rows = db.execute(select(pieces.c.key, pieces.c.words).where(any_of(db, pieces.c.key, new)))
        found.update((key.encode(), words) for key, words in rows)
    if len(_words) >= _REMEMBERED:
        _words.clear()
    _words.update(found)
    return found


_BODIES = select(messages.c.delivery_id, messages.c.raw, messages.c.written_at.is_not(None)).where(
    messages.c.delivery_id.in_(bindparam("ids", expanding=True))
)
