import base64

import numpy as np
import pytest

from service.errors import InvalidRequest
from service.vectors import read_vectors


def test_reads_whole_and_decimal_numbers() -> None:
    vectors_BD = read_vectors("vectors", [[1, 2], [0.5, -3]], 2)
    assert vectors_BD.dtype == np.float32
    np.testing.assert_array_equal(vectors_BD, [[1, 2], [0.5, -3]])


def test_base64_is_little_endian_float32() -> None:
    values = np.random.default_rng(0).standard_normal((3, 5)).astype(np.float32)
    texts = [base64.b64encode(row.astype("<f4").tobytes()).decode() for row in values]
    np.testing.assert_array_equal(read_vectors("vectors", texts, 5), values)


def test_what_is_read_is_what_float32_makes_of_it() -> None:
    values = np.random.default_rng(0).standard_normal((5, 7)) * 10.0 ** np.arange(-4, 3)
    np.testing.assert_array_equal(read_vectors("vectors", values.tolist(), 7), values.astype(np.float32))
    np.testing.assert_array_equal(
        read_vectors("vectors", [[2**53 + 1, -(2**63)]], 2), np.array([[2**53, -(2**63)]], dtype=np.float32)
    )


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
        ([[10**400, 1]], r"vectors"),
        ([{"a": 1, "b": 2}], r"vectors\[0\] must be a list"),
        ([[1, 2], "AACAPwAAAEA="], r"vectors\[1\] must be a list"),
        (["AACAPwAAAEA=", "?"], r"vectors\[1\] is not base64"),
        (["AACAPwAAAEA=", "caf\u00e9"], r"vectors\[1\] is not base64"),
        (["AACAPw=="], r"vectors\[0\] has 4 bytes, but 2 float32 numbers have 8"),
        (["AACAfwAAAEA="], r"vectors\[0\] holds a number outside float32"),
        ([], r"vectors must hold lists of 2 numbers"),
    ],
)
def test_the_first_fault_is_named(vectors: list[object], named: str) -> None:
    with pytest.raises(InvalidRequest, match=named):
        read_vectors("vectors", vectors, 2)
