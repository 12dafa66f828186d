import pytest

from benchmarks.serving_parts.soak import Minute, rows_of_minutes
from benchmarks.serving_parts.watch import Held, slope


def test_a_slope_is_that_of_the_line_of_least_squares() -> None:
    assert slope([3.0, 5.0, 7.0]) == pytest.approx(2.0)
    assert slope([1.0, 3.0, 1.0, 3.0]) == pytest.approx(0.4)


def test_the_warm_up_is_left_out_of_what_grew_but_not_of_what_failed() -> None:
    minutes = [Minute(Held(rss_mb, 20, 9), 100, 1, 2.0, rss_mb / 10) for rss_mb in (10.0, 90.0, 100.0, 101.0, 102.0)]
    found = {row.metric: row.value for row in rows_of_minutes("soak", minutes)}
    assert (found["minutes"], found["requests"], found["failed"]) == (5, 500, 5)
    assert (found["rss_first_mb"], found["rss_last_mb"]) == (90.0, 102.0)
    assert found["rss_slope_mb_an_hour"] == pytest.approx(60 * 3.7)
    assert found["p99_first_ms"] == 9.0
