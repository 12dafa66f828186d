"""Partial transport: the hand case of four rows and two codes, its limits in gamma and mass, and the semantic term."""

import math

import pytest
import torch

from training.quantizers.partial_transport import mass_schedule, partial_plan, semantic_partial_plan

COST = -torch.tensor([[0.9, 0.1], [0.8, 0.2], [0.7, 0.3], [0.6, 0.4]], dtype=torch.float64).log()


def columns(plan: torch.Tensor) -> list[float]:
    found: list[float] = plan.sum(0).tolist()
    return found


def test_the_hand_case() -> None:
    plan = partial_plan(COST, 0.5)
    assert columns(plan) == pytest.approx([0.3396, 0.1604], abs=2e-4)
    assert float(4 * plan[0].sum()) == pytest.approx(0.7257, abs=2e-4)


@pytest.mark.parametrize(("gamma", "expected"), [(1e-3, [0.4995, 0.0005]), (1e4, [0.25, 0.25])])
def test_gamma_goes_from_no_balance_to_hard_balance(gamma: float, expected: list[float]) -> None:
    assert columns(partial_plan(COST, 0.5, gamma=gamma)) == pytest.approx(expected, abs=2e-4)


@pytest.mark.parametrize("mass", [0.1, 0.5, 0.9, 1.0])
@pytest.mark.parametrize("gamma", [1e-3, 1.0, 1e4])
def test_the_mass_is_what_was_asked_and_no_row_gives_more_than_its_share(mass: float, gamma: float) -> None:
    plan = partial_plan(COST, mass, gamma=gamma)
    assert float(plan.sum()) == pytest.approx(mass, abs=1e-4)
    assert (plan.sum(1) <= 1 / 4 + 1e-9).all()


def test_all_of_the_mass() -> None:
    assert columns(partial_plan(COST, 1.0)) == pytest.approx([0.6818, 0.3182], abs=2e-4)
    assert columns(partial_plan(COST, 1 - 1e-9)) == pytest.approx([0.6818, 0.3182], abs=2e-4)


def test_a_given_prior_pulls_the_columns() -> None:
    prior = torch.tensor([1.0, 9.0])
    assert columns(partial_plan(COST, 0.5, gamma=1e4, prior_K=prior)) == pytest.approx([0.05, 0.45], abs=1e-3)


def test_extreme_costs_flat_rows_and_single_codes_stay_finite() -> None:
    assert torch.isfinite(partial_plan(COST * 1e6, 0.7, epsilon=0.003)).all()
    for cost in (torch.zeros(5, 3), torch.rand(5, 1), torch.rand(1, 5)):
        assert float(partial_plan(cost, 0.7).sum()) == pytest.approx(0.7, abs=1e-3)


@pytest.mark.parametrize("mass", [0.0, -0.1, 1.1])
def test_a_mass_that_is_no_share_is_refused(mass: float) -> None:
    with pytest.raises(ValueError, match="share above 0"):
        partial_plan(COST, mass)


def test_the_mass_grows_from_a_tenth_to_all() -> None:
    assert mass_schedule(0) == pytest.approx(0.1 + 0.9 * math.exp(-5))
    assert mass_schedule(1) == pytest.approx(1)
    steps = [mass_schedule(step / 10) for step in range(11)]
    assert steps == sorted(steps)


def test_without_neighbours_or_strength_the_semantic_plan_is_the_partial_one() -> None:
    plain = partial_plan(COST, 0.5)
    torch.testing.assert_close(semantic_partial_plan(COST, torch.zeros(4, 4), 0.5), plain)
    torch.testing.assert_close(semantic_partial_plan(COST, torch.ones(4, 4), 0.5, strength=0.0), plain)


def test_a_row_in_doubt_follows_its_neighbours() -> None:
    cost = torch.tensor([[0.0, 2.0], [0.0, 2.0], [1.01, 1.0], [2.0, 0.0], [2.0, 0.0]])
    similarity = torch.zeros(5, 5)
    similarity[2, 0] = similarity[2, 1] = 1.0  # one-sided: only row 2 names its neighbours
    plain = partial_plan(cost, 0.8)
    drawn = semantic_partial_plan(cost, similarity, 0.8, strength=10.0)
    assert plain[2].argmax() == 1
    assert drawn[2].argmax() == 0
