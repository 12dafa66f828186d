import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from tests.training.small_data import ints
from training.metrics import ranks_of
from training.propensity import PropensityConfig, psp
from training.ragged import FloatArray, Ragged


def test_weights_are_inverse_propensities() -> None:
    weights = PropensityConfig(a=0.55, b=1.5).weights(ints(0, 1, 100), 1000)
    c = (math.log(1000) - 1) * 2.5**0.55
    assert weights == pytest.approx([1 + c / 1.5**0.55, 1 + c / 2.5**0.55, 1 + c / 101.5**0.55])
    assert weights[1] == pytest.approx(math.log(1000))  # an item seen once weighs log n, whatever a and b
    assert PropensityConfig().weights(ints(0, 5), 2).tolist() == [1, 1]


def test_psp_is_a_share_of_the_best_reachable() -> None:
    weight = np.array([5.0, 1.0, 2.0])  # query 0 has items of weight 5 and 1, query 1 one of weight 2
    result = psp(np.array([4.0, 1.0, 1.0]), ints(0, 0, 1), weight, 2, [1, 2, 5])
    assert result["psp@1"] == pytest.approx((1 + 2) / (5 + 2))
    assert result["psp@2"] == pytest.approx((1 + 2) / (6 + 2))
    assert result["psp@5"] == 1


@given(
    npst.arrays(np.float32, (3, 8), elements=st.floats(0, 1, width=32), unique=True),
    npst.arrays(np.int64, 8, elements=st.integers(0, 50)),
    st.sets(st.integers(0, 7), min_size=1),
    st.integers(1, 8),
)
def test_psp_equals_the_definition(scores: FloatArray, count: np.ndarray, items: set[int], k: int) -> None:
    weight = PropensityConfig().weights(count, 500)
    relevant = Ragged.from_rows([sorted(items)] * 3)
    ranks = ranks_of(scores, relevant)
    found = psp(ranks, relevant.row_index_V, weight[relevant.values_V], 3, [k])[f"psp@{k}"]
    reached = sum(weight[item] for row in scores for item in np.argsort(-row)[:k] if item in items)
    best = 3 * sum(sorted((weight[item] for item in items), reverse=True)[:k])
    assert found == pytest.approx(reached / best)
    assert 0 <= found <= 1 + 1e-12
