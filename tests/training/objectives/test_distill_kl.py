"""Distillation by KL divergence."""

import pytest

from tests.contracts.objective import with_gradients
from tests.training.objectives.one_query import NAN, close, one_query
from training.objectives.distill_kl import DistillKL, DistillKLConfig


@pytest.mark.parametrize(("temperature", "expected"), [(1.0, 0.067131), (2.0, 0.105378)])
def test_by_hand(temperature: float, expected: float) -> None:
    close(DistillKL(temperature, temperature)(one_query([1.0, 0.0], [0], teacher=[2.0, 0.0])).loss, expected)


def test_the_gradient_is_the_temperature_times_the_difference_of_the_shares() -> None:
    """Shares at T = 2: model e^.5 / (1 + e^.5) = .622459, teacher e / (1 + e) = .731059."""
    _, _, gradient = with_gradients(DistillKL(2.0, 2.0), one_query([1.0, 0.0], [0], teacher=[2.0, 0.0]))
    close(gradient, [2 * (0.622459 - 0.731059), -2 * (0.622459 - 0.731059)], atol=1e-5)


def test_it_is_zero_where_the_scores_are_the_teacher_s_up_to_a_shift() -> None:
    close(DistillKL(0.5, 0.5)(one_query([0.7, 0.1, -0.2], [1], teacher=[1.7, 1.1, 0.8])).loss, 0.0, atol=1e-12)


def test_stretched_scores_do_not_depend_on_place_and_spread() -> None:
    teacher = [3.0, 1.0, 0.5]
    objective = DistillKL(0.5, 1.0, normalize_scores=True)
    loss = objective(one_query([0.9, 0.5, 0.1], [0], teacher=teacher)).loss
    close(objective(one_query([0.59, 0.55, 0.51], [0], teacher=teacher)).loss, float(loss))
    close(DistillKL(0.5, 1.0)(one_query([1.0, 0.5, 0.0], [0], teacher=teacher)).loss, float(loss))


def test_equal_scores_are_not_torn_apart_when_stretched() -> None:
    equal = one_query([0.4, 0.4, 0.4], [0], teacher=[3.0, 1.0, 0.5])
    loss, _, gradient = with_gradients(DistillKL(0.5, 1.0, normalize_scores=True), equal)
    close(loss, float(DistillKL(0.5, 1.0)(equal).loss))
    assert gradient.abs().max() < 1e3


def test_one_judged_item_is_too_few() -> None:
    output = DistillKLConfig(normalize_scores=True).build(1)(one_query([0.5, 0.1], [0], teacher=[1.0, NAN]))
    assert output.loss == 0
    assert int(output.logs["skipped"]) == 1
