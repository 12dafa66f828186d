import numpy as np
import pytest

from index.cur.paid_scores import FloatArray, IntArray, PaidScores


def squares(rows_M: IntArray) -> FloatArray:
    return (-((rows_M - 3.0) ** 2)).astype(np.float32)


def test_the_best_are_ordered_by_score_then_row() -> None:
    paid = PaidScores(squares, 5)
    paid.pay(np.array([4, 9]))
    paid.pay(np.array([2, 3]))
    scores, rows = paid.best(3)
    assert rows.tolist() == [3, 2, 4]
    assert scores.tolist() == [0, -1, -1]
    assert (paid.calls, paid.left) == (4, 1)


def test_nothing_is_paid_twice_or_beyond_the_budget() -> None:
    paid = PaidScores(squares, 3)
    paid.pay(np.array([4]))
    with pytest.raises(ValueError, match="scored twice"):
        paid.pay(np.array([5, 4]))
    with pytest.raises(ValueError, match="scored twice"):
        paid.pay(np.array([5, 5]))
    with pytest.raises(ValueError, match="3 more calls of the cross-encoder, but the budget has 2 left"):
        paid.pay(np.array([5, 6, 7]))
    assert paid.calls == 1
