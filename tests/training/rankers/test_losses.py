"""Ranker losses by hand."""

import math

import pytest
import torch

from training.rankers.losses import distribution_loss, listwise_loss, margin_mse_loss, pointwise_loss

ALL = torch.ones(1, 3, dtype=torch.bool)
FIRST = torch.tensor([[True, False, False]])


def test_pointwise_by_hand_and_without_padding() -> None:
    score = torch.tensor([[2.0, -1.0, 50.0]])
    real = torch.tensor([[True, True, False]])
    expected = (math.log1p(math.exp(-2)) + math.log1p(math.exp(-1))) / 2
    assert pointwise_loss(score, FIRST.float(), real).item() == pytest.approx(expected, abs=1e-6)
    assert pointwise_loss(torch.zeros(1, 3), torch.full((1, 3), 0.5), ALL).item() == pytest.approx(
        math.log(2), abs=1e-6
    )


def test_listwise_by_hand_and_without_padding() -> None:
    """AR2's oracle: ranker (1, 2, 0), positive first: -log softmax = 1.407606."""
    score = torch.tensor([[1.0, 2.0, 0.0]])
    assert listwise_loss(score, FIRST, ALL).item() == pytest.approx(1.407606, abs=1e-6)
    real = torch.tensor([[True, True, False]])
    assert listwise_loss(score, FIRST, real).item() == pytest.approx(1.313262, abs=1e-6)
    both = torch.tensor([[True, True, False]])
    assert listwise_loss(score, both, ALL).item() == pytest.approx((1.407606 + 0.407606) / 2, abs=1e-6)


def test_a_query_without_a_positive_or_a_negative_counts_for_nothing() -> None:
    score = torch.tensor([[1.0, 2.0, 0.0], [3.0, 1.0, 2.0], [5.0, 1.0, 1.0], [9.0, 9.0, 9.0]], requires_grad=True)
    positive = torch.tensor([[True, False, False], [False, False, False], [True, True, True], [True, False, False]])
    real = torch.tensor([[True] * 3, [True] * 3, [True] * 3, [False] * 3])
    loss = listwise_loss(score, positive, real)
    assert loss.item() == pytest.approx(1.407606, abs=1e-6)
    loss.backward()  # type: ignore[no-untyped-call]
    assert score.grad is not None
    assert (score.grad[1:] == 0).all()
    assert score.grad[0, 0] < 0 < score.grad[0, 1]


def test_margins_by_hand_and_blind_to_a_teacher_s_level() -> None:
    """The dossier's oracle: student .9 / .4, teacher 5 / 2."""
    student, teacher = torch.tensor([[0.9, 0.4]]), torch.tensor([[5.0, 2.0]])
    real = torch.ones(1, 2, dtype=torch.bool)
    assert margin_mse_loss(student, teacher, real).item() == pytest.approx(6.25, abs=1e-5)
    assert margin_mse_loss(student, teacher + 7, real).item() == pytest.approx(6.25, abs=1e-5)
    padded = margin_mse_loss(torch.tensor([[0.9, 0.4, 99.0]]), torch.tensor([[5.0, 2.0, 0.0]]), ALL & ~FIRST.flip(1))
    assert padded.item() == pytest.approx(6.25, abs=1e-5)


def test_distributions_by_hand_and_blind_to_levels_and_padding() -> None:
    """The dossier's oracle: student (1, 0), teacher (2, 0): 0.067131 at T = 1, 4 * 0.026345 at T = 2."""
    student, teacher = torch.tensor([[1.0, 0.0]]), torch.tensor([[2.0, 0.0]])
    real = torch.ones(1, 2, dtype=torch.bool)
    assert distribution_loss(student, teacher, real, 1.0).item() == pytest.approx(0.067131, abs=1e-6)
    assert distribution_loss(student + 5, teacher - 3, real, 2.0).item() == pytest.approx(0.105378, abs=1e-5)
    score = torch.tensor([[1.0, 0.0, 50.0], [4.0, 7.0, 1.0]], requires_grad=True)
    taught = torch.tensor([[2.0, 0.0, 9.0], [1.0, 2.0, 3.0]])
    mask = torch.tensor([[True, True, False], [True, False, False]])
    loss = distribution_loss(score, taught, mask, 1.0)
    assert loss.item() == pytest.approx(0.067131, abs=1e-6)
    loss.backward()  # type: ignore[no-untyped-call]
    assert score.grad is not None
    assert score.grad.isfinite().all()
    assert score.grad[0, 2] == 0
    assert (score.grad[1] == 0).all()


def test_half_precision_is_summed_in_float32_and_nan_comes_through() -> None:
    score = torch.tensor([[1.0, 2.0, 0.0]], dtype=torch.bfloat16)
    for loss in (
        pointwise_loss(score, FIRST.float(), ALL),
        listwise_loss(score, FIRST, ALL),
        margin_mse_loss(score, torch.zeros(1, 3), ALL),
        distribution_loss(score, torch.zeros(1, 3), ALL, 1.0),
    ):
        assert loss.dtype == torch.float32
    assert listwise_loss(torch.tensor([[math.nan, 1.0, 2.0]]), FIRST, ALL).isnan()
    assert listwise_loss(score.double(), FIRST, ALL).dtype == torch.float64
