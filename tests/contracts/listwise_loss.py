"""What every loss over lists promises."""

import pytest
import torch

from training.rerankers.listwise import ListwiseLoss


class ListwiseLossContract:
    """Subclass it with a fixture `loss`."""

    @pytest.fixture
    def loss(self) -> ListwiseLoss:
        raise NotImplementedError

    def lists(self) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        generator = torch.Generator().manual_seed(0)
        score = torch.randn(5, 7, generator=generator, requires_grad=True)
        gain = torch.randint(0, 3, (5, 7), generator=generator).float()
        mask = torch.rand(5, 7, generator=generator) < 0.7
        mask[4] = False
        return score, gain, mask

    def test_it_is_a_finite_scalar_whose_steps_lower_it(self, loss: ListwiseLoss) -> None:
        score, gain, mask = self.lists()
        value = loss(score, gain, mask)
        assert value.shape == ()
        (slope,) = torch.autograd.grad(value, score)
        assert torch.isfinite(value) and torch.isfinite(slope).all() and slope.abs().sum() > 0
        assert loss(score - 1e-3 * slope, gain, mask) < value

    def test_padding_has_neither_value_nor_gradient(self, loss: ListwiseLoss) -> None:
        score, gain, mask = self.lists()
        (slope,) = torch.autograd.grad(loss(score, gain, mask), score)
        assert (slope[~mask] == 0).all()
        other_score, other_gain = score.masked_fill(~mask, 50.0), gain.masked_fill(~mask, 9.0)
        torch.testing.assert_close(loss(other_score, other_gain, mask), loss(score, gain, mask))

    def test_the_order_of_a_list_does_not_matter(self, loss: ListwiseLoss) -> None:
        score, gain, mask = self.lists()
        order = torch.randperm(7, generator=torch.Generator().manual_seed(1))
        torch.testing.assert_close(loss(score[:, order], gain[:, order], mask[:, order]), loss(score, gain, mask))

    def test_lists_without_gain_count_for_nothing(self, loss: ListwiseLoss) -> None:
        score, gain, mask = self.lists()
        gain[3] = 0
        torch.testing.assert_close(loss(score, gain, mask), loss(score[:3], gain[:3], mask[:3]))
        nothing = loss(score, torch.zeros_like(gain), mask)
        assert nothing == 0
        assert (torch.autograd.grad(nothing, score)[0] == 0).all()

    def test_the_best_order_costs_least(self, loss: ListwiseLoss) -> None:
        gain = torch.tensor([[2.0, 1.0, 0.0, 0.0]])
        mask = torch.ones(1, 4, dtype=torch.bool)
        good, bad = torch.tensor([[3.0, 2.0, 1.0, 0.0]]), torch.tensor([[0.0, 1.0, 2.0, 3.0]])
        assert loss(good, gain, mask) < loss(bad, gain, mask)
