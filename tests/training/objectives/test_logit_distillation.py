"""Distillation of single scores."""

import pytest

from tests.contracts.objective import with_gradients
from tests.training.objectives.one_query import NAN, close, one_query
from training.objectives.logit_distillation import LogitDistillation, LogitDistillationConfig


@pytest.mark.parametrize("gap", [2.0, -2.0])
def test_by_hand_on_both_sides(gap: float) -> None:
    close(LogitDistillation(1.0, 2.0)(one_query([1.0 + gap, NAN], [0], teacher=[1.0, NAN])).loss, 0.480458)


def test_it_is_the_mean_over_the_judged_items() -> None:
    close(LogitDistillation(1.0, 2.0)(one_query([3.0, 1.0, 9.0], [0], teacher=[1.0, 1.0, NAN])).loss, 0.480458 / 2)


def test_it_is_zero_only_where_model_and_teacher_agree_also_in_the_constant() -> None:
    scores = [0.7, 0.1, -0.2]
    close(LogitDistillation(10.0)(one_query(scores, [0], teacher=[10 * s for s in scores])).loss, 0.0, atol=1e-12)
    shifted = one_query(scores, [0], teacher=[10 * s + 1 for s in scores])
    assert LogitDistillation(10.0)(shifted).loss > 0.1


def test_far_gaps_stay_finite_and_their_gradient_is_bounded() -> None:
    loss, _, gradient = with_gradients(LogitDistillation(1.0, 2.0), one_query([1e4, -1e4], [0], teacher=[0.0, 0.0]))
    close(loss, 4 * (1e4 / 4 - 0.693147), atol=1e-2)
    close(gradient, [0.5, -0.5])


def test_a_query_without_a_judged_item_is_skipped() -> None:
    output = LogitDistillationConfig().build(1)(one_query([0.5, 0.1], [0], teacher=[NAN, NAN]))
    assert output.loss == 0
    assert int(output.logs["skipped"]) == 1
