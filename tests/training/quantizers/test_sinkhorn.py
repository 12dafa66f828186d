"""Balanced assignment: the plan of a hand case, its marginals, and its limits."""

import pytest
import torch

from training.quantizers.sinkhorn import balanced_codes, capped_codes, centred, sinkhorn_plan

CROWDED = torch.tensor([[0.0, 1.0], [0.1, 1.0], [0.2, 1.0], [0.3, 1.0]])


@pytest.mark.parametrize("epsilon", [0.5, 0.1, 0.05, 0.003])
def test_half_of_the_rows_move_where_the_nearest_code_would_take_all(epsilon: float) -> None:
    assert CROWDED.argmin(1).tolist() == [0, 0, 0, 0]
    assert balanced_codes(CROWDED, epsilon).tolist() == [0, 0, 1, 1]


def test_the_plan_of_the_hand_case() -> None:
    plan = 4 * sinkhorn_plan(CROWDED, 0.1, tolerance=1e-9, most_rounds=10_000)
    expected = [[0.9526, 0.0474], [0.7311, 0.2689], [0.2689, 0.7311], [0.0474, 0.9526]]
    torch.testing.assert_close(plan, torch.tensor(expected, dtype=torch.float64), atol=2e-4, rtol=0)
    torch.testing.assert_close(plan.sum(0), torch.tensor([2.0, 2.0], dtype=torch.float64))


@pytest.mark.parametrize("scale", [1e-6, 1.0, 1e6])
def test_marginals_hold_at_any_scale_of_the_costs(scale: float) -> None:
    cost = torch.rand(64, 8, generator=torch.Generator().manual_seed(0)) * scale
    plan = sinkhorn_plan(cost, 0.05)
    torch.testing.assert_close(plan.sum(0), torch.full((8,), 1 / 8, dtype=torch.float64))
    torch.testing.assert_close(plan.sum(1), torch.full((64,), 1 / 64, dtype=torch.float64), rtol=2e-3, atol=0)


def test_the_smallest_epsilon_stays_finite() -> None:
    cost = torch.rand(64, 8, generator=torch.Generator().manual_seed(0)) * 1e6
    plan = sinkhorn_plan(cost, 0.003)
    assert torch.isfinite(plan).all()
    assert torch.bincount(plan.argmax(1), minlength=8).amax() <= 10


@pytest.mark.parametrize("shape", [(1, 1), (1, 5), (5, 1)])
def test_one_row_or_one_code(shape: tuple[int, int]) -> None:
    plan = sinkhorn_plan(torch.rand(shape), 0.1)
    torch.testing.assert_close(plan.sum(), torch.tensor(1.0, dtype=torch.float64))


def test_equal_costs_give_an_even_plan() -> None:
    torch.testing.assert_close(sinkhorn_plan(torch.ones(4, 2), 0.003), torch.full((4, 2), 1 / 8, dtype=torch.float64))
    assert centred(torch.ones(4, 2)).abs().max() == 0


def test_no_code_is_taken_more_often_than_its_capacity() -> None:
    plan = sinkhorn_plan(torch.rand(50, 8, generator=torch.Generator().manual_seed(1)), 0.5)
    codes = capped_codes(plan, 7)
    assert torch.bincount(codes, minlength=8).amax() <= 7
    assert capped_codes(torch.eye(3), 1).tolist() == [0, 1, 2]
    # The surer row keeps the code that both want.
    assert capped_codes(torch.tensor([[0.6, 0.4], [0.9, 0.1]]), 1).tolist() == [1, 0]
    with pytest.raises(ValueError, match="cannot hold 3 rows"):
        capped_codes(torch.ones(3, 2), 1)
