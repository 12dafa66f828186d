import numpy as np
import pytest

from bundle.errors import ConfigError
from evaluation.judged.weights import rank_weights

RANKS = np.array([1, 2, 3, 4, 0])


@pytest.mark.parametrize(
    ("measure", "expected"),
    [
        ("dcg", [1, 1 / np.log2(3), 0.5, 0, 0]),
        ("precision", [1 / 3, 1 / 3, 1 / 3, 0, 0]),
        ("hits", [1, 1, 1, 0, 0]),
    ],
)
def test_weights_by_hand(measure: str, expected: list[float]) -> None:
    np.testing.assert_allclose(rank_weights(measure, 3, RANKS), expected)


def test_a_measure_that_is_no_sum_is_refused() -> None:
    with pytest.raises(ConfigError, match="no weighted sum"):
        rank_weights("ndcg", 3, RANKS)
