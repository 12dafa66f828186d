import numpy as np
import pytest

from evaluation.errors import UnknownMetric
from evaluation.judged.measure import JudgedMeasure, SumKind, rank_weights
from evaluation.metrics import Relevance

RANKS = np.array([1, 2, 3, 4, 0])
GRADES = np.array([0.0, 1.0, 3.0, np.nan])


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("dcg", [1, 1 / np.log2(3), 0.5, 0, 0]),
        ("precision", [1 / 3, 1 / 3, 1 / 3, 0, 0]),
        ("hits", [1, 1, 1, 0, 0]),
    ],
)
def test_weights_by_hand(kind: SumKind, expected: list[float]) -> None:
    np.testing.assert_allclose(rank_weights(kind, 3, RANKS), expected)


def test_gains_by_hand() -> None:
    exponential = Relevance(gain="exponential", above=1)
    np.testing.assert_array_equal(JudgedMeasure.parse("dcg@5", exponential).gains(GRADES), [0, 1, 7, np.nan])
    np.testing.assert_array_equal(JudgedMeasure.parse("recall@5", exponential).gains(GRADES), [0, 0, 1, np.nan])


@pytest.mark.parametrize("name", ["ndcg@10", "dcg", "dcg@0", "dcg@x", "map"])
def test_a_measure_that_is_no_sum_is_refused_with_what_to_take(name: str) -> None:
    with pytest.raises(UnknownMetric, match="dcg@k"):
        JudgedMeasure.parse(name)
