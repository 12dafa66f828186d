import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import skew

from bundle.hubness import Hubness, skewness


def test_a_hub_is_counted_and_found() -> None:
    found = Hubness.of(np.array([[0, 1], [0, 2], [0, -1]]), 5)
    assert found.occurrence_N.tolist() == [3, 1, 1, 0, 0]
    assert (found.hub, found.hub_share, found.never) == (0, 1.0, 0.4)
    assert found.skew == pytest.approx(skew([3, 1, 1, 0, 0]))
    assert found.robin_hood == pytest.approx(2 / 5)  # two of the hub's three places would go to those without


def test_items_shown_alike_have_no_skew() -> None:
    assert skewness(np.array([4, 4, 4])) == 0
    assert skewness(np.array([0, 2, 4])) == pytest.approx(0)
    assert skewness(np.array([0] * 99 + [50])) > 9
    assert Hubness(np.array([4, 4, 4]), 6).robin_hood == 0


@given(st.integers(1, 6), st.integers(1, 20), st.integers(1, 5))
def test_all_places_are_counted_once(n_items: int, n_queries: int, k: int) -> None:
    items_RK = np.random.default_rng(n_queries).integers(0, n_items, (n_queries, k))
    found = Hubness.of(items_RK, n_items)
    assert found.occurrence_N.sum() == n_queries * k
    assert 0 <= found.robin_hood < 1
