import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst
from sklearn.metrics import ndcg_score

from tests.training.small_data import ints
from training.errors import BadData, Diverged
from training.metrics import (
    graded_ndcg,
    precision,
    ranking_metrics,
    ranks_of,
    recall_by_band,
    top_k,
    top_k_union,
)
from training.ragged import FloatArray, Ragged

SCORES = npst.arrays(np.float32, (3, 9), elements=st.integers(0, 4).map(float))


def test_the_oracle_of_three_ranks() -> None:
    metrics = ranking_metrics(np.array([1.0, 3.0, 11.0]), ints(0, 1, 2), 3, [10])
    assert metrics["recall@10"] == pytest.approx(2 / 3)
    assert metrics["hit_rate@10"] == pytest.approx(2 / 3)
    assert metrics["ndcg@10"] == pytest.approx(0.5)
    assert metrics["mrr@10"] == pytest.approx((1 + 1 / 3) / 3)
    assert metrics["mrr"] == pytest.approx((1 + 1 / 3 + 1 / 11) / 3)


def test_several_relevant_items_of_one_query() -> None:
    metrics = ranking_metrics(np.array([2.0, 4.0, 30.0]), ints(0, 0, 0), 1, [3, 5])
    assert metrics["recall@3"] == pytest.approx(1 / 3)
    assert metrics["recall@5"] == pytest.approx(2 / 3)
    ideal = 1 + 1 / math.log2(3) + 1 / math.log2(4)
    assert metrics["ndcg@5"] == pytest.approx((1 / math.log2(3) + 1 / math.log2(5)) / ideal)
    assert metrics["mrr@3"] == pytest.approx(0.5)


def test_a_tied_item_takes_the_middle_place() -> None:
    scores = np.array([[3, 1, 1, 1, 0]], dtype=np.float32)
    assert ranks_of(scores, Ragged.from_rows([[2]])).tolist() == [1 + 1 + 0.5 * 2]
    assert ranks_of(scores, Ragged.from_rows([[0, 4]])).tolist() == [1.0, 5.0]


def test_tied_relevant_items_share_out_their_places() -> None:
    scores = np.array([[1, 1, 1, 0]], dtype=np.float32)
    assert ranks_of(scores, Ragged.from_rows([[0, 1, 2]])).tolist() == [1.0, 2.0, 3.0]
    assert ranks_of(scores, Ragged.from_rows([[0, 2]])) == pytest.approx([4 / 3, 8 / 3])  # expected order statistics


@given(SCORES, st.integers(0, 8))
def test_a_single_relevant_item_follows_the_rank_formula(scores: FloatArray, item: int) -> None:
    ranks = ranks_of(scores, Ragged.from_rows([[item]] * 3))
    for row in range(3):
        better = (scores[row] > scores[row, item]).sum()
        ties = (scores[row] == scores[row, item]).sum() - 1
        assert ranks[row] == 1 + better + 0.5 * ties


@given(SCORES, st.sets(st.integers(0, 8), min_size=1), st.integers(1, 9))
def test_metrics_stay_within_their_bounds(scores: FloatArray, items: set[int], k: int) -> None:
    relevant = Ragged.from_rows([sorted(items)] * 3)
    ranks = ranks_of(scores, relevant)
    metrics = ranking_metrics(ranks, relevant.row_index_V, 3, [k])
    assert 0 <= metrics[f"ndcg@{k}"] <= 1 + 1e-12
    assert metrics[f"recall@{k}"] * len(items) <= k + 1e-12
    assert metrics[f"recall@{k}"] <= metrics[f"hit_rate@{k}"] <= 1
    assert 1 <= ranks.min()
    assert ranks.max() <= 9


@given(SCORES, st.integers(1, 12))
def test_top_k_union_equals_sorting(scores: FloatArray, k: int) -> None:
    scores[0, :3] = -np.inf
    expected = set()
    for row in range(3):
        order = sorted(range(9), key=lambda item: (-scores[row, item], item))
        expected |= {item for item in order[:k] if scores[row, item] > -np.inf}
    assert set(np.flatnonzero(top_k_union(scores, k))) == expected


