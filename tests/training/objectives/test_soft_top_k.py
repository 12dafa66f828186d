"""Soft top-k: the operator, its gradient, and the loss."""

from dataclasses import replace

import pytest
import torch
from torch import Tensor

from tests.contracts.objective import unit, with_gradients
from tests.training.objectives.one_query import close, one_query
from training.errors import TrainingError
from training.objectives.soft_top_k import SoftTopK, SoftTopKConfig, soft_top_k

ROW_BN = torch.tensor([[2.0, 1.0, 0.0, -1.0]], dtype=torch.float64)


@pytest.mark.parametrize(
    ("scores", "k", "sharpness", "expected"),
    [
        ([0, 0, 0, 0], 2, 1, [0.5] * 4),
        ([2, 1, 0, -1], 2, 1, [0.817574, 0.622459, 0.377541, 0.182426]),
        ([2, 1, 0, -1], 1, 1, [0.526475, 0.290285, 0.130789, 0.052451]),
        ([2, 1, 0, -1], 1, 10, [0.993307, 0.006693, 0, 0]),
        ([3, 0], 1, 1, [0.817574, 0.182426]),
    ],
)
def test_the_operator_by_hand(scores: list[float], k: int, sharpness: float, expected: list[float]) -> None:
    close(soft_top_k(torch.tensor([scores], dtype=torch.float64), k, sharpness), expected)


def test_its_jacobian_by_hand_and_by_central_differences() -> None:
    jacobian: Tensor = torch.autograd.functional.jacobian(lambda z: soft_top_k(z, 2), ROW_BN)[0, :, 0]  # type: ignore[no-untyped-call]
    close(jacobian[0], [0.120193, -0.045620, -0.045620, -0.028953])
    torch.testing.assert_close(jacobian, jacobian.T)
    steps = 1e-5 * torch.eye(4, dtype=torch.float64)
    moved = [(soft_top_k(ROW_BN + step, 2) - soft_top_k(ROW_BN - step, 2))[0] / 2e-5 for step in steps]
    torch.testing.assert_close(jacobian, torch.stack(moved, 1), rtol=0, atol=1e-9)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("sharpness", [0.1, 1.0, 40.0])
def test_what_every_row_owes(dtype: torch.dtype, sharpness: float) -> None:
    score_BN = 3 * torch.randn(20, 50, generator=torch.Generator().manual_seed(0), dtype=torch.float64).to(dtype)
    k_B = torch.arange(1, 21)
    score_BN.requires_grad_()
    share_BN = soft_top_k(score_BN, k_B, sharpness)
    torch.testing.assert_close(share_BN.sum(1), k_B.to(dtype), rtol=0, atol=2e-5)
    assert ((share_BN >= 0) & (share_BN <= 1)).all()
    in_order_BN = share_BN.gather(1, score_BN.argsort(1))
    assert (in_order_BN.diff(dim=1) >= 0).all()
    # Rounding an added constant moves a score by up to 1e-6, and a share by sharpness / 4 times that.
    torch.testing.assert_close(soft_top_k(score_BN + 5, k_B, sharpness), share_BN, rtol=0, atol=1e-4)
    torch.testing.assert_close(1 - soft_top_k(-score_BN, 50 - k_B, sharpness), share_BN, rtol=0, atol=1e-4)
    share_BN.sum().backward()  # type: ignore[no-untyped-call]
    assert score_BN.grad is not None
    torch.testing.assert_close(score_BN.grad, torch.zeros_like(score_BN), rtol=0, atol=1e-4 * sharpness)


def test_at_great_sharpness_it_marks_the_top_k() -> None:
    score_BN = torch.randperm(50, generator=torch.Generator().manual_seed(0)).float()[None].requires_grad_()
    share_BN = soft_top_k(score_BN, 5, 500.0)
    assert (share_BN.round() == (score_BN >= 45)).all()
    share_BN.log1p().sum().backward()  # type: ignore[no-untyped-call]
    assert score_BN.grad is not None
    assert score_BN.grad.isfinite().all()


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize(("k", "expected"), [(5, 2.5e-5), (199_995, 1 - 2.5e-5)])
def test_a_flat_row_of_a_great_catalogue(dtype: torch.dtype, k: int, expected: float) -> None:
    share_BN = soft_top_k(torch.zeros(1, 200_000, dtype=dtype), k)
    torch.testing.assert_close(share_BN, torch.full_like(share_BN, expected), rtol=1e-5, atol=0)
    sloped_BN = torch.linspace(0, 3, 200_000, dtype=dtype)[None]
    torch.testing.assert_close(soft_top_k(sloped_BN, k).double().sum(), torch.tensor(k).double(), rtol=1e-5, atol=0)


