"""Why this paper, for this person: the score with its parts, what was sent, and what stood in the way."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from digest.desk import Limits, taste_of
from digest.errors import DigestError
from digest.model import Paper, Score
from digest.ranking import PaperRanker
from digest.store import Store
from digest.store.history import shown_score
from digest.store.papers import find_paper, seen_since
from digest.store.people import Subscriber, find_subscriber
from digest.store.votes import votes_of


@dataclass(frozen=True, slots=True)
class Explanation:
    """What there is to say about one paper and one person."""

    person: Subscriber
    paper: Paper
    score: Score | None  # None: muted
    rank: int | None  # among the candidates of now; None when it is too old to be one
    candidates: int
    shown: dict[str, Any] | None  # the score it was sent with, the day, and what became of the mail


def explain(store: Store, email: str, wanted: str, *, limits: Limits, now: datetime) -> Explanation:
    """Rank as `publish` would at `now`, and look up what was sent. `wanted` is an id or a title.

    Raises `DigestError` when there is no such person or paper.
    """
    with store.reading() as db:
        person = find_subscriber(db, email)
        stored = find_paper(db, wanted)
        if person is None:
            raise DigestError(f"nobody is subscribed as {email}; `digest subscribers list` shows who is")
        if stored is None:
            raise DigestError(f"no paper is called {wanted!r}; `digest papers` lists them with their ids")
        shown = shown_score(db, person.id, stored.pk)
        votes = votes_of(db, [person.id])[person.id]
        corpus = seen_since(db, now - limits.corpus, limit=limits.corpus_papers)
    recent = {one.paper.id: one.paper for one in corpus if one.last_seen_at > now - limits.lookback}
    papers = list((recent | {stored.paper.id: stored.paper}).values())
    ranker = PaperRanker(encoder=limits.encoder).fit([one.paper for one in corpus] or papers)
    counter = ranker.lay_out(papers, now=now)
    [batch] = ranker.serve(counter, [person.profile], [taste_of(votes)], now=now, limit=None)
    column = batch.columns(0).get(stored.paper.id)
    score = None if column is None else batch.explain(0, [column])[0]
    place = None if column is None else column + 1
    is_candidate = stored.paper.id in recent
    return Explanation(person, stored.paper, score, place if is_candidate else None, len(recent), shown)
