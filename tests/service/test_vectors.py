import numpy as np
import pytest

from service.errors import InvalidRequest
from service.vectors import read_vectors


def test_reads_whole_and_decimal_numbers() -> None:
    vectors_BD = read_vectors("vectors", [[1, 2], [0.5, -3]], 2)
    assert vectors_BD.dtype == np.float32
    np.testing.assert_array_equal(vectors_BD, [[1, 2], [0.5, -3]])


@pytest.mark.parametrize(
    ("vectors", "named"),
    [
        ([[1, 2], [1]], r"vectors\[1\] has 1 numbers"),
        ([[1, 2, 3]], r"vectors\[0\] has 3 numbers"),
        ([[1, 2], 5], r"vectors\[1\] must be a list"),
        ([[1, 2], [1, "2"]], r"vectors\[1\]\[1\] must be a number"),
        ([["1", "2"]], r"vectors\[0\]\[0\] must be a number"),
        ([[1, None]], r"vectors\[0\]\[1\] must be a number"),
        ([[True, False]], r"vectors\[0\]\[0\] must be a number"),
        ([[1, 2], [0.5, True]], r"vectors\[1\]\[1\] must be a number"),
        ([[False, 2]], r"vectors\[0\]\[0\] must be a number"),
        ([[1, [2]]], r"vectors\[0\]\[1\] must be a number"),
        ([[[1], [2]]], r"vectors\[0\]\[0\] must be a number"),
        ([[1, 2], [1, 1e39]], r"vectors\[1\] holds a number outside float32"),
        ([[float("nan"), 1]], r"vectors\[0\] holds a number outside float32"),
        ([[10**30, 1]], r"vectors"),
    ],
)
def test_the_first_fault_is_named(vectors: list[object], named: str) -> None:
    with pytest.raises(InvalidRequest, match=named):
        read_vectors("vectors", vectors, 2)