def test_invalid_entries_get_nothing_and_a_row_with_no_more_than_k_gets_ones_without_gradient() -> None:
    score_BN = torch.tensor([[2.0, 1e9, 1.0, 0.0, -1.0], [2.0, 1e9, 1.0, 0.0, -1.0]], dtype=torch.float64)
    valid_BN = torch.tensor([[True, False, True, True, True], [True, False, True, False, False]])
    score_BN.requires_grad_()
    share_BN = soft_top_k(score_BN, 2, valid_BN=valid_BN)
    close(share_BN[0], [0.817574, 0.0, 0.622459, 0.377541, 0.182426])
    assert share_BN[1].tolist() == [1, 0, 1, 0, 0]
    share_BN[1].sum().backward()  # type: ignore[no-untyped-call]
    assert score_BN.grad is not None
    assert (score_BN.grad == 0).all()


@pytest.mark.parametrize("k", [0, 4, torch.tensor([4])])
def test_a_k_that_a_row_cannot_have_is_refused(k: int | Tensor) -> None:
    with pytest.raises(TrainingError, match="0 < k < 4"):
        soft_top_k(ROW_BN, k)


def test_the_loss_by_hand() -> None:
    """At k = 2 the targets' shares are .817574 and .622459."""
    loss, _, gradient = with_gradients(SoftTopK(2, 1.0), one_query([2, 1, 0, -1], [0, 1]))
    shares = torch.tensor([0.817574, 0.622459])
    close(loss, float(-shares.log().mean()))
    close(gradient.sum(), 0.0)
    # d log f_i = (1 - f_i)(1 - share_i), -(1 - f_i) share_j elsewhere; share = f (1 - f) / sum, and f (1 - f) is:
    share_N = torch.tensor([0.149147, 0.235004, 0.235004, 0.149147]) / 0.768302
    miss = 1 - shares
    close(gradient, (-torch.cat([miss, torch.zeros(2)]) / 2 + miss.mean() * share_N).tolist())


def test_k_may_be_the_number_of_targets() -> None:
    batch = one_query([2, 1, 0, -1], [0, 1])
    close(SoftTopK("targets", 1.0)(batch).loss, float(SoftTopK(2, 1.0)(batch).loss))


def test_a_negative_drawn_twice_counts_twice_and_one_never_drawn_not_at_all() -> None:
    drawn = replace(one_query([2, 1, 0, -1], [0]), draws_M=torch.tensor([0, 2, 1, 0]))
    close(SoftTopK(2, 1.0)(drawn).loss, float(SoftTopK(2, 1.0)(one_query([2, 1, 1, 0], [0])).loss))


def test_a_query_with_no_more_than_k_items_is_skipped_and_counted() -> None:
    output = SoftTopK(4, 1.0)(one_query([2, 1, 0, -1], [0]))
    assert output.loss == 0
    assert int(output.logs["skipped"]) == 1


def test_scores_far_from_the_cutoff_keep_a_gradient() -> None:
    """The cutoff is half-way between the best item and the target: they move it by one half each."""
    loss, _, gradient = with_gradients(SoftTopK(1, 1.0), one_query([-40.0, 0.0, -90.0], [0]))
    close(loss, 20.0)
    close(gradient, [-0.5, 0.5, 0.0])
    wide = one_query([-900.0, 0.0, -1000.0], [0])
    for batch in (wide, replace(wide, query_BD=wide.query_BD.float(), item_MD=wide.item_MD.float())):
        loss, _, gradient = with_gradients(SoftTopK(1, 1.0), batch)
        assert 0 < loss < 900
        assert gradient.isfinite().all()


def test_temperature_and_sharpness_are_one_scale() -> None:
    assert SoftTopKConfig().build(4) == SoftTopK(5, 40.0, 12)


def test_more_halvings_change_nothing() -> None:
    score_BN = 40 * unit(30, 64, seed=0, dtype=torch.float64)
    torch.testing.assert_close(soft_top_k(score_BN, 5), soft_top_k(score_BN, 5, iterations=80), rtol=0, atol=1e-12)
