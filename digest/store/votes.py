"""What people said of papers: more like this, less like this."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from sqlalchemy import Connection, delete, func, select

from digest.model import Paper
from digest.store.dialect import any_of, upsert
from digest.store.papers import read_papers
from digest.store.schema import votes

Direction = Literal["more", "less"]


@dataclass(frozen=True, slots=True)
class StoredVote:
    """One person's word on one paper."""

    paper: Paper
    direction: Direction
    voted_at: datetime


def put_vote(tx: Connection, subscriber_id: int, paper_pk: int, direction: Direction, now: datetime) -> None:
    """Remember a vote; a later one on the same paper replaces it."""
    row = {"subscriber_id": subscriber_id, "paper_pk": paper_pk, "direction": direction, "voted_at": now}
    statement = upsert(tx, votes).values(row)
    changes = {"direction": direction, "voted_at": now}
    tx.execute(statement.on_conflict_do_update(index_elements=["subscriber_id", "paper_pk"], set_=changes))


def forget_votes(tx: Connection, subscriber_id: int, paper_pk: int | None = None) -> int:
    """Forget a person's vote on one paper, or all of them. Returns how many there were."""
    gone = delete(votes).where(votes.c.subscriber_id == subscriber_id)
    return tx.execute(gone if paper_pk is None else gone.where(votes.c.paper_pk == paper_pk)).rowcount


def votes_of(
    db: Connection, subscriber_ids: Sequence[int], known: dict[int, Paper] | None = None
) -> dict[int, list[StoredVote]]:
    """Everything these people said, the oldest first. Papers that are `known` by row are not read again; others join them."""
    papers = {} if known is None else known
    found: dict[int, list[StoredVote]] = {subscriber_id: [] for subscriber_id in subscriber_ids}
    chosen = any_of(db, votes.c.subscriber_id, subscriber_ids)
    rows = db.execute(select(votes).where(chosen).order_by(votes.c.voted_at, votes.c.paper_pk)).all()
    papers |= read_papers(db, sorted({row.paper_pk for row in rows} - papers.keys()))
    for row in rows:
        found[row.subscriber_id].append(StoredVote(papers[row.paper_pk], row.direction, row.voted_at))
    return found


def count_votes(db: Connection, subscriber_id: int) -> dict[str, int]:
    """How often a person said more and less."""
    counted = select(votes.c.direction, func.count()).where(votes.c.subscriber_id == subscriber_id)
    return {row[0]: row[1] for row in db.execute(counted.group_by(votes.c.direction))}
