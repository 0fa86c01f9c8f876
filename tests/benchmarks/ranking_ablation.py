"""What each part of the scorer brings: `python -m tests.benchmarks.ranking_ablation [DATA] [part ...]`.

DATA is a folder of judged data (see digest/ranking/judgements.py). Each line leaves one part out, or sets it another
way, and prints what the whole scorer gains over that in the headline and in each task, with the standard error over its
users, queries and topics. A name of a part, or its beginning, asks for this part alone. The last line, of
the extra digest[semantic], is what it adds to the whole scorer.

Some parts answer what readers ask for and judged collections do not hold. What these do is shown on small cases of
invented papers: how many are served with the part and without it. Without DATA only the cases are shown.
"""

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np

from digest.encoder import REMEDY, installed_encoder, is_installed
from digest.material import _varied
from digest.ranking import counter, evaluate, keywords, related, shelf, spelling, taste, wishes
from digest.ranking.harmony import harmony
from digest.ranking.taste import TasteWeights
from digest.ranking.text import singular
from tests.benchmarks.ranking_judged import Trials, gain, headline, headline_gain
from tests.benchmarks.ranking_needs import show_needs

AS_ASKED, AS_SERVED = evaluate._profile, counter.Counter.serve
DEEP = 30  # papers put in a varied order: what comes after no figure looks at


def without_trending(judged):
    return replace(AS_ASKED(judged), trending=0.0)


def apart(weights, _guide, papers, *, worth):
    return np.zeros((weights.shape[0], len(papers)), dtype=np.float32)


def fitting_all(weights, guide, papers, *, worth):
    return harmony(weights, guide, papers, worth=0.8)


def varied(self, profiles, tastes, limit, **rest):
    """Served as a digest is: papers that repeat earlier ones come later."""
    batch = AS_SERVED(self, profiles, tastes, limit, **rest)
    batch = _varied(self, batch, np.full(len(profiles), DEEP))
    return replace(
        batch, values=np.broadcast_to(-np.arange(float(batch.places.shape[1])), batch.places.shape)
    )


def written_apart(word):
    return f"{singular(word)} "


def of_taste(**weights):
    return ((counter, "TasteWeights", lambda: TasteWeights(**weights)),)


# Name of the part that is left out -> parameters of the ranker, (object, name, stand-in) to put in its place, and
# whether other things are learnt from papers then.
PARTS = {
    "stems of words": ({}, ((shelf, "stem", singular), (keywords, "stem", singular)), True),
    "compounds": ({}, ((shelf, "singular", written_apart), (keywords, "singular", written_apart)), True),
    "abbreviations": ({}, ((spelling.Abbreviations, "others", lambda *_: []),), False),
    "pairs of words": ({"pair_weight": 0.0}, (), False),
    "phrases of usual words": ({}, ((keywords, "MET_BY_CHANCE", 1.0),), False),
    "title": ({"title_weight": 1}, (), False),
    "length (b)": ({"b": 0.0}, (), False),
    "repetition (k1)": ({"k1": 0.01}, (), False),
    "whole keywords first": (
        {"ceiling": 1e-9},
        ((related, "_below", lambda values, _limits: values),),
        False,
    ),
    "trifles passed over": ({}, ((related, "_TRIFLE", 0.0),), False),
    "meaning (LSA)": ({"dimensions": 0}, (), False),
    "nearness and harmony": ({"nearness": 0.0}, (), False),
    "nearness": ({"nearness": 0.0}, ((counter, "harmony", fitting_all),), False),
    "harmony": ({}, ((counter, "harmony", apart),), False),
    "damping of many keywords": ({}, ((wishes, "CROWDING", 0.0),), False),
    "damping of weights": ({}, ((wishes, "_damped", float),), False),
    "weights": ({}, ((wishes, "_damped", np.sign),), False),
    "trending": ({}, ((evaluate, "_profile", without_trending),), False),
    "votes: words": ({}, of_taste(lexical=0.0), False),
    "votes: meaning": ({}, of_taste(lexical=1.0), False),
    "votes: nearest three": ({}, of_taste(nearest=0.0), False),
    "votes: dislikes": ({}, of_taste(dislike=0.0), False),
    "votes: trifles passed over": ({}, ((taste, "_TRIFLE", 0.0),), False),
    "no variety (MMR)": ({}, ((counter.Counter, "serve", varied),), False),
}


# Parts that are kept though no figure speaks for them, and what for.
KEPT = {
    "compounds": "a reader who types fine-tuning means finetuning and fine tuned",
    "abbreviations": "RAG and retrieval-augmented generation are one wish; see the cases above",
    "phrases of usual words": "a keyword such as world model is not met by a real-world task of our model",
    "whole keywords first": "what is only near a keyword never comes before what says it",
    "trifles passed over": "what hardly fits is no reason to read a paper, and none to be given",
    "weights": "a reader has set them, and sees that they count",
    "votes: dislikes": "less like this has to be felt; see the cases above",
    "votes: trifles passed over": "what is hardly like papers one liked is no reason to be given",
    "no variety (MMR)": "nobody wants five papers on one thing; for readers, unlike queries, it costs nothing",
}


def told(gained):
    """A difference and its standard error."""
    return "{:+.3f}±{:.3f}".format(*gained)


def compare(data, wanted):
    """Print a line for each part."""
    trials = Trials(data)
    whole = trials()
    print(f"{'the whole scorer':<28} {headline(whole):.4f}")
    print(
        f"{'gained by':<28} {'headline':<15}{''.join(f'{group.split()[0]:.15} '.ljust(16) for group in whole)}"
    )
    for name, (parameters, changes, anew) in PARTS.items():
        if not wanted or name.startswith(wanted):
            without = trials(parameters, changes, anew=anew)
            groups = "".join(told(one).ljust(16) for one in gain(whole, without).values())
            print(
                f"{name:<28} {told(headline_gain(whole, without)):<15}{groups}{KEPT.get(name, '')}",
                flush=True,
            )
    if not wanted or "with sentences".startswith(wanted):
        beside(trials, whole)


def beside(trials, whole):
    """Print what the extra adds, where it is installed."""
    if not is_installed():
        print(f"{'with sentences':<28} not measured: {REMEDY}")
        return
    found = trials({"encoder": installed_encoder()})
    groups = "".join(told(one).ljust(16) for one in gain(found, whole).values())
    print(f"{'with sentences':<28} {told(headline_gain(found, whole)):<15}{groups}")
    print(f"{'':<28} {headline(found):.4f}")


def main(arguments):
    show_needs()
    if arguments:
        compare(Path(arguments[0]), tuple(arguments[1:]))


if __name__ == "__main__":
    main(sys.argv[1:])
