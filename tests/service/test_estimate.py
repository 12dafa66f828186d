import numpy as np
import pytest

from service.estimate import Estimate, estimate


def test_the_interval_is_as_wide_as_the_searches_disagree() -> None:
    one = estimate(np.array([1.0, 0.8] * 200))
    assert one.mean == pytest.approx(0.9)
    assert one.high - one.mean == pytest.approx(1.96 * 0.1001 / 20, rel=0.01)


def test_searches_that_all_agree_still_leave_a_doubt() -> None:
    assert estimate([1.0] * 300) == Estimate(1.0, 0.99, 1.0, 300)
    assert estimate([False]) == Estimate(0.0, 0.0, 1.0, 1)
