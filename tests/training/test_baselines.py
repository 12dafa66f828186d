import numpy as np
import pytest

from bundle.columns import EncodedRecords
from tests.training.small_data import ints
from training import baselines
from training.baselines import ItemKnn, history_matrix, popularity, popularity_scores
from training.evaluation_set import EvaluationSet
from training.ragged import Ragged

# Queries of the items: 0 -> {0, 1}, 1 -> {0, 1, 2}, 2 -> {2}; the pair (0, 0) stands twice.
QUERY_P = ints(0, 1, 0, 1, 1, 2, 0)
ITEM_P = ints(0, 0, 1, 1, 2, 2, 0)


def with_history(*history: list[int]) -> EvaluationSet:
    rows = Ragged.from_rows(history)
    return EvaluationSet(np.arange(len(history)), EncodedRecords({}, len(history)), rows, rows, rows)


def test_popularity_counts_interactions_and_scores_all_queries_alike() -> None:
    assert popularity_scores(ints(2, 0, 2), 4).tolist() == [1, 0, 2, 0]
    assert popularity(ints(2, 0, 2), 4)(ints(0, 5)).tolist() == [[1, 0, 2, 0]] * 2


def test_item_knn_is_the_cosine_of_binary_columns() -> None:
    knn = ItemKnn.fit(QUERY_P, ITEM_P, 4, k=3)
    # cos(0, 1) = 2 / sqrt(2 * 2) = 1; cos(0, 2) = 1 / sqrt(2 * 2) = .5; item 3 was never bought
    expected = [[0, 1, 0.5, 0], [1, 0, 0.5, 0], [0.5, 0.5, 0, 0], [0, 0, 0, 0]]
    assert knn.similarity_NN.todense() == pytest.approx(np.array(expected))
    scores = knn.scorer(with_history([2], [0, 1], []))(ints(0, 1, 2))
    assert scores == pytest.approx(np.array([[0.5, 0.5, 0, 0], [1, 1, 1, 0], [0, 0, 0, 0]]))
    assert scores.dtype == np.float32


def test_neighbours_are_kept_for_the_candidate_or_for_the_history_item() -> None:
    candidate = ItemKnn.fit(QUERY_P, ITEM_P, 4, k=1).similarity_NN.todense()
    assert candidate == pytest.approx(np.array([[0, 1, 0.5, 0], [1, 0, 0, 0], [0, 0, 0, 0], [0, 0, 0, 0]]))
    history = ItemKnn.fit(QUERY_P, ITEM_P, 4, k=1, neighbours_of="history").similarity_NN.todense()
    assert history == pytest.approx(candidate.T)


def test_blocks_of_columns_do_not_change_the_neighbours(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(1)
    query_P, item_P = rng.integers(0, 20, 300), rng.integers(0, 30, 300)
    whole = ItemKnn.fit(query_P, item_P, 30, k=4).similarity_NN.todense()
    monkeypatch.setattr(baselines, "_COLUMNS", 7)
    assert ItemKnn.fit(query_P, item_P, 30, k=4).similarity_NN.todense() == pytest.approx(whole)
    assert ((whole > 0).sum(axis=0) <= 4).all()


def test_recency_weighs_the_end_of_the_history_and_a_repeat_by_its_latest_place() -> None:
    weights = history_matrix(with_history([3, 1, 3, 0], [2]), ints(1, 0), 4, recency_decay=1.0).todense()
    assert weights == pytest.approx(np.array([[0, 0, 1, 0], [1, 1 / 3, 0, 1 / 2]]))
    flat = history_matrix(with_history([3, 1, 3, 0]), ints(0), 4, recency_decay=0.0).todense()
    assert flat.tolist() == [[1, 1, 0, 1]]
