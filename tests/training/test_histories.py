from typing import get_args

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.training.small_data import ints, small_dataset
from training.histories import Ties, Timelines

EVENTS = st.lists(st.tuples(st.integers(0, 2), st.integers(0, 4), st.integers(0, 3)), min_size=1, max_size=25)


@pytest.mark.parametrize("ties", get_args(Ties))
@given(events=EVENTS, data=st.data())
def test_a_history_is_what_came_before(ties: Ties, events: list[tuple[int, int, int]], data: st.DataObject) -> None:
    dataset = small_dataset([(q, i) for q, i, _ in events], seconds=[s for *_, s in events], n_queries=3)
    everything = list(range(len(events)))
    history_rows = data.draw(st.lists(st.sampled_from(everything), unique=True))
    targets = data.draw(st.lists(st.sampled_from(everything)))
    timelines = Timelines.of(dataset.interactions, ints(*history_rows), 3)
    query_T = dataset.interactions.query_N[ints(*targets)]
    ends = timelines.ends_before(ints(*targets), ties)
    histories = timelines.histories(query_T, ends)
    last_two = timelines.histories(query_T, ends, limit=2)
    had = timelines.had_before(query_T, dataset.interactions.item_N[ints(*targets)], ends)
    for n, target in enumerate(targets):
        query, item, second = events[target]
        before = sorted(
            (events[row][2], row)
            for row in history_rows
            if events[row][0] == query
            and (events[row][2] < second or (ties == "order" and events[row][2] == second and row < target))
        )
        expected = [events[row][1] for _, row in before]
        assert histories.row(n).tolist() == expected
        assert last_two.row(n).tolist() == expected[-2:]
        assert had[n] == (item in expected)


def test_without_timestamps_rows_give_the_order() -> None:
    dataset = small_dataset([(0, 3), (0, 1), (0, 2)])
    timelines = Timelines.of(dataset.interactions, ints(2, 0, 1), 1)
    ends = timelines.ends_before(ints(0, 1, 2), "order")
    assert [timelines.histories(ints(0), ends[n : n + 1]).row(0).tolist() for n in range(3)] == [[], [3], [3, 1]]
    assert timelines.ends_before(ints(0, 1, 2), "exclude").tolist() == [0, 0, 0]


def test_a_query_without_history_rows_has_an_empty_history() -> None:
    dataset = small_dataset([(0, 0), (1, 1)], seconds=[1, 2])
    timelines = Timelines.of(dataset.interactions, ints(), 2)
    assert timelines.ends_before(ints(1), "order").tolist() == [0]
    assert np.array_equal(timelines.had_before(ints(1), ints(1), ints(0)), [False])
