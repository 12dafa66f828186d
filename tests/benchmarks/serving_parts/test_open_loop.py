import itertools
import statistics

import pytest

from benchmarks.serving_parts.open_loop import arrivals


def test_arrivals_are_a_poisson_process() -> None:
    times = list(arrivals(rate=1_000, seconds=20, seed=0))
    gaps = [b - a for a, b in itertools.pairwise(times)]
    assert times == sorted(times) and 0 <= times[0] and times[-1] < 20
    assert len(times) == pytest.approx(20_000, rel=0.03)
    # Exponential gaps: their deviation is their mean, and a share of 1/e is longer than it.
    assert statistics.pstdev(gaps) == pytest.approx(0.001, rel=0.05)
    assert sum(gap > 0.001 for gap in gaps) / len(gaps) == pytest.approx(0.368, abs=0.02)


def test_another_seed_is_another_draw() -> None:
    assert list(arrivals(100, 1, 0)) == list(arrivals(100, 1, 0)) != list(arrivals(100, 1, 1))
