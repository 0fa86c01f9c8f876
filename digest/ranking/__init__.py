"""Profile x papers -> scores with reasons. Pure: values in, values out.

PaperRanker().fit(corpus)            what words mean here, and how many votes are many
    .rank(profile, papers, now=now)  -> Score(paper_id, value, why), best first
    .serve(.lay_out(papers, now=now), profiles, now=now, limit=20)
                                     -> many readers: the best papers in arrays, reasons for those that are asked for
"""

from digest.ranking.reasons import INTERESTS, Ranking, interest_in
from digest.ranking.scorer import PaperRanker
from digest.ranking.taste import Taste, Vote
from digest.ranking.trending import Sighting

__all__ = ["INTERESTS", "PaperRanker", "Ranking", "Sighting", "Taste", "Vote", "interest_in"]
