"""How a profile's keywords fare: what each found lately, what to write instead, and what papers of one's own suggest."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from digest.desk import Limits
from digest.errors import DigestError
from digest.model import Page, PageStatus, Paper, Profile
from digest.pages import parse
from digest.pages.folder import Unreadable
from digest.profiles import read_profile
from digest.ranking import PaperRanker
from digest.ranking.advice import KeywordAdvice, KeywordHelp
from digest.store import Store
from digest.store.papers import seen_since
from digest.store.people import find_subscriber


@dataclass(frozen=True, slots=True)
class KeywordReport:
    """What there is to say about keywords."""

    papers: int  # of the days looked at
    advice: tuple[KeywordAdvice, ...]  # in the profile's order
    proposed: tuple[str, ...]  # by papers of one's own


def profile_of(store: Store, whose: str) -> Profile:
    """The profile of a file, or of a subscriber by address. Raises `DigestError` or `ProfileError`."""
    if Path(whose).suffix == ".toml":
        return read_profile(Path(whose))
    with store.reading() as db:
        person = find_subscriber(db, whose)
    if person is None:
        raise DigestError(
            f"nobody is subscribed as {whose}, and it is no .toml file; `digest subscribers list` shows who is"
        )
    return person.profile


def look_at_keywords(
    store: Store,
    keywords: Iterable[str],
    examples: Iterable[Page | Unreadable],
    *,
    limits: Limits,
    days: int,
    now: datetime,
) -> KeywordReport:
    """Count what keywords found in the papers of the last days; propose others from `examples`, papers of one's own.

    Raises `DigestError` when an example cannot be read.
    """
    own = [paper for page in examples for paper in _papers_of(page)]
    since = now - timedelta(days=days)
    with store.reading() as db:
        known = seen_since(db, min(now - limits.corpus, since), limit=limits.corpus_papers)
    corpus = [one for one in known if one.last_seen_at <= now]
    ranker = PaperRanker(encoder=limits.encoder).fit([one.paper for one in corpus])
    lately = [one.paper for one in corpus if one.last_seen_at > since]
    help_ = KeywordHelp(ranker, lately)
    wanted = list(dict.fromkeys(keywords))
    return KeywordReport(len(lately), tuple(help_.advise(wanted)), tuple(help_.propose(own)))


def _papers_of(page: Page | Unreadable) -> tuple[Paper, ...]:
    if isinstance(page, Unreadable):
        raise DigestError(f"{page.name}: {page.reason}")
    parsed = parse(page)
    if parsed.status is not PageStatus.OK:
        raise DigestError(f"{page.name}: {parsed.reason or 'it lists no paper'}")
    return parsed.papers
