"""The listwise softmax by hand."""

import math

import pytest
import torch

from tests.contracts.listwise_loss import ListwiseLossContract
from training.rerankers.listwise import ListwiseLoss
from training.rerankers.listwise.softmax import ListwiseSoftmaxConfig


class TestSoftmax(ListwiseLossContract):
    @pytest.fixture
    def loss(self) -> ListwiseLoss:
        return ListwiseSoftmaxConfig()


def test_shares_of_gains_against_a_softmax_by_hand() -> None:
    score = torch.tensor([[math.log(2.0), 0.0, 0.0, 7.0]], requires_grad=True)
    gain, mask = torch.tensor([[3.0, 1.0, 0.0, 5.0]]), torch.tensor([[True, True, True, False]])
    loss = ListwiseSoftmaxConfig()(score, gain, mask)
    assert float(loss.detach()) == pytest.approx(-(0.75 * math.log(0.5) + 0.25 * math.log(0.25)))
    (slope,) = torch.autograd.grad(loss, score)
    assert slope[0].tolist() == pytest.approx([0.5 - 0.75, 0.25 - 0.25, 0.25, 0], abs=1e-6)


def test_a_temperature_divides_the_scores() -> None:
    score, gain, mask = torch.tensor([[3.0, 1.0]]), torch.tensor([[0.0, 1.0]]), torch.ones(1, 2, dtype=torch.bool)
    warm = ListwiseSoftmaxConfig(temperature=2.0)(score, gain, mask)
    torch.testing.assert_close(warm, ListwiseSoftmaxConfig()(score / 2, gain, mask))
