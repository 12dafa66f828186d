from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from evaluation.significance import Estimate, SignificanceConfig, estimates, holm, randomisation_test

QUICK = SignificanceConfig(resamples=1_000, permutations=500)
GRID = st.sampled_from([-1.0, -0.5, -0.1, 0.0, 0.3, 0.5, 2.0])


def _ndcg_like(rng: np.random.Generator, *shape: int) -> np.ndarray:
    """nDCG@10 of one relevant item whose rank is geometric: mostly 0, a few large values."""
    rank = rng.geometric(0.15, size=shape)
    return np.where(rank <= 10, 1 / np.log2(rank + 1), 0)


TRUE_MEAN = float(sum(0.15 * 0.85 ** (rank - 1) / np.log2(rank + 1) for rank in range(1, 11)))


@pytest.mark.parametrize("method", ["bca", "percentile"])
@pytest.mark.parametrize(("n_queries", "level"), [(40, 0.95), (200, 0.8)])
def test_intervals_hold_the_truth_as_often_as_they_say(method: str, n_queries: int, level: float) -> None:
    values = _ndcg_like(np.random.default_rng(7), n_queries, 800)
    settings = {"level": level, "method": method, "resamples": 1_000}
    found = estimates(values, SignificanceConfig.model_validate(settings))
    held = np.mean([one.low is not None and one.high is not None and one.low <= TRUE_MEAN <= one.high for one in found])
    assert abs(held - level) < 0.035  # 800 intervals that share their draws


def test_the_percentile_interval_of_many_queries_is_that_of_the_normal() -> None:
    values = np.random.default_rng(0).normal(3, 2, size=(5_000, 1))
    one = estimates(values)[0]
    half = stats.norm.ppf(0.975) * values.std() / np.sqrt(len(values))
    assert one.mean == pytest.approx(values.mean())
    assert (one.low, one.high) == pytest.approx((one.mean - half, one.mean + half), abs=0.1 * half)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(GRID, GRID), min_size=2, max_size=30))
def test_an_interval_turns_and_moves_with_its_values(pairs: list[tuple[float, float]]) -> None:
    values = np.array(pairs)
    for one, turned, moved in zip(
        estimates(values, QUICK), estimates(-values, QUICK), estimates(2 * values + 1, QUICK), strict=True
    ):
        assert turned.mean == -one.mean
        assert (one.low is None) == (turned.low is None)
        if one.low is not None and one.high is not None and turned.low is not None and moved.low is not None:
            assert one.low <= one.high
            assert moved.low == pytest.approx(2 * one.low + 1)
            assert turned.low == pytest.approx(-one.high, abs=1e-6)


def test_a_column_does_not_depend_on_the_others_and_the_seed_repeats() -> None:
    values = np.random.default_rng(1).random((30, 3))
    together, alone = estimates(values, QUICK)[1], estimates(values[:, 1:2], QUICK)[0]
    assert (together.low, together.high) == pytest.approx((alone.low, alone.high))
    assert estimates(values, QUICK) == estimates(values, QUICK)
    assert estimates(values, QUICK) != estimates(values, QUICK.model_copy(update={"seed": 1}))


def test_no_interval_without_spread() -> None:
    one, same = estimates([[0.5]])[0], estimates([[1.0], [1.0], [1.0]])[0]
    assert one == Estimate(mean=0.5, n_queries=1, why_none="one query")
    assert one.interval() == "no interval: one query"
    assert same == Estimate(mean=1.0, n_queries=3, why_none="all values are equal")
    both = estimates([[1.0, 0.0], [1.0, 1.0]])
    assert (both[0].low, both[1].low is not None) == (None, True)


@settings(max_examples=60, deadline=None)
@given(st.lists(GRID, min_size=1, max_size=10))
def test_few_queries_are_enumerated(difference: list[float]) -> None:
    total = sum(difference)
    sums = [
        sum(s * d for s, d in zip(signs, difference, strict=True)) for signs in product((-1, 1), repeat=len(difference))
    ]
    two_sided = np.mean([abs(one) >= abs(total) - 1e-9 for one in sums])
    less = np.mean([one <= total + 1e-9 for one in sums])
    column = np.array(difference)[:, None]
    assert randomisation_test(column) == pytest.approx([two_sided])
    assert randomisation_test(column, alternative="less") == pytest.approx([less])
    assert randomisation_test(-column) == randomisation_test(column)


def test_a_p_value_does_not_depend_on_the_other_columns() -> None:
    rng = np.random.default_rng(5)
    difference = rng.normal(size=(40, 3))
    difference[10:, 2] = 0  # few enough to be enumerated
    together = randomisation_test(difference, QUICK)
    assert together == [randomisation_test(difference[:, m : m + 1], QUICK)[0] for m in range(3)]
    assert together[2] == randomisation_test(difference[:10, 2:])[0]


def test_drawn_patterns_come_near_to_those_of_scipy() -> None:
    difference = np.random.default_rng(3).normal(0.12, 1, size=200)
    theirs = stats.permutation_test(
        (difference,), np.mean, permutation_type="samples", n_resamples=20_000, rng=np.random.default_rng(0)
    )
    ours = randomisation_test(difference[:, None], SignificanceConfig(permutations=20_000))
    assert ours == pytest.approx([theirs.pvalue], abs=0.01)
    assert randomisation_test(np.ones((50, 1)), QUICK) == [1 / 501]


@pytest.mark.parametrize("alternative", ["two-sided", "less"])
def test_p_values_are_uniform_where_there_is_no_difference(alternative: str) -> None:
    rng = np.random.default_rng(11)
    difference = _ndcg_like(rng, 60, 600) - _ndcg_like(rng, 60, 600)
    p_values = [
        randomisation_test(difference[:, m : m + 1], QUICK.model_copy(update={"seed": m}), alternative)[0]  # type: ignore[arg-type]
        for m in range(difference.shape[1])
    ]
    assert stats.kstest(p_values, "uniform").pvalue > 0.01
    assert np.mean(np.array(p_values) <= 0.05) < 0.08


def test_holm_by_hand_and_against_scipy_s_order() -> None:
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.9, 0.8]) == [1.0, 1.0]
    assert holm([0.04]) == [0.04]
    assert holm([]) == []


@settings(max_examples=50, deadline=None)
@given(st.lists(st.floats(0, 1), min_size=1, max_size=12))
def test_holm_lies_between_no_correction_and_bonferroni_and_keeps_the_order(p_values: list[float]) -> None:
    corrected = holm(p_values)
    for p, one in zip(p_values, corrected, strict=True):
        assert p <= one <= min(1, len(p_values) * p) + 1e-12
    order = np.argsort(p_values, kind="stable")
    assert (np.diff(np.array(corrected)[order]) >= 0).all()
