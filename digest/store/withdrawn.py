"""What a digest that never left would have shown: taken back when it is given up, shown again when it is tried after all."""

from collections.abc import Sequence

from sqlalchemy import ColumnElement, Connection, Select, bindparam, delete, null, select, update

from digest.store.dialect import insert_or_ignore
from digest.store.schema import deliveries, shown, withdrawn

_NAMES = ("delivery_id", "paper_pk", "score")


def withdraw(tx: Connection, delivery_ids: Sequence[int]) -> None:
    """The digests of these deliveries never arrive: their papers, and the news in them, may come again. At most 500.

    What they held is noted for `reinstate`.
    """
    theirs = shown.c.delivery_id.in_(delivery_ids)
    _note(tx, select(shown.c.delivery_id, shown.c.paper_pk, shown.c.score).where(theirs))
    tx.execute(delete(shown).where(theirs))
    told = select(deliveries.c.id, shown.c.paper_pk, null()).join(shown, _tells())
    _note(tx, told.where(deliveries.c.id.in_(delivery_ids)))
    dated = select(deliveries.c.subscriber_id, deliveries.c.issue_on).where(deliveries.c.id.in_(delivery_ids))
    days = [{"of": row[0], "told_on": row[1]} for row in tx.execute(dated) if row[1] is not None]
    if days:
        of_day = shown.c.subscriber_id == bindparam("of"), shown.c.updated_on == bindparam("told_on")
        tx.execute(update(shown).where(*of_day).values(updated_on=None), days)


def reinstate(tx: Connection, delivery_id: int) -> None:
    """This digest is tried again: its papers count as shown, and its news as told, as before it was given up.

    A paper that came with another digest meanwhile stays with that one.
    """
    mine = withdrawn.c.delivery_id == delivery_id
    rows = select(deliveries.c.subscriber_id, withdrawn.c.paper_pk, deliveries.c.id, withdrawn.c.score).join(
        withdrawn, withdrawn.c.delivery_id == deliveries.c.id
    )
    names = ("subscriber_id", "paper_pk", "delivery_id", "score")
    again = rows.where(mine, withdrawn.c.score.is_not(None))
    tx.execute(insert_or_ignore(tx, shown).from_select(names, again))
    row = tx.execute(
        select(deliveries.c.subscriber_id, deliveries.c.issue_on).where(deliveries.c.id == delivery_id)
    ).one()
    news = select(withdrawn.c.paper_pk).where(mine, withdrawn.c.score.is_(None))
    untold = (shown.c.subscriber_id == row.subscriber_id, shown.c.updated_on.is_(None))
    tx.execute(update(shown).where(*untold, shown.c.paper_pk.in_(news)).values(updated_on=row.issue_on))
    tx.execute(delete(withdrawn).where(mine))


def _note(tx: Connection, rows: Select[tuple[int, int, str]]) -> None:
    tx.execute(insert_or_ignore(tx, withdrawn).from_select(_NAMES, rows))


def _tells() -> ColumnElement[bool]:
    """A digest tells news of whatever was updated, for its reader, on its day."""
    return (shown.c.subscriber_id == deliveries.c.subscriber_id) & (
        shown.c.updated_on == deliveries.c.issue_on
    )
