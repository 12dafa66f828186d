import numpy as np
import pytest

from index.cur.prior import DensePrior


def test_the_line_is_that_of_least_squares() -> None:
    rng = np.random.default_rng(0)
    dense_NQ = rng.standard_normal((50, 4))
    score_NQ = 2 - 3 * dense_NQ + rng.standard_normal((50, 4))
    prior = DensePrior.fit(dense_NQ, score_NQ)
    assert (prior.slope, prior.intercept) == pytest.approx(tuple(np.polyfit(dense_NQ.ravel(), score_NQ.ravel(), 1)))
    np.testing.assert_allclose(prior(np.array([0.0, 1.0])), [prior.intercept, prior.intercept + prior.slope])


def test_equal_dense_scores_leave_the_mean() -> None:
    assert DensePrior.fit(np.ones((2, 2)), np.array([[1.0, 2.0], [3.0, 6.0]])) == DensePrior(slope=0, intercept=3)
