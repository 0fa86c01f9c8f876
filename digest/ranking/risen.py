"""Which papers a reader has had are news again."""

from digest.ranking.trending import TrendScale

# Where few vote at all, fewer than this is nothing to write about.
FEWEST_UPVOTES = 10
# A paper that was much liked when it was shown is no news, however much more it is liked now.
TIMES = 3


def much_liked(scale: TrendScale) -> float:
    """The upvotes from on which a paper shown before may be news: what one paper in twenty of the corpus reaches."""
    return max(scale.reference, FEWEST_UPVOTES)


def has_risen(then: int, now: int, scale: TrendScale) -> bool:
    """Whether these upvotes are news to somebody who was shown the paper with those of then.

    It has come to be one of the most liked of the corpus since, and has at least three times as many upvotes. No archive
    we know of counts a paper twice, so this is a rule and not a measurement.
    """
    return now >= much_liked(scale) and now >= TIMES * max(then, 1)
