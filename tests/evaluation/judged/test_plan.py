import numpy as np
import pytest

from evaluation.judged.design_based import estimate_mean
from evaluation.judged.measure import rank_weights
from evaluation.judged.plan import CHANCE_FLOOR, draw_labels, label_chances, plan_labels
from evaluation.judged.surrogate import predicted_gains, squared_errors
from tests.evaluation.judged.worlds import world


def test_chances_follow_weight_times_error_and_sum_to_the_count() -> None:
    chance_N = label_chances(np.array([1.0, 1.0, 2.0, 0.5]), np.array([1.0, 4.0, 1.0, 1.0]), 1)
    np.testing.assert_allclose(chance_N, np.array([1, 2, 2, 0.5]) / 5.5)


def test_a_pair_that_would_get_more_than_certainty_is_certain_and_the_others_share_the_rest() -> None:
    chance_N = label_chances(np.array([10.0, 1.0, 1.0, 1.0]), np.ones(4), 2)
    np.testing.assert_allclose(chance_N, [1, 1 / 3, 1 / 3, 1 / 3])
    np.testing.assert_array_equal(label_chances(np.ones(4), np.ones(4), 9), np.ones(4))


def test_no_pair_is_without_a_chance() -> None:
    chance_N = label_chances(np.array([1.0] * 99 + [0.0]), np.ones(100), 10)
    assert chance_N.min() >= CHANCE_FLOOR * 10 / 100 > 0


def test_as_many_are_drawn_as_were_planned() -> None:
    chance_N = label_chances(np.random.default_rng(0).random(20_000), np.ones(20_000), 1000)
    assert abs(draw_labels(chance_N, 1).sum() - 1000) < 4 * 1000**0.5


def test_the_planned_number_of_labels_gives_the_planned_interval() -> None:
    made = world(8, n_queries=1500)
    weight_N = rank_weights("dcg", 10, made.rank_N)
    pilot = made.labelled(0.1, 0)
    half_width = 1.35 * plan_labels(pilot, weight_N, 10).best_half_width
    plan = plan_labels(pilot, weight_N, half_width)
    assert plan.n_gold is not None and plan.n_gold < len(weight_N) / 2
    chance_N = label_chances(weight_N, squared_errors(pilot, predicted_gains(pilot, 0)), plan.n_gold)
    widths = []
    for seed in range(10):
        result = estimate_mean(made.labelled(chance_N, seed), weight_N, seed=seed).corrected
        widths.append((result.high - result.low) / 2)
    assert np.mean(widths) == pytest.approx(half_width, rel=0.12)


def test_where_queries_differ_too_much_it_says_how_many_are_needed() -> None:
    made = world(9)
    weight_N = rank_weights("dcg", 10, made.rank_N)
    pilot = made.labelled(0.3, 0)
    plan = plan_labels(pilot, weight_N, 0.01)
    assert plan.n_gold is None and plan.n_queries is not None
    assert plan.n_queries == pytest.approx(made.n_queries * (plan.best_half_width / 0.01) ** 2, rel=0.01)
    narrow = plan_labels(pilot, weight_N, 0.01, scope="these_queries")
    assert narrow.n_gold is not None and narrow.best_half_width == 0
