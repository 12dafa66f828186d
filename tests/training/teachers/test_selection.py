"""Robust active distillation: the closed form against its oracles and against a linear program."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import linprog

from training.teachers.selection import Selection, inclusion, robust_shares, select


def test_the_oracles() -> None:
    """Training dossier 7.2."""
    share_N, value = robust_shares(np.array([1, 0.9, 0.5, 0.1]), 1)
    np.testing.assert_allclose(share_N, [0.243243, 0.270270, 0.486486, 0], atol=1e-6)
    assert value == pytest.approx(0.486486, abs=1e-6)
    share_N, value = robust_shares(np.array([0.8, 0.7, 0.6, 0.5, 0.4]), 2)
    assert value == pytest.approx(0.339166, abs=1e-6)
    assert (share_N > 0).all()
    share_N, value = robust_shares(np.array([0.3, 0.9, 0.5]), 0)
    assert share_N.tolist() == [0, 1, 0]
    assert value == pytest.approx(0.9)


def best_worst_gain(gain_N: np.ndarray, errors: int) -> float:
    """The game as a linear program: max sum y - (m t + sum u), y = q g, u >= y - t, u >= 0, sum q = 1."""
    n = len(gain_N)
    objective = np.concatenate([-gain_N, np.ones(n), [errors]])  # q, u, t
    above = np.hstack([np.diag(gain_N), -np.eye(n), -np.ones((n, 1))])
    total = np.concatenate([np.ones(n), np.zeros(n + 1)])[None]
    solved = linprog(objective, A_ub=above, b_ub=np.zeros(n), A_eq=total, b_eq=[1.0], bounds=[(0, None)] * (2 * n + 1))
    return float(-solved.fun)


@given(st.lists(st.floats(0.01, 1), min_size=2, max_size=9), st.data())
def test_the_value_is_that_of_the_linear_program_and_the_shares_reach_it(
    gains: list[float], data: st.DataObject
) -> None:
    gain_N = np.array(gains)
    errors = data.draw(st.integers(0, len(gains) - 1))
    share_N, value = robust_shares(gain_N, errors)
    assert share_N.sum() == pytest.approx(1)
    assert (share_N >= 0).all()
    worst = np.sort(share_N * gain_N)[: len(gains) - errors].sum()
    assert worst == pytest.approx(value, rel=1e-6, abs=1e-9)
    assert value == pytest.approx(best_worst_gain(gain_N, errors), rel=1e-6, abs=1e-8)


def test_gains_and_errors_out_of_range_are_refused() -> None:
    with pytest.raises(ValueError, match="above 0"):
        robust_shares(np.array([0.0, 1.0]), 0)
    with pytest.raises(ValueError, match="2 wrong answers of 2"):
        robust_shares(np.array([0.5, 1.0]), 2)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=12), st.integers(0, 12))
def test_chances_stay_below_one_and_spend_the_budget(shares: list[float], budget: int) -> None:
    share_N = np.where(np.array(shares) < 1e-6, 0, shares)
    chance_N = inclusion(share_N, budget)
    assert (chance_N <= 1 + 1e-9).all()
    assert chance_N.sum() == pytest.approx(min(budget, (share_N > 0).sum()))
    assert not chance_N[share_N == 0].any()


def test_what_one_cannot_take_goes_to_the_others_in_proportion() -> None:
    np.testing.assert_allclose(inclusion(np.array([0.8, 0.1, 0.1]), 2), [1, 0.5, 0.5])


@pytest.mark.parametrize("selection", ["robust", "margin", "uniform"])
def test_a_budget_buys_so_many_different_points(selection: Selection) -> None:
    gain_N = np.random.default_rng(0).uniform(0.01, 1, 50).astype(np.float32)
    for budget in (1, 7, 49):
        taken = select(gain_N, budget, selection, 0.15, np.random.default_rng(1))
        assert len(set(taken.tolist())) == len(taken) == budget
        assert taken.tolist() == select(gain_N, budget, selection, 0.15, np.random.default_rng(1)).tolist()
    assert select(gain_N, 60, selection, 0.15, np.random.default_rng(1)).tolist() == list(range(50))


def test_robust_draws_in_proportion_to_the_shares_and_margin_takes_the_hardest() -> None:
    gain_N = np.array([1, 0.9, 0.5, 0.1], dtype=np.float32)
    rng = np.random.default_rng(0)
    count_N = np.bincount([int(select(gain_N, 1, "robust", 0.25, rng)[0]) for _ in range(3000)], minlength=4)
    np.testing.assert_allclose(count_N / 3000, [0.243, 0.270, 0.486, 0], atol=0.03)
    assert select(gain_N, 2, "margin", 0.25, rng).tolist() == [0, 1]
