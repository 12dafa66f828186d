"""The weighted listwise loss by hand."""

import math

import pytest
import torch

from training.click_models.listwise import graded_listwise_loss, inverse_weights, weighted_listwise_loss

ALL = torch.ones(1, 3, dtype=torch.bool)


def test_weights_by_hand_divided_by_their_sum_or_by_the_lists() -> None:
    """Three equal scores: every click costs ln 3; weights 1 and 4 cost 5 ln 3 together."""
    score, weight = torch.zeros(1, 3), torch.tensor([[1.0, 0.0, 4.0]])
    assert weighted_listwise_loss(score, weight, ALL).item() == pytest.approx(math.log(3))
    by_lists = weighted_listwise_loss(score, weight, ALL, self_normalised=False).item()
    assert by_lists == pytest.approx(5 * math.log(3))
    last = weighted_listwise_loss(torch.tensor([[0.0, 0.0, 1.0]]), weight, ALL, self_normalised=False).item()
    assert last == pytest.approx(math.log(2 + math.e) + 4 * (math.log(2 + math.e) - 1))  # 3.7572


def test_lists_without_a_weight_count_for_nothing_and_padding_neither() -> None:
    score = torch.tensor([[0.0, 1.0, 99.0], [5.0, 1.0, 2.0]], requires_grad=True)
    weight = torch.tensor([[0.0, 2.0, 7.0], [0.0, 0.0, 0.0]])
    mask = torch.tensor([[True, True, False], [True, True, True]])
    loss = weighted_listwise_loss(score, weight, mask, self_normalised=False)
    assert loss.item() == pytest.approx(2 * math.log(1 + math.exp(-1)))
    loss.backward()  # type: ignore[no-untyped-call]
    assert score.grad is not None
    assert score.grad[1].tolist() == [0.0, 0.0, 0.0] and score.grad[0, 2].item() == 0.0


def test_grades_by_hand() -> None:
    """Gains 7 and 1 of three items: shares 7/8 and 1/8 of -log softmax; a list without a gain is left out."""
    score = torch.tensor([[1.0, 0.0, 0.0], [1.0, 2.0, 3.0]])
    gain = torch.tensor([[7.0, 1.0, 0.0], [0.0, 0.0, 0.0]])
    log_sum = math.log(math.e + 2)
    loss = graded_listwise_loss(score, gain, torch.ones(2, 3, dtype=torch.bool)).item()
    assert loss == pytest.approx(7 / 8 * (log_sum - 1) + 1 / 8 * log_sum)


def test_nothing_to_learn_is_a_loss_of_zero_not_a_nan() -> None:
    score = torch.tensor([[1.0, 2.0, 3.0]], requires_grad=True)
    loss = weighted_listwise_loss(score, torch.zeros(1, 3), torch.zeros(1, 3, dtype=torch.bool))
    assert loss.item() == 0.0
    loss.backward()  # type: ignore[no-untyped-call]
    assert score.grad is not None and bool(torch.isfinite(score.grad).all())


def test_weights_are_cut_before_they_overflow_and_have_no_gradient() -> None:
    log_QK = torch.tensor([[0.0, -3.0, -500.0, -torch.inf]], requires_grad=True)
    weight = inverse_weights(log_QK, log_QK[:, :1], 50.0)
    assert weight[0].tolist() == pytest.approx([1.0, math.exp(3), 50.0, 50.0])
    assert not weight.requires_grad
