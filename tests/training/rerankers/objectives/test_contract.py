"""What every objective of a reranker promises. Q queries, K candidates of each."""

from typing import get_args

import pytest
import torch
from torch import Tensor

from tests.training.rerankers.objectives.kinds import OBJECTIVES
from training.rerankers.objectives import RerankerObjectiveConfig
from training.rerankers.objectives.contract import RerankerObjective

every = pytest.mark.parametrize("objective", OBJECTIVES.values(), ids=OBJECTIVES)


def random_lists(dtype: torch.dtype = torch.float64) -> tuple[Tensor, Tensor, Tensor]:
    torch.manual_seed(0)
    gain_QK = torch.tensor([[1.0, 0, 0, 0], [0, 1, 0, 1], [0, 0, 1, 0]])
    mask_QK = torch.tensor([[True, True, True, False], [True] * 4, [True, True, True, True]])
    return torch.randn(3, 4, dtype=dtype), gain_QK, mask_QK


def test_there_is_an_example_of_every_kind() -> None:
    kinds = get_args(get_args(RerankerObjectiveConfig)[0])
    assert {type(objective) for objective in OBJECTIVES.values()} == set(kinds)


@every
def test_padding_and_the_order_of_candidates_change_nothing(objective: RerankerObjective) -> None:
    score, gain, mask = random_lists()
    loss = objective(score, gain, mask)
    padded = torch.where(mask, score, 1e4)
    torch.testing.assert_close(objective(padded, torch.where(mask, gain, 1.0), mask), loss)
    order = torch.tensor([2, 0, 3, 1])
    torch.testing.assert_close(objective(score[:, order], gain[:, order], mask[:, order]), loss)


@every
def test_the_gradient_is_that_of_differences_and_lifts_the_positives(objective: RerankerObjective) -> None:
    score, gain, mask = random_lists()
    score.requires_grad_()
    assert torch.autograd.gradcheck(lambda s: objective(s, gain, mask), (score,))
    (slope,) = torch.autograd.grad(objective(score, gain, mask), score)
    assert ((slope * (gain > 0)).sum(1) < 0).all()  # of two positives the softmax may lower the better one
    assert (slope[(gain == 0) & mask] >= 0).all()
    assert (slope[~mask] == 0).all()


@every
def test_nothing_to_learn_is_nothing_learned(objective: RerankerObjective) -> None:
    score = torch.randn(2, 3, requires_grad=True)
    loss = objective(score, torch.zeros(2, 3), torch.zeros(2, 3, dtype=torch.bool))
    loss.backward()  # type: ignore[no-untyped-call]
    assert loss.item() == 0
    assert score.grad is not None
    assert (score.grad == 0).all()


@every
def test_half_precision_is_summed_in_float32_and_nan_comes_through(objective: RerankerObjective) -> None:
    score, gain, mask = random_lists(torch.bfloat16)
    assert objective(score, gain, mask).dtype == torch.float32
    score[0, 0] = torch.nan
    assert objective(score, gain, mask).isnan()
