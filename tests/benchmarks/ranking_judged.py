"""Judged data read once and ranked in many ways: what the benchmarks of the ranking share."""

from contextlib import ExitStack
from math import sqrt
from statistics import stdev
from unittest.mock import patch

from digest.ranking import PaperRanker, evaluate, scorer
from digest.ranking.figures import by_unit, mean, ndcg
from digest.ranking.judgements import find, read_papers, read_pools, read_profiles, read_relevance
from tests.builders import NOW

_KEPT = 120  # of what was learnt: a few ways of a dozen collections


class Trials:
    """One folder of judged data. What many ways of ranking have in common is learnt once."""

    def __init__(self, data, tasks=evaluate.HEADLINE):
        judged = read_profiles(find(data, "profiles.jsonl"))
        self.profiles = [one for one in judged if one.task in tasks]
        self._collections = read_papers(find(data, "docs.jsonl"))
        self._pools = read_pools(find(data, "pools.jsonl"))
        self._relevance = read_relevance(find(data, "qrels.tsv"))
        self._learnt = {}

    def __call__(self, parameters=None, changes=(), *, anew=False):
        """Group -> unit -> nDCG@10 of the scorer with these parameters, and (object, name, stand-in) put in place.

        `anew` when a stand-in changes what is learnt from the papers.
        """
        ranker = PaperRanker(**(parameters or {}))
        with ExitStack() as stack:
            for part in () if anew else ("Library", "Abbreviations", "Meaning"):
                stack.enter_context(patch.object(scorer, part, self._once(getattr(scorer, part))))
            for place, name, stand_in in changes:
                stack.enter_context(patch.object(place, name, stand_in))
            run = evaluate.rank_all(self.profiles, self._collections, self._pools, now=NOW, ranker=ranker)
            return by_unit(self.profiles, {judged.id: self._ndcg(judged, scores) for judged, scores in run})

    def _ndcg(self, judged, scores):
        return ndcg(judged, scores, self._relevance.get(judged.id, {}), self._pools[judged.pool])

    def _once(self, learn):
        """The same object for the same arguments; what it was learnt from is kept, so that no other takes its id."""

        def learnt(source, *rest, **parameters):
            key = (learn, id(source), rest, tuple(parameters.items()))
            if key not in self._learnt:
                if len(self._learnt) >= _KEPT:
                    del self._learnt[next(iter(self._learnt))]
                self._learnt[key] = learn(source, *rest, **parameters), source
            return self._learnt[key][0]

        return learnt


def weights(found):
    """What each group counts in the headline: tasks alike, and in a task its collections alike."""
    tasks = [group.split(" ")[0] for group in found]
    return {group: 1 / len(set(tasks)) / tasks.count(group.split(" ")[0]) for group in found}


def headline(found):
    """The mean over tasks of the figures of their collections."""
    return sum(weight * mean(list(found[group].values())) for group, weight in weights(found).items())


def gain(found, other):
    """Group -> how much better than the other, and the standard error of that, over the same units."""
    gains = {}
    for group, units in found.items():
        differences = [value - other[group][unit] for unit, value in units.items()]
        error = stdev(differences) / sqrt(len(differences)) if len(differences) > 1 else 0.0
        gains[group] = mean(differences), error
    return gains


def headline_gain(found, other):
    """The same for the headline."""
    share, gains = weights(found), gain(found, other)
    total = sum(share[group] * difference for group, (difference, _) in gains.items())
    return total, sqrt(sum((share[group] * error) ** 2 for group, (_, error) in gains.items()))
