"""The gain by hand: three queries, five items, a ranker that knows."""

import numpy as np
import pytest

from bundle.columns import EncodedRecords
from training.evaluation_set import EvaluationSet
from training.ragged import FloatArray, IntArray, Ragged
from training.rerankers.contract import AskedPart
from training.rerankers.gain import RerankerGain, measure_gain

TOWERS_QN = np.array([[5, 4, 3, 2, 1], [1, 2, 3, 4, 5], [5, 4, 3, 2, 1]], dtype=np.float32)
QUERIES = EvaluationSet(
    query_rows_Q=np.array([10, 11, 12]),
    encoded=EncodedRecords({}, 3),
    relevant=Ragged.from_rows([[2], [0, 4], [4]]),
    seen=Ragged.from_rows([[], [4], []]),
    history=Ragged.from_rows([[], [4], []]),
)


PART = AskedPart(
    QUERIES,
    query_QD=np.eye(3, dtype=np.float32),
    item_ND=TOWERS_QN.T.copy(),
    query_code_QL=np.empty((3, 0), dtype=np.int64),
    item_code_NL=np.empty((5, 0), dtype=np.int64),
    before_N=np.empty(0, dtype=np.int64),
)
WANTED = ([2], [0, 4], [4])


def knowing(place: int, item_K: IntArray) -> FloatArray:
    """Scores relevant items 1."""
    return np.isin(item_K, WANTED[place]).astype(np.float32)


def gain_of(depth: int, most: int, *, exclude_seen: bool, seed: int) -> RerankerGain:
    return measure_gain("knowing", knowing, PART, depth, most, exclude_seen=exclude_seen, seed=seed)


def test_what_the_towers_found_moves_up_and_what_they_missed_stays_missed() -> None:
    gain = gain_of(4, 9, exclude_seen=False, seed=0)
    assert gain.measures["mrr@4"] == pytest.approx(((1 / 3 + 1 + 0) / 3, (1 + 1 + 0) / 3))
    assert gain.measures["recall@10"] == pytest.approx(((1 + 1 / 2 + 0) / 3,) * 2)
    half = 1 / (1 + 1 / np.log2(3))  # the first of two wanted items, the other not found
    assert gain.measures["ndcg@20"] == pytest.approx(((0.5 + half + 0) / 3, (1 + half + 0) / 3))
    unseen = gain_of(4, 9, exclude_seen=True, seed=0)
    assert unseen.measures["mrr@4"] == pytest.approx(((1 / 3 + 1 / 4 + 0) / 3, (1 + 1 + 0) / 3))
    assert "mrr@4 0.194 -> 0.667" in unseen.note()
    assert unseen.flat()["rerankers.knowing.towers.mrr@4"] == unseen.measures["mrr@4"][0]


def test_the_sample_is_drawn_by_the_seed() -> None:
    few = [gain_of(4, 1, exclude_seen=False, seed=seed) for seed in range(9)]
    assert {one.queries for one in few} == {1}
    assert len({one.measures["mrr@4"] for one in few}) == 3
