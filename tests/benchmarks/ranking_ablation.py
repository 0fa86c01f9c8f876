"""What each part of the scorer brings: `python -m tests.benchmarks.ranking_ablation DATA [task ...]`.

DATA is a folder of judged data (see digest/ranking/judgements.py). Each line leaves one part out, or sets it another
way, and prints nDCG@10 of every task, their mean, and the paired difference to the whole scorer with its 95 % interval
over all users, queries and topics.

Some parts answer what readers ask for and judged collections do not hold. What these do is shown on small cases of
invented papers: how many are served with the part and without it. Without DATA only the cases are shown.
"""

import sys
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from unittest.mock import patch

import numpy as np

from digest.ranking import PaperRanker, counter, evaluate, spelling, wishes
from digest.ranking.figures import by_unit, interval, mean, ndcg
from digest.ranking.judgements import find, read_papers, read_pools, read_profiles, read_relevance
from digest.ranking.taste import TasteWeights
from tests.benchmarks.ranking_needs import show_needs
from tests.builders import NOW

TASKS = (
    "T1",
    "T2-liked10",
    "T2-kw+liked10",
    "T2s-kw+liked5+disliked5",
    "T3",
    "T3kw",
    "T4-kw",
    "T4-kw+liked10",
)


AS_ASKED = evaluate._profile


def without_trending(judged):
    return replace(AS_ASKED(judged), trending=0.0)


def apart(weights, _guide, papers, *, worth):
    return np.zeros((weights.shape[0], len(papers)), dtype=np.float32)


# Name of the part -> parameters of the ranker, and (object, name, stand-in) to put in its place.
VARIANTS = {
    "whole": ({}, ()),
    "no meaning (LSA)": ({"dimensions": 0}, ()),
    "64 dimensions": ({"dimensions": 64}, ()),
    "no nearness": ({"nearness": 0.0}, ()),
    "half the nearness": ({"nearness": 0.4}, ()),
    "keywords each for itself": ({}, ((counter, "harmony", apart),)),
    "many keywords undamped": ({}, ((wishes, "CROWDING", 0.0),)),
    "no bonus for pairs": ({"pair_weight": 0.0}, ()),
    "title counts once": ({"title_weight": 1}, ()),
    "no length normalisation": ({"b": 0.0}, ()),
    "no floor under whole keywords": ({"ceiling": 1e-3}, ()),
    "no abbreviations": ({}, ((spelling.Abbreviations, "others", lambda *_: []),)),
    "no trending": ({}, ((evaluate, "_profile", without_trending),)),
    "votes: words alone": ({}, ((counter, "TasteWeights", lambda: TasteWeights(lexical=1.0)),)),
    "votes: meaning alone": ({}, ((counter, "TasteWeights", lambda: TasteWeights(lexical=0.0)),)),
    "votes: no nearest three": ({}, ((counter, "TasteWeights", lambda: TasteWeights(nearest=0.0)),)),
    "votes: dislikes ignored": ({}, ((counter, "TasteWeights", lambda: TasteWeights(dislike=0.0)),)),
    "patience 1": ({"patience": 1.0}, ()),
    "patience 4": ({"patience": 4.0}, ()),
}


def measured(data, tasks, parameters, changes):
    """Group -> unit -> nDCG@10 of the scorer with these parameters and changes."""
    profiles = [judged for judged in read_profiles(find(data, "profiles.jsonl")) if judged.task in tasks]
    relevance = read_relevance(find(data, "qrels.tsv"))
    pools = read_pools(find(data, "pools.jsonl"))
    with ExitStack() as stack:
        for place, name, stand_in in changes:
            stack.enter_context(patch.object(place, name, stand_in))
        run = evaluate.rank_all(
            profiles,
            read_papers(find(data, "docs.jsonl")),
            pools,
            now=NOW,
            ranker=PaperRanker(**parameters),
        )
        return by_unit(
            profiles, {j.id: ndcg(j, scores, relevance.get(j.id, {}), pools[j.pool]) for j, scores in run}
        )


def compare(data, tasks):
    whole = None
    for name, (parameters, changes) in VARIANTS.items():
        found = measured(data, tasks, parameters, changes)
        whole = whole or found
        figures = {group: mean(list(units.values())) for group, units in found.items()}
        differences = [found[group][unit] - value for group in whole for unit, value in whole[group].items()]
        per_group = "  ".join(f"{group} {figure:.3f}" for group, figure in figures.items())
        print(
            f"{name:<30} {mean(list(figures.values())):.4f}  {mean(differences):+.4f} ± {interval(differences):.4f}  {per_group}"
        )


def main(arguments):
    show_needs()
    if arguments:
        compare(Path(arguments[0]), arguments[1:] or TASKS)


if __name__ == "__main__":
    main(sys.argv[1:])
