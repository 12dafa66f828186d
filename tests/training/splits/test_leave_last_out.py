import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.training.small_data import small_dataset
from training.errors import BadSplit
from training.splits import LeaveLastOutSplit


def test_the_last_tests_the_one_before_validates_and_ties_go_by_row() -> None:
    pairs = [(0, 0), (1, 0), (0, 1), (0, 2), (1, 1), (0, 3), (1, 2)]
    seconds = [9, 1, 5, 9, 1, 2, 1]  # query 0: rows 5, 2, 0, 3 in order; query 1: all at once, so by row
    split = LeaveLastOutSplit().split(small_dataset(pairs, seconds=seconds))
    assert split.test_N.tolist() == [3, 6]
    assert split.validation_N.tolist() == [0, 4]
    assert split.train_N.tolist() == [1, 2, 5]


def test_short_queries_only_train() -> None:
    pairs = [(0, 0), (0, 1), (1, 0), (1, 1), (1, 2), (2, 0)]
    split = LeaveLastOutSplit(min_interactions=3).split(small_dataset(pairs, seconds=[1, 2, 1, 2, 3, 1]))
    assert split.test_N.tolist() == [4]
    assert split.validation_N.tolist() == [3]


def test_refuses_when_no_query_is_long_enough_or_times_are_missing() -> None:
    with pytest.raises(BadSplit, match="leaves test empty"):
        LeaveLastOutSplit().split(small_dataset([(0, 0), (1, 1)], seconds=[1, 2]))
    with pytest.raises(BadSplit, match="column 'timestamp'"):
        LeaveLastOutSplit().split(small_dataset([(0, 0), (0, 1), (0, 2)]))


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 4)), min_size=3, max_size=40))
def test_every_long_query_gives_one_row_to_each_held_out_part(events: list[tuple[int, int]]) -> None:
    query_N = np.array([query for query, _ in events])
    if np.bincount(query_N).max() < 3:
        return
    dataset = small_dataset([(q, 0) for q, _ in events], seconds=[s for _, s in events])
    split = LeaveLastOutSplit().split(dataset)
    long = [q for q in range(4) if (query_N == q).sum() >= 3]
    assert sorted(query_N[split.test_N]) == long
    assert sorted(query_N[split.validation_N]) == long
    for q in long:
        order = sorted((s, row) for row, (query, s) in enumerate(events) if query == q)
        assert [row for _, row in order[-2:]] == [
            *(r for r in split.validation_N if query_N[r] == q),
            *(r for r in split.test_N if query_N[r] == q),
        ]
