"""The running estimate of what work takes."""

import pytest

from bundle.rerankers.rate import WorkRate


def test_it_is_a_cautious_mean_of_the_last_measurements() -> None:
    rate = WorkRate()
    assert rate.seconds(10) is None
    rate.add(10, 1.0)
    assert rate.seconds(5) == pytest.approx(0.5)
    for seconds in (2.0, 60.0):  # a slow one among several moves nothing
        rate.add(10, seconds)
    assert rate.seconds(10) == pytest.approx(2.0)
    for seconds in range(1, 21):  # of the last 15, which took 6 to 20 seconds, the third slowest
        rate.add(2, seconds)
    assert rate.seconds(2) == pytest.approx(18.0)


def test_a_block_is_measured_unless_it_fails() -> None:
    rate = WorkRate()
    with pytest.raises(ZeroDivisionError), rate.measured(3):
        _ = 1 // 0
    assert rate.seconds(1) is None
    with rate.measured(3):
        pass
    seconds = rate.seconds(1)
    assert seconds is not None and seconds >= 0


def test_what_was_measured_long_ago_is_not_known_any_more() -> None:
    now = 0.0
    rate = WorkRate(lambda: now)
    rate.add(1, 60.0)  # larger than any budget, so that nothing would ever be measured again
    now = 9.0
    assert rate.seconds(1) == pytest.approx(60.0)
    rate.add(1, 2.0)
    now = 11.0
    assert rate.seconds(1) == pytest.approx(2.0)
    now = 19.5
    assert rate.seconds(1) is None
