import numpy as np
import pytest

pytest.importorskip("implicit", reason="the package implicit comes with the extra 'bench'")

from benchmarks.baselines import als, bpr, ease, ease_weights
from bundle.columns import EncodedRecords
from tests.training.small_data import ints
from training.evaluate import Score
from training.evaluation_set import EvaluationSet
from training.ragged import Ragged

# Two groups of queries: 0-3 buy from items 0-2, 4-7 from items 3-5; queries 0 and 4 have not bought everything yet.
PAIRS = [(q, i) for q in range(8) for i in range(6) if (q < 4) == (i < 3) and (q, i) not in {(0, 2), (4, 5)}]
QUERY_P, ITEM_P = (np.array(column) for column in zip(*PAIRS, strict=True))


def held_out() -> EvaluationSet:
    rows = Ragged.from_rows([[0, 1], [3, 4]])
    return EvaluationSet(ints(0, 4), EncodedRecords({}, 2), Ragged.from_rows([[2], [5]]), rows, rows)


def test_ease_solves_the_ridge_regression_without_self_weights() -> None:
    rng = np.random.default_rng(0)
    query_P, item_P = rng.integers(0, 30, 150), rng.integers(0, 5, 150)
    weights = ease_weights(query_P, item_P, 5, regularisation=3.0)
    seen = np.zeros((30, 5))
    seen[query_P, item_P] = 1
    for item in range(5):  # column by column the problem is a plain ridge regression on the other items
        others = [i for i in range(5) if i != item]
        gram = seen[:, others].T @ seen[:, others] + 3.0 * np.eye(4)
        expected = np.linalg.solve(gram, seen[:, others].T @ seen[:, item])
        assert weights[others, item] == pytest.approx(expected, abs=1e-5)
        assert weights[item, item] == 0


def test_recency_ease_prefers_what_follows_the_last_item() -> None:
    weights = np.array([[0, 0, 1, 0], [0, 0, 0, 1], [0] * 4, [0] * 4], dtype=np.float32)
    rows = Ragged.from_rows([[0, 1], [1, 0]])
    evaluation_set = EvaluationSet(ints(0, 1), EncodedRecords({}, 2), rows, rows, rows)
    assert ease(weights, evaluation_set)(ints(0, 1))[:, 2:].tolist() == [[1, 1], [1, 1]]
    assert ease(weights, evaluation_set, recency_decay=1.0)(ints(0, 1))[:, 2:].tolist() == [[0.5, 1], [1, 0.5]]


@pytest.mark.parametrize(
    "score",
    [
        als(QUERY_P, ITEM_P, 8, 6, held_out(), seed=0, factors=4, regularisation=0.1),
        bpr(QUERY_P, ITEM_P, 8, 6, held_out(), seed=0, factors=4, learning_rate=0.1, iterations=200),
    ],
    ids=["als", "bpr"],
)
def test_factorisation_finds_the_missing_item_of_the_group(score: Score) -> None:
    scores = score(ints(0, 1))
    assert scores.shape == (2, 6)
    assert scores[0, 2] > scores[0, 3:].max()
    assert scores[1, 5] > scores[1, :3].max()
    assert score(ints(1))[0] == pytest.approx(scores[1], abs=1e-5)
