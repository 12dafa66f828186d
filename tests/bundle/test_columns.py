import numpy as np

from bundle.columns import DenseColumn, EncodedRecords, RaggedColumn


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
