"""Candidates, blends and their measures by hand."""

import numpy as np
import pytest

from benchmarks.rerank_parts.online_retail import Candidates, blended, towers_of, z_score
from bundle.columns import EncodedRecords
from training.evaluation_set import EvaluationSet
from training.ragged import Ragged
from training.rerankers.contract import AskedPart

QUERIES = EvaluationSet(
    query_rows_Q=np.arange(2),
    encoded=EncodedRecords({}, 2),
    relevant=Ragged.from_rows([[0, 2], [1]]),
    seen=Ragged.from_rows([[0], [1]]),
    history=Ragged.from_rows([[0], [1]]),
)
PART = AskedPart(
    QUERIES,
    query_QD=np.array([[1.0], [1.0]], dtype=np.float32),
    item_ND=np.array([[4.0], [3.0], [2.0], [1.0]], dtype=np.float32),
    query_code_QL=np.empty((2, 0), dtype=np.int64),
    item_code_NL=np.empty((4, 0), dtype=np.int64),
    before_N=np.empty(0, dtype=np.int64),
)


def test_only_new_purchases_of_queries_that_made_some_are_measured() -> None:
    candidates = Candidates.of(PART, depth=2)
    assert candidates.query_R.tolist() == [0]
    assert candidates.items_RK.tolist() == [[1, 2]]
    measured = candidates.measure(towers_of(PART)).values
    assert measured["ndcg@20"] == pytest.approx(1 / np.log2(3))
    assert (measured["mrr"], measured["recall@20"]) == (0.5, 1)


def test_a_blend_weighs_two_z_scores() -> None:
    counts_N = np.array([0, 0, 5, 1], dtype=np.float32)
    items = np.array([1, 2, 3])
    expected = z_score(np.array([3, 2, 1], dtype=np.float32)) + 2 * z_score(counts_N[items])
    np.testing.assert_allclose(blended(PART, counts_N, 2.0)(0, items), expected, atol=1e-6)
    assert np.isfinite(z_score(np.ones(3, dtype=np.float32))).all()
