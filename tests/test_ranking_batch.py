"""The best of many rows at once: exact, whatever the ties, and the same for each row in any company; and what is
remembered of keywords."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import sparse

from digest.ranking.batch_best import best_places, kth_highest
from digest.ranking.batch_table import KeywordTable
from digest.ranking.related import COMPLETE, Assessment, Guide

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


class Assessor:
    """Finds one paper for every keyword, and remembers what it was asked."""

    def __init__(self):
        self.asked = []

    def __call__(self, keywords):
        self.asked += [keyword.typed for keyword in keywords]
        count = len(keywords)
        values = sparse.csr_array(
            (np.ones(count), (np.arange(count), np.zeros(count, int))), shape=(count, 3)
        )
        kinds = np.full(count, COMPLETE, dtype=np.int8)
        return np.arange(count) + 1.0, Assessment(values, np.ones(count), kinds)


def guide(keywords):
    return Guide(np.zeros((len(keywords), 2)), np.ones(len(keywords)), np.zeros(len(keywords)))


def test_a_keyword_is_looked_up_once_and_rows_stand_in_the_order_of_letters():
    assess = Assessor()
    table = KeywordTable(3, assess, guide)
    assert table.learn(["wave", "reef"]).place == {"reef": 0, "wave": 1}
    rows = table.learn(["wave", "tide", "reef", "wave"])
    assert assess.asked == ["reef", "wave", "tide"]
    assert [keyword.typed for keyword in rows.keywords] == ["reef", "tide", "wave"]
    assert rows.ideals.tolist() == [1.0, 1.0, 2.0]
    assert rows.found.values.shape == (3, 3)


def test_what_is_asked_for_again_stays_and_the_rest_is_forgotten():
    assess = Assessor()
    table = KeywordTable(3, assess, guide, most_numbers=410)
    for number in range(100):
        table.learn(["reef", f"reef {number}"])
        assert len(table) <= 10
    assert assess.asked.count("reef") == 1


def test_a_table_with_room_for_nothing_and_one_asked_for_nothing_still_answer():
    assert KeywordTable(3, Assessor(), guide, most_numbers=0).learn(["reef"]).found.values.nnz == 1
    assert KeywordTable(3, Assessor(), guide).learn([]).found.values.shape == (0, 3)
