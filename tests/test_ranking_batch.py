"""The best of many rows at once: exact, whatever the ties, and the same for each row in any company."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.ranking.batch_best import best_places, kth_highest

TIED = st.lists(
    st.lists(st.sampled_from([0.0, 0.5, 1.0, -np.inf]), min_size=70, max_size=70), min_size=1, max_size=4
)


def plainly(row, most):
    """By sorting everything."""
    order = sorted((-value, place) for place, value in enumerate(row) if value > -np.inf)
    found = [place for _, place in order[:most]]
    return found + [-1] * (most - len(found))


@given(TIED, st.integers(0, 70))
def test_the_best_are_those_of_a_whole_sort_among_ties_the_first(rows, most):
    found = best_places(np.array(rows), most)
    assert found.tolist() == [plainly(row, most) for row in rows]


@pytest.mark.parametrize("width", [20, 81, 161, 3_000])
@pytest.mark.parametrize("share", [0.0, 0.01, 0.5, 1.0])
def test_wide_rows_are_sorted_as_exactly(width, share):
    random = np.random.default_rng(7)
    values = np.where(random.random((30, width)) < share, random.integers(0, 9, (30, width)) / 8, 0.0)
    assert best_places(values, 20).tolist() == [plainly(row, 20) for row in values]


def test_a_row_never_depends_on_another_one():
    values = np.random.default_rng(8).random((50, 400)).round(2)
    together = best_places(values, 10)
    assert all(best_places(values[[row]], 10).tolist() == [together[row].tolist()] for row in range(50))


def test_more_than_there_are_is_all_there_are():
    assert best_places(np.array([[1.0, 3.0, 2.0]]), 9).tolist() == [[1, 2, 0]]
    assert best_places(np.zeros((2, 0)), 3).shape == (2, 0)
    assert best_places(np.zeros((0, 5)), 3).shape == (0, 3)


def test_the_value_at_a_place_is_that_of_a_sort():
    values = np.random.default_rng(9).random((20, 30))
    places = np.arange(20)
    assert kth_highest(values, places).tolist() == [sorted(values[n])[::-1][n] for n in range(20)]
