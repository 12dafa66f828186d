import tracemalloc

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tests.training.small_data import ints
from training.ragged import Ragged

PAIRS = st.lists(st.tuples(st.integers(0, 5), st.integers(0, 9)), max_size=30)


def rows_of(ragged: Ragged) -> list[list[int]]:
    return [ragged.row(row).tolist() for row in range(len(ragged))]


@given(PAIRS)
def test_group_keeps_the_order_of_the_pairs(pairs: list[tuple[int, int]]) -> None:
    rows, values = ints(*(p[0] for p in pairs)), ints(*(p[1] for p in pairs))
    expected = [[value for row, value in pairs if row == r] for r in range(6)]
    assert rows_of(Ragged.group(rows, values, 6)) == expected
    assert rows_of(Ragged.group_unique(rows, values, 6)) == [sorted(set(row)) for row in expected]


@given(st.lists(st.lists(st.integers(0, 9), max_size=4), min_size=1, max_size=6), st.data())
def test_take_and_select_agree_with_lists(rows: list[list[int]], data: st.DataObject) -> None:
    ragged = Ragged.from_rows(rows)
    assert rows_of(ragged) == rows
    assert ragged.lengths.tolist() == [len(row) for row in rows]
    taken = data.draw(st.lists(st.integers(0, len(rows) - 1), max_size=8))
    assert rows_of(ragged.take(ints(*taken))) == [rows[row] for row in taken]
    assert ragged.values_V[ragged.places(ints(*taken))].tolist() == ragged.take(ints(*taken)).values_V.tolist()
    kept = ragged.select(ragged.values_V % 2 == 0)
    assert rows_of(kept) == [[value for value in row if value % 2 == 0] for row in rows]


def test_row_index_names_the_row_of_each_value() -> None:
    assert Ragged.from_rows([[7, 8], [], [9]]).row_index_V.tolist() == [0, 0, 2]
    assert len(Ragged.from_rows([])) == 0
    assert np.diff(Ragged.from_rows([[], []]).offsets).tolist() == [0, 0]


def test_taking_few_rows_of_many_costs_what_they_hold() -> None:
    many = Ragged(np.arange(4_000_001, dtype=np.int64), np.zeros(4_000_000, dtype=np.int64))
    tracemalloc.start()
    many.take(ints(3, 3_999_999))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 100_000  # bytes; an array over all rows has 32 million
