"""The small picture a weekly mail opens with: how many of its papers belong to each interest."""

from collections.abc import Sequence
from typing import NamedTuple

from digest.mail.direction import isolated
from digest.mail.view import said
from digest.model import Digest, Pick, Reason, ReasonKind, Section

_INTERESTS = 6
_FOLLOWED = (ReasonKind.AUTHOR, ReasonKind.ORGANIZATION)
_WORDS = (ReasonKind.KEYWORD, ReasonKind.RELATED)


class Bar(NamedTuple):
    """One row of the picture."""

    label: str
    number: int
    width: int  # per cent of the longest bar; never 0 for a number above 0
    blocks: str  # the same in plain text


def bars_of(digest: Digest) -> tuple[Bar, ...]:
    """Papers per interest, in the order of the profile; then followed ones, then those from outside.

    A paper counts for every interest that speaks for it. An interest without papers keeps its row: that is news too.
    Empty when the profile names no interest, for there is nothing to compare.
    """
    wanted = [interest for interest in digest.profile.interests if interest.weight > 0 and interest.keywords]
    counts = [
        (isolated(said(i.keywords[0])), _matched(digest.picks, i.keywords)) for i in wanted[:_INTERESTS]
    ]
    others = (
        ("people and labs you follow", sum(any(map(_is_followed, p.score.why)) for p in digest.picks)),
        ("from outside", sum(pick.section in (Section.POPULAR, Section.WILDCARD) for pick in digest.picks)),
    )
    if not counts or not digest.picks:
        return ()
    counts += [(label, count) for label, count in others if count]
    longest = max([1, *(count for _, count in counts)])
    return tuple(
        Bar(label, count, -(-100 * count // longest), "#" * -(-20 * count // longest))
        for label, count in counts
    )


def _matched(picks: Sequence[Pick], keywords: Sequence[str]) -> int:
    return sum(any(_speaks_of(reason, keywords) for reason in pick.score.why) for pick in picks)


def _speaks_of(reason: Reason, keywords: Sequence[str]) -> bool:
    if reason.contribution <= 0 or reason.kind not in _WORDS:
        return False
    # A related term ends in the keyword it is near to: "KV cache, near your keyword attention".
    return reason.term in keywords or reason.term.endswith(tuple(f"your keyword {word}" for word in keywords))


def _is_followed(reason: Reason) -> bool:
    return reason.kind in _FOLLOWED and reason.contribution > 0
