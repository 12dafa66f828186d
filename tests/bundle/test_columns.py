import itertools

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from bundle.columns import DenseColumn, EncodedRecords, RaggedColumn, batches_of_like_length


def _ragged(lists: list[list[int]], width: int | None = None) -> RaggedColumn:
    values = np.array([value for part in lists for value in part], dtype=np.int32)
    offsets = np.cumsum([0, *(len(part) for part in lists)]).astype(np.int64)
    return RaggedColumn(values, offsets, width)


def test_lists_are_padded_to_the_longest_of_the_batch() -> None:
    column = _ragged([[1, 2, 3], [], [4]])
    assert column.batch(None).tolist() == [[1, 2, 3], [0, 0, 0], [4, 0, 0]]
    assert column.batch(np.array([2, 1])).tolist() == [[4], [0]]
    assert column.batch(np.array([1])).tolist() == [[0]]  # a graph needs at least one position
    assert column.batch(np.array([0, 0])).tolist() == [[1, 2, 3], [1, 2, 3]]


def test_a_fixed_width_is_kept() -> None:
    assert _ragged([[1], [2, 3]], width=4).batch(None).tolist() == [[1, 0, 0, 0], [2, 3, 0, 0]]
    assert _ragged([], width=4).batch(None).shape == (0, 4)


def test_parts_join_in_order() -> None:
    parts = [
        EncodedRecords({"a": _ragged([[1], [2, 2]]), "b": DenseColumn(np.array([1, 2]))}, 2),
        EncodedRecords({"a": _ragged([]), "b": DenseColumn(np.array([], dtype=np.int64))}, 0),
        EncodedRecords({"a": _ragged([[3]]), "b": DenseColumn(np.array([3]))}, 1),
    ]
    joined = EncodedRecords.concatenate(parts)
    assert len(joined) == 3
    arrays = joined.batch()
    assert arrays["a"].tolist() == [[1, 0], [2, 2], [3, 0]]
    assert arrays["b"].tolist() == [1, 2, 3]


def test_lengths_count_free_lists_alone() -> None:
    columns = {"a": _ragged([[1, 2, 3], [], [4]]), "b": _ragged([[1], [2], [3]], width=5), "c": _ragged([[9]] * 3)}
    assert EncodedRecords({**columns, "d": DenseColumn(np.zeros((3, 7)))}, 3).lengths().tolist() == [4, 1, 2]
    assert EncodedRecords({"b": columns["b"]}, 3).lengths().tolist() == [0, 0, 0]


@given(st.lists(st.integers(0, 40), max_size=60), st.integers(1, 9), st.integers(1, 100))
def test_batches_of_like_length_hold_every_row_once_within_their_limits(
    lengths: list[int], rows: int, values: int
) -> None:
    length_N = np.array(lengths, dtype=np.int64)
    batches = batches_of_like_length(length_N, rows, values)
    assert sorted(row for batch in batches for row in batch.tolist()) == list(range(len(lengths)))
    longest = [int(length_N[batch].max()) for batch in batches]
    assert longest == sorted(longest)
    for batch, width in zip(batches, longest, strict=True):
        assert 1 <= len(batch) <= rows
        assert len(batch) == 1 or len(batch) * width <= values
    for batch, following in itertools.pairwise(batches):  # none could have taken the next row too
        width = int(length_N[following[0]])
        assert len(batch) == rows or (len(batch) + 1) * width > values


def test_rows_of_one_length_stay_in_order() -> None:
    assert [batch.tolist() for batch in batches_of_like_length(np.zeros(5, dtype=np.int64), 2, 10)] == [
        [0, 1],
        [2, 3],
        [4],
    ]
