from dataclasses import replace

import numpy as np
import pytest

from bundle.columns import EncodedRecords
from tests.training.small_data import ints
from training import evaluate as evaluate_module
from training.errors import BadData
from training.evaluate import evaluate, rank, top_hits
from training.evaluation_set import EvaluationSet
from training.ragged import FloatArray, IntArray, Ragged

SCORES_QN = np.array([[5, 4, 3, 2, 1], [1, 2, 3, 4, 5], [9, 0, 0, 0, 0]], dtype=np.float32)


def score(rows: IntArray) -> FloatArray:
    return SCORES_QN[rows]


def queries(relevant: list[list[int]], seen: list[list[int]]) -> EvaluationSet:
    n = len(relevant)
    return EvaluationSet(
        np.arange(n), EncodedRecords({}, n), Ragged.from_rows(relevant), Ragged.from_rows(seen), Ragged.from_rows(seen)
    )


def test_seen_items_are_no_candidates() -> None:
    evaluation_set = queries([[2], [0]], [[0, 1], []])
    metrics = evaluate(score, evaluation_set, [1, 2])
    assert metrics["recall@1"] == 0.5  # query 0: items 0 and 1 are seen, so item 2 comes first; query 1: rank 5
    assert metrics["mrr"] == pytest.approx((1 + 1 / 5) / 2)
    assert evaluate(score, evaluation_set, [1, 2], exclude_seen=False)["mrr"] == pytest.approx((1 / 3 + 1 / 5) / 2)
    assert score(ints(0))[0, 0] == 5  # the caller's scores are left alone


def test_barred_items_are_no_candidates_whether_seen_ones_are_or_not() -> None:
    evaluation_set = replace(queries([[2], [0]], [[1], []]), barred=Ragged.from_rows([[0], [4]]))
    assert rank(score, evaluation_set, [1], exclude_seen=False).ranks_V.tolist() == [2, 4]
    assert rank(score, evaluation_set, [1], exclude_seen=True).ranks_V.tolist() == [1, 4]


def test_repeat_purchases_are_no_longer_relevant_and_are_counted() -> None:
    evaluation_set = queries([[0, 3], [4], [0]], [[0], [], [0]])
    metrics = evaluate(score, evaluation_set, [3])
    assert (metrics["queries"], metrics["relevant"], metrics["relevant_seen"]) == (2, 2, 2)
    assert metrics["recall@3"] == 1.0  # query 0 has item 3 left, at rank 3 behind 1 and 2; query 1 has item 4 first
    assert metrics["mrr"] == pytest.approx((1 / 3 + 1) / 2)
    repeats = evaluate(score, evaluation_set, [3], exclude_seen=False)
    assert (repeats["queries"], repeats["relevant"], repeats["relevant_seen"]) == (3, 4, 0)


def test_coverage_counts_what_any_query_is_shown() -> None:
    metrics = evaluate(score, queries([[1], [1], [1]], [[], [], []]), [1, 2])
    assert metrics["coverage@1"] == pytest.approx(2 / 5)  # items 0 and 4
    assert metrics["coverage@2"] == pytest.approx(4 / 5)  # and 1, 3; the tied item of query 2 is the lowest row


def test_chunks_do_not_change_the_result(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    scores = rng.integers(0, 6, size=(40, 30)).astype(np.float32)
    relevant = [sorted(set(rng.integers(0, 30, size=3))) for _ in range(40)]
    seen = [sorted(set(rng.integers(0, 30, size=5))) for _ in range(40)]
    evaluation_set = queries(relevant, seen)
    whole = rank(lambda rows: scores[rows], evaluation_set, [5])
    monkeypatch.setattr(evaluate_module, "SCORES_A_CHUNK", 70)
    sizes: list[int] = []

    def watched(rows: IntArray) -> FloatArray:
        sizes.append(len(rows))
        return scores[rows]

    chunked = rank(watched, evaluation_set, [5])
    assert chunked.ranks_V.tolist() == whole.ranks_V.tolist()
    assert chunked.metrics() == whole.metrics()
    assert max(sizes) == 2  # 70 scores hold two queries of 30 items


def test_top_hits_leave_out_what_was_seen() -> None:
    evaluation_set = queries([[2], [0], [1]], [[0, 1], [], [1, 2, 3, 4]])
    hits = top_hits(score, evaluation_set, ints(0, 2), 2)
    assert hits.items_RK.tolist() == [[2, 3], [0, -1]]
    assert hits.scores_RK.tolist() == [[3, 2], [9, -np.inf]]
    assert top_hits(score, evaluation_set, ints(0), 2, exclude_seen=False).items_RK.tolist() == [[0, 1]]


def test_no_query_left_is_an_error() -> None:
    with pytest.raises(BadData, match="1 relevant items seen before"):
        evaluate(score, queries([[0]], [[0]]))
