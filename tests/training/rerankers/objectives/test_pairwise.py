"""The pairwise objective by hand: log(1 + e) = 1.313262, log(1 + 1 / e) = 0.313262."""

import pytest
import torch

from training.rerankers.objectives.pairwise import PairwiseConfig

ALL = torch.ones(1, 3, dtype=torch.bool)


def test_every_better_candidate_against_every_worse() -> None:
    score = torch.tensor([[1.0, 2.0, 0.0]])
    loss = PairwiseConfig()(score, torch.tensor([[1.0, 0.0, 0.0]]), ALL)
    assert loss.item() == pytest.approx((1.313262 + 0.313262) / 2, abs=1e-6)
    graded = PairwiseConfig()(score, torch.tensor([[3.0, 1.0, 0.0]]), ALL)  # pairs (0, 1), (0, 2) and (1, 2)
    assert graded.item() == pytest.approx((1.313262 + 0.313262 + 0.126928) / 3, abs=1e-6)


def test_queries_count_alike_however_many_pairs_they_have() -> None:
    score = torch.tensor([[1.0, 2.0, 0.0], [0.0, 0.0, 0.0], [5.0, 1.0, 1.0]])
    gain = torch.tensor([[1.0, 0.0, 0.0], [1.0, 0.0, 0.0], [1.0, 1.0, 1.0]])
    mask = torch.tensor([[True] * 3, [True, True, False], [True] * 3])
    loss = PairwiseConfig()(score, gain, mask)  # the last query has no pair
    assert loss.item() == pytest.approx((0.813262 + 0.693147) / 2, abs=1e-6)
