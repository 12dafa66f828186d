"""Scores brought to one scale."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from index.common_scale import min_max, scaled, z_score


def test_by_hand() -> None:
    score_C = np.array([1, 3, 5, 7], dtype=np.float32)
    np.testing.assert_allclose(min_max(score_C), [0, 1 / 3, 2 / 3, 1], rtol=1e-6)
    np.testing.assert_allclose(z_score(score_C), (score_C - 4) / np.sqrt(5), rtol=1e-6)
    pool_C = np.array([True, True, False, False])
    np.testing.assert_allclose(z_score(score_C, pool_C), [-1, 1, 3, 5], rtol=1e-6)
    assert scaled(score_C, "min_max").tolist() == min_max(score_C).tolist()
    assert scaled(score_C, "z_score").tolist() == z_score(score_C).tolist()


@pytest.mark.parametrize("score_C", [[], [3.0], [0.1, 0.1, 0.1]])
def test_scores_that_are_all_alike_say_nothing(score_C: list[float]) -> None:
    for scale in (min_max, z_score):
        scaled_C = scale(np.array(score_C, dtype=np.float32))
        assert scaled_C.tolist() == [0.0] * len(score_C) and scaled_C.dtype == np.float32


@given(st.lists(st.floats(-1e6, 1e6, width=32), min_size=2, max_size=20))
def test_the_order_stays(scores: list[float]) -> None:
    score_C = np.array(scores, dtype=np.float32)
    for scale in (min_max, z_score):
        assert (np.diff(scale(score_C)[np.argsort(score_C)]) >= 0).all()
    assert min_max(score_C).min() == 0 and min_max(score_C).max() in (0, 1)
