import pytest

from service.pace import Pace


def test_work_that_was_never_done_is_expected_to_take_nothing() -> None:
    pace = Pace()
    pace.learn("search", 0, 5.0)
    assert pace.expected_s("search", 100) == 0


def test_the_first_run_counts_whole_and_later_ones_by_a_fifth() -> None:
    pace = Pace()
    pace.learn("search", 10, 1.0)
    assert pace.expected_s("search", 5) == pytest.approx(0.5)
    pace.learn("search", 1, 0.6)
    assert pace.expected_s("search", 1) == pytest.approx(0.8 * 0.1 + 0.2 * 0.6)
    assert pace.expected_s("embed", 1) == 0


def test_a_change_is_followed() -> None:
    pace = Pace()
    for seconds in [1.0] * 5 + [0.01] * 30:
        pace.learn("search", 1, seconds)
    assert pace.expected_s("search", 1) == pytest.approx(0.01, rel=0.2)
