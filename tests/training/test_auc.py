import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst
from sklearn.metrics import precision_recall_curve, roc_auc_score, roc_curve

from bundle.columns import EncodedRecords
from training.auc import (
    PooledAuc,
    PooledScores,
    Roc,
    Threshold,
    auc,
    evenly,
    per_query_auc,
    pooled_scores,
    split_queries,
)
from training.errors import BadData
from training.evaluation_set import EvaluationSet
from training.ragged import FloatArray, Ragged

TIED = npst.arrays(np.float32, st.integers(1, 12), elements=st.integers(0, 5).map(lambda n: n / 5))


def floats(*values: float) -> FloatArray:
    return np.array(values, dtype=np.float32)


def queries(relevant: list[list[int]], seen: list[list[int]]) -> EvaluationSet:
    n = len(relevant)
    rows = Ragged.from_rows(seen)
    return EvaluationSet(np.arange(n), EncodedRecords({}, n), Ragged.from_rows(relevant), rows, rows)


def test_the_oracles_of_the_loss_that_the_protocol_belongs_to() -> None:
    assert auc(floats(0.8, 0.6), floats(0.3, 0.5)) == 1.0
    assert auc(floats(0.8, 0.4), floats(0.3, 0.5)) == 0.75
    assert auc(floats(0.5), floats(0.5, 0.1)) == 0.75  # a tie is half a win
    assert np.isnan(auc(floats(), floats(0.1)))


def test_an_offset_of_a_whole_query_costs_pooled_auc_but_no_rank() -> None:
    scores = np.array([[0.9, 0.5], [0.2, 0.6]], dtype=np.float32)
    evaluation_set = queries([[0], [1]], [[], []])
    plain = PooledAuc.of(pooled_scores(lambda rows: scores[rows], evaluation_set))
    shifted_scores = scores + floats(1, 0)[:, None]
    shifted = PooledAuc.of(pooled_scores(lambda rows: shifted_scores[rows], evaluation_set))
    assert plain is not None
    assert shifted is not None
    assert (plain.pooled, plain.per_query) == (1.0, 1.0)
    assert (shifted.pooled, shifted.per_query, shifted.calibration_gap) == (0.75, 1.0, 0.25)


@given(TIED, TIED)
def test_auc_and_curve_equal_scikit_learn(positive: FloatArray, negative: FloatArray) -> None:
    score, label = np.concatenate([positive, negative]), np.repeat([1, 0], [len(positive), len(negative)])
    assert auc(positive, negative) == pytest.approx(roc_auc_score(label, score))
    fpr, tpr, _ = roc_curve(label, score, drop_intermediate=False)
    roc = Roc.of(positive, negative)
    assert roc.fpr_T == pytest.approx(fpr[1:])
    assert roc.tpr_T == pytest.approx(tpr[1:])
    for limit in (0.01, 0.3):
        assert roc.tpr_at(limit) == pytest.approx(tpr[fpr <= limit].max())


@given(TIED, TIED)
def test_the_threshold_has_the_best_f1(positive: FloatArray, negative: FloatArray) -> None:
    score, label = np.concatenate([positive, negative]), np.repeat([1, 0], [len(positive), len(negative)])
    precision, recall, _ = precision_recall_curve(label, score)
    best = (2 * precision * recall / np.maximum(precision + recall, 1e-9)).max()
    scores = PooledScores(positive, np.zeros(len(positive), dtype=np.int64), negative[None])
    found = Threshold.measured(Roc.of(positive, negative).best_threshold(), scores)
    assert found.f1 == pytest.approx(best)


def test_negatives_are_the_best_items_that_are_neither_relevant_nor_seen() -> None:
    scores = np.arange(12, dtype=np.float32).reshape(2, 6)
    found = pooled_scores(lambda rows: scores[rows], queries([[5, 0], [1]], [[4], []]), negatives=2)
    assert found.positive_V.tolist() == [5, 0, 7]
    assert found.row_V.tolist() == [0, 0, 1]
    assert found.negative_RK.tolist() == [[3, 2], [11, 10]]
    repeats = pooled_scores(lambda rows: scores[rows], queries([[4]], [[4, 5]]), exclude_seen=False, negatives=5)
    assert repeats.positive_V.tolist() == [4]  # bought again, so still to be found; the other seen item is no negative
    assert repeats.negative_RK.tolist() == [[3, 2, 1, 0, -np.inf]]
    with pytest.raises(BadData, match="no query"):
        pooled_scores(lambda rows: scores[rows], queries([[4]], [[4]]))


@given(npst.arrays(np.float32, (4, 7), elements=st.integers(0, 4).map(float)), st.sets(st.integers(0, 6), max_size=6))
def test_per_query_auc_is_the_mean_of_the_queries_own(scores: FloatArray, seen: set[int]) -> None:
    relevant = [[row] for row in range(4)]
    evaluation_set = queries(relevant, [sorted(seen - {row}) for row in range(4)])
    found = pooled_scores(lambda rows: scores[rows], evaluation_set)
    own = []
    for row in range(4):
        rest = [item for item in range(7) if item != row and item not in seen]
        if rest:
            own.append(auc(scores[row, [row]], scores[row, rest]))
    assert per_query_auc(found) == pytest.approx(np.mean(own))


def test_without_a_negative_there_is_no_curve() -> None:
    assert PooledAuc.of(PooledScores(floats(0.5), np.zeros(1, dtype=np.int64), floats(-np.inf)[None])) is None


def test_halves_hold_every_query_once() -> None:
    scores = PooledScores(floats(1, 2, 3, 4), np.array([0, 0, 1, 2]), floats(9, 8, 7)[:, None])
    first, second = split_queries(scores)
    assert (first.positive_V.tolist(), first.row_V.tolist(), first.negative_RK.tolist()) == (
        [1, 2, 4],
        [0, 0, 1],
        [[9], [7]],
    )
    assert (second.positive_V.tolist(), second.row_V.tolist(), second.negative_RK.tolist()) == ([3], [0], [[8]])


def test_evenly_keeps_both_ends() -> None:
    assert evenly(np.arange(100), 3).tolist() == [0, 49, 99]
    assert evenly(np.arange(3), 5).tolist() == [0, 1, 2]


def test_a_threshold_that_accepts_nothing_has_no_precision() -> None:
    scores = PooledScores(floats(0.2), np.zeros(1, dtype=np.int64), floats(0.1)[None])
    assert Threshold.measured(0.9, scores) == Threshold(0.9, 0.0, 0.0)
    assert Threshold(0.9, 0.0, 0.0).f1 == 0
