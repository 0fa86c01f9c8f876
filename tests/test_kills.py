"""SIGKILL at random moments loses nothing, and doubles nothing but the same bytes."""

import os

import pytest

from tests.torture import points, scripts
from tests.torture.kills import trial

# Continuous integration can afford the whole number; a laptop gets a taste of it in seconds.
KILLS = 100 if os.environ.get("CI") else 4


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork; run it on Linux or macOS")
def test_nothing_is_lost_and_only_the_same_bytes_come_twice(tmp_path):
    outcome = trial(tmp_path, kills=KILLS, readers=50, seed=20260302)
    assert (outcome.lost, outcome.different) == (0, 0)
    assert outcome.twice <= outcome.kills
    assert outcome.owed == outcome.days * 50


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork; run it on Linux or macOS")
@pytest.mark.parametrize("at_random", [False, True], ids=["named points", "random moments"])
def test_a_death_anywhere_in_delivery_costs_exactly_what_the_readme_says(at_random):
    trials = 270 if os.environ.get("CI") else 24
    outcome = points.run(trials, seed=20260302, at_random=at_random)
    assert outcome.total("trials") >= trials
    assert outcome.total("deaths") == trials
    totals = {name: outcome.total(name) for name in ("lost", "different", "too_many", "damaged")}
    assert totals == {"lost": 0, "different": 0, "too_many": 0, "damaged": 0}
    assert sum(count.twice for kind, count in outcome.by_kind.items() if kind.endswith("hold")) == 0


@pytest.mark.slow
def test_whatever_a_server_does_the_transport_says_what_happened():
    verdicts = scripts.run(2000 if os.environ.get("CI") else 150, seed=20260302)
    assert verdicts.examples == []
    assert verdicts.wrong == 0
