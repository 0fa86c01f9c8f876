"""SIGKILL at random moments loses nothing, and doubles nothing but the same bytes."""

import os

import pytest

from tests.torture.kills import trial

# Continuous integration can afford the whole number; a laptop gets a taste of it in seconds.
KILLS = 100 if os.environ.get("CI") else 12


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork; run it on Linux or macOS")
def test_nothing_is_lost_and_only_the_same_bytes_come_twice(tmp_path):
    outcome = trial(tmp_path, kills=KILLS, readers=50, seed=20260302)
    assert (outcome.lost, outcome.different) == (0, 0)
    assert outcome.twice <= outcome.kills
    assert outcome.owed == outcome.days * 50
