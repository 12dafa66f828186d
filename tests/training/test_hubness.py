import numpy as np
import pytest
from scipy.stats import skew

from tests.training.small_data import ints
from training.hubness import Hubness, skewness


def test_a_hub_is_counted_and_found() -> None:
    found = Hubness.of(np.array([[0, 1], [0, 2], [0, -1]]), 5)
    assert found.occurrence_N.tolist() == [3, 1, 1, 0, 0]
    assert (found.hub, found.hub_share, found.never) == (0, 1.0, 0.4)
    assert found.skew == pytest.approx(skew([3, 1, 1, 0, 0]))


def test_items_shown_alike_have_no_skew() -> None:
    assert skewness(ints(4, 4, 4)) == 0
    assert skewness(ints(0, 2, 4)) == pytest.approx(0)
    assert skewness(ints(*[0] * 99, 50)) > 9