def test_a_nan_score_is_an_error() -> None:
    with pytest.raises(Diverged, match="NaN"):
        ranks_of(np.array([[0.0, np.nan]], dtype=np.float32), Ragged.from_rows([[0]]))


@given(SCORES, st.integers(1, 12))
def test_top_k_equals_sorting(scores: FloatArray, k: int) -> None:
    scores[0, :7] = -np.inf
    for row, found in enumerate(top_k(scores, k).tolist()):
        order = sorted((item for item in range(9) if scores[row, item] > -np.inf), key=lambda i: (-scores[row, i], i))
        assert [item for item in found if item >= 0] == order[:k]
        assert len(found) == min(k, 9)


def test_precision_divides_by_the_places() -> None:
    result = precision(np.array([1.0, 3.0, 2.0]), ints(0, 0, 1), 2, [1, 3])
    assert result == {"precision@1": 0.5 / 1, "precision@3": pytest.approx((2 / 3 + 1 / 3) / 2)}


def test_graded_ndcg_by_hand() -> None:
    # Query 0: grade 3 on place 2, grade 1 on place 1. Query 1 has no grade above 0 and is left out.
    result = graded_ndcg(np.array([2.0, 1.0, 1.0]), ints(0, 0, 1), np.array([3, 1, 0], dtype=np.float32), 2, [1, 2])
    assert result["graded_ndcg@1"] == pytest.approx(1 / 3)
    assert result["graded_ndcg@2"] == pytest.approx((1 + 3 / math.log2(3)) / (3 + 1 / math.log2(3)))
    with pytest.raises(BadData, match="a grade is -1"):
        graded_ndcg(np.array([1.0]), ints(0), np.array([-1], dtype=np.float32), 1, [1])
    assert math.isnan(graded_ndcg(np.array([1.0]), ints(0), np.array([0], dtype=np.float32), 1, [1])["graded_ndcg@1"])


@given(
    npst.arrays(np.float32, (3, 9), elements=st.floats(0, 1, width=32), unique=True),
    npst.arrays(np.float32, (3, 9), elements=st.integers(0, 3).map(float)),
    st.integers(1, 9),
)
def test_graded_ndcg_equals_scikit_learn(scores: FloatArray, grades: FloatArray, k: int) -> None:
    grades[:, 0] = 1  # scikit-learn counts a query with nothing to find as 0, here it is left out
    relevant = Ragged.from_rows([np.flatnonzero(row) for row in grades])
    gains = grades[relevant.row_index_V, relevant.values_V]
    found = graded_ndcg(ranks_of(scores, relevant), relevant.row_index_V, gains, 3, [k])
    assert found[f"graded_ndcg@{k}"] == pytest.approx(ndcg_score(grades, scores, k=k))


def test_equal_grades_are_plain_ndcg() -> None:
    ranks, rows = np.array([2.0, 4.0, 1.0]), ints(0, 0, 1)
    graded = graded_ndcg(ranks, rows, np.array([2, 2, 5], dtype=np.float32), 2, [3])
    assert graded["graded_ndcg@3"] == pytest.approx(ranking_metrics(ranks, rows, 2, [3])["ndcg@3"])


def test_bands_share_out_items_and_pairs() -> None:
    counts = ints(0, 1, 4, 5, 20, 99, 100, 4000)
    found = recall_by_band(np.array([1.0, 11.0, 10.0, 2.0, 50.0]), ints(0, 1, 2, 5, 7), counts, 10)
    assert [(band.label, band.items, band.relevant, band.hits) for band in found] == [
        ("0", 1, 1, 1),
        ("1–4", 2, 2, 1),
        ("5–19", 1, 0, 0),
        ("20–99", 2, 1, 1),
        ("100+", 2, 1, 0),
    ]
    assert [band.recall for band in found if band.relevant] == [1, 0.5, 1, 0]
    assert math.isnan(found[2].recall)
