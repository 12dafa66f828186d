"""The gain by hand: three queries, five items, a ranker that knows."""

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from bundle.columns import EncodedRecords
from training.evaluation_set import EvaluationSet
from training.ragged import FloatArray, IntArray, Ragged
from training.rerankers.gain import measure_gain

TOWERS_QN = np.array([[5, 4, 3, 2, 1], [1, 2, 3, 4, 5], [5, 4, 3, 2, 1]], dtype=np.float32)
QUERIES = EvaluationSet(
    query_rows_Q=np.array([10, 11, 12]),
    encoded=EncodedRecords({}, 3),
    relevant=Ragged.from_rows([[2], [0, 4], [4]]),
    seen=Ragged.from_rows([[], [4], []]),
    history=Ragged.from_rows([[], [4], []]),
)


class Knowing(nn.Module):
    """Scores relevant pairs 1, by dataset row of the query."""

    def score(self, query_rows_B: IntArray, item_rows_BC: IntArray) -> Tensor:
        wanted = {10: [2], 11: [0, 4], 12: [4]}
        known = [
            np.isin(items, wanted[query]) for query, items in zip(query_rows_B.tolist(), item_rows_BC, strict=True)
        ]
        return torch.tensor(np.stack(known), dtype=torch.float32)


def towers(rows_B: IntArray) -> FloatArray:
    return TOWERS_QN[rows_B]


def test_what_the_towers_found_moves_up_and_what_they_missed_stays_missed() -> None:
    gain = measure_gain(Knowing(), towers, QUERIES, 4, 9, exclude_seen=False, seed=0)
    assert gain.mrr == pytest.approx(((1 / 3 + 1 + 0) / 3, (1 + 1 + 0) / 3))
    assert gain.recall == pytest.approx(((1 + 1 / 2 + 0) / 3,) * 2)
    unseen = measure_gain(Knowing(), towers, QUERIES, 4, 9, exclude_seen=True, seed=0)
    assert unseen.mrr == pytest.approx(((1 / 3 + 1 / 4 + 0) / 3, (1 + 1 + 0) / 3))
    assert "MRR 0.194 -> 0.667" in unseen.note()
    assert unseen.flat()["reranker.towers.mrr@4"] == unseen.mrr[0]


def test_the_sample_is_drawn_by_the_seed() -> None:
    few = [measure_gain(Knowing(), towers, QUERIES, 4, 1, exclude_seen=False, seed=seed) for seed in range(9)]
    assert {one.queries for one in few} == {1}
    assert len({one.mrr for one in few}) == 3
