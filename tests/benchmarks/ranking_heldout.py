"""What the scorer is worth to readers it was not tuned on: `python -m tests.benchmarks.ranking_heldout DATA`.

DATA is a folder of judged data (see digest/ranking/judgements.py). First every constant that was measured is set to
other values, one at a time: where a figure stands out by more than its error, the constant was tuned too sharply. Then
people, queries and topics are dealt into five folds. For each fold all constants are chosen anew on the other four, one
after the other from plain beginnings, and the fold is ranked with them: no reader has a say in how they are ranked. The
headline of all folds together stands beside that of constants chosen on everybody; the difference is what tuning on
one's own readers flatters.
"""

import sys
from hashlib import blake2b
from pathlib import Path

from digest.ranking import PaperRanker, counter, wishes
from digest.ranking.taste import TasteWeights
from tests.benchmarks.ranking_judged import Trials, headline, headline_gain

FOLDS = 5
# A plain beginning first. What matters most is chosen first.
GRID = {
    "nearness": (0.4, 0.6, 0.8, 1.0),
    "crowding": (0.0, 1 / 3, 1 / 2),
    "patience": (1.5, 2.5, 4.0),
    "nearby": (0.05, 0.1, 0.2),
    "ceiling": (0.25, 0.4, 0.55),
    "pair_weight": (0.15, 0.3, 0.6),
    "feedback": (8, 15, 30),
    "lexical": (0.3, 0.5, 0.7),
    "nearest": (0.0, 0.3, 0.6),
    "dislike": (0.5, 1.0, 1.5),
    "b": (0.75, 0.6, 0.4),
    "title_weight": (1, 2, 3),
    "k1": (1.2, 0.9, 1.6),
    "dimensions": (64, 128, 200),
}
OF_TASTE = ("lexical", "nearest", "dislike")
SHIPPED = (
    {name: value for name, value in PaperRanker().get_params().items() if name in GRID}
    | {name: getattr(TasteWeights(), name) for name in OF_TASTE}
    | {"crowding": wishes.CROWDING}
)


class Ways:
    """Ways of ranking, each measured once."""

    def __init__(self, trials):
        self._trials = trials
        self._known = {}

    def __call__(self, way):
        key = tuple(way[name] for name in GRID)
        if key not in self._known:
            taste = TasteWeights(**{name: way[name] for name in OF_TASTE})
            changes = (
                (wishes, "CROWDING", way["crowding"]),
                (counter, "TasteWeights", lambda: taste),
            )
            parameters = {
                name: value for name, value in way.items() if name not in OF_TASTE and name != "crowding"
            }
            self._known[key] = self._trials(parameters, changes)
        return self._known[key]


def fold_of(name):
    """The fold of a person, query or topic, whatever else there is."""
    return blake2b(name.encode(), digest_size=8).digest()[0] % FOLDS


def part(found, wanted):
    """The units for which `wanted(unit)` holds."""
    kept = {group: {u: v for u, v in units.items() if wanted(u)} for group, units in found.items()}
    return {group: units for group, units in kept.items() if units}


def choose(ways, wanted):
    """The best way for the units wanted: one constant after the other, from plain beginnings."""
    way = {name: values[0] for name, values in GRID.items()}
    for name, values in GRID.items():
        figures = [headline(part(ways(way | {name: value}), wanted)) for value in values]
        way[name] = values[figures.index(max(figures))]
    return way


def show_curves(ways):
    """Each constant at its values, the others as shipped."""
    shipped = ways(SHIPPED)
    print(f"{'shipped':<24} {headline(shipped):.4f}")
    for name, values in GRID.items():
        for value in sorted(values):
            if value != SHIPPED[name]:
                difference, error = headline_gain(ways(SHIPPED | {name: value}), shipped)
                print(f"{name:<14} {value:<9.3g} {difference:+.4f} ± {error:.4f}", flush=True)


def show_folds(ways, names):
    """The headline of folds ranked by what the others chose, and of everybody by what everybody chose."""
    held_out: dict[str, dict[str, float]] = {}
    for fold in range(FOLDS):
        way = choose(ways, lambda unit, fold=fold: fold_of(names[unit]) != fold)
        other = {name: value for name, value in way.items() if value != SHIPPED[name]}
        print(f"fold {fold} is ranked as shipped but {other or 'for nothing'}", flush=True)
        mine = part(ways(way), lambda unit, fold=fold: fold_of(names[unit]) == fold)
        for group, units in mine.items():
            held_out.setdefault(group, {}).update(units)
    own = ways(choose(ways, lambda _unit: True))
    flattered, error = headline_gain(own, held_out)
    print(f"{'chosen on others':<24} {headline(held_out):.4f}")
    print(f"{'chosen on everybody':<24} {headline(own):.4f}")
    print(f"{'flattery':<24} {flattered:+.4f} ± {error:.4f}")
    difference, error = headline_gain(ways(SHIPPED), held_out)
    print(f"{'shipped, beside others':<24} {difference:+.4f} ± {error:.4f}")


def main(data):
    trials = Trials(Path(data))
    ways = Ways(trials)
    show_curves(ways)
    show_folds(ways, {judged.unit: judged.user or judged.unit for judged in trials.profiles})


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__.partition("\n")[0])
    main(sys.argv[1])
