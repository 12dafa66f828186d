import pytest

from evaluation.normal_estimate import NormalEstimate, z_value


def test_an_interval_reaches_196_standard_errors_to_each_side() -> None:
    estimate = NormalEstimate.normal(2.0, 0.5)
    assert (estimate.low, estimate.high) == pytest.approx((2 - 0.979982, 2 + 0.979982), abs=1e-6)
    assert estimate.covers(2.9) and not estimate.covers(3.0)
    assert estimate.flat()["level"] == 0.95


@pytest.mark.parametrize("level", [0, 1, -0.5, 1.2])
def test_a_level_outside_is_refused(level: float) -> None:
    with pytest.raises(ValueError, match="between 0 and 1"):
        z_value(level)
