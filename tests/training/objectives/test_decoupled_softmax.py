"""The decoupled softmax, and its grades."""

from dataclasses import replace

import pytest
import torch

from tests.contracts.objective import with_gradients
from tests.training.objectives.one_query import NAN, close, one_query
from training.errors import TrainingError
from training.objectives.decoupled_softmax import DecoupledSoftmax, DecoupledSoftmaxConfig
from training.objectives.softmax import Softmax


def test_by_hand() -> None:
    loss, _, gradient = with_gradients(DecoupledSoftmax(1.0), one_query([2, 1, 0, -1], [0, 1]))
    close(loss, 0.288726)
    close(gradient, [-0.078103, -0.167380, 0.179462, 0.066020])


def test_it_is_never_above_the_coupled_softmax() -> None:
    values = torch.randn(10, generator=torch.Generator().manual_seed(0)).tolist()
    batch = one_query(values, [1, 4, 7])
    assert DecoupledSoftmax(0.5)(batch).loss < Softmax(0.5)(batch).loss


def test_several_well_placed_positives_cost_nothing() -> None:
    close(DecoupledSoftmax(0.05)(one_query([9.0, 9.0, 9.0, -9.0], [0, 1, 2])).loss, 0.0)


def test_grades_multiply_the_loss_of_each_target() -> None:
    """Targets cost .169846 and .407606; the mean is over targets, not over grades."""
    graded = one_query([2, 1, 0, -1], [0, 1], grades=[3.0, 1.0, NAN, NAN])
    loss, _, gradient = with_gradients(DecoupledSoftmax(1.0, grade_weights=True), graded)
    close(loss, (3 * 0.169846 + 0.407606) / 2)
    assert gradient.isfinite().all()
    close(DecoupledSoftmax(1.0)(graded).loss, 0.288726)


def test_equal_grades_scale_the_loss() -> None:
    graded = one_query([2, 1, 0, -1], [0, 1], grades=[2.0] * 4)
    close(DecoupledSoftmax(1.0, grade_weights=True)(graded).loss, 2 * 0.288726)


def test_grades_that_are_not_there_are_an_error_that_says_what_to_do() -> None:
    objective = DecoupledSoftmaxConfig(grade_weights=True).build(4)
    with pytest.raises(TrainingError, match="set grade_weights = false"):
        objective(one_query([2, 1], [0]))


def test_an_item_that_is_only_a_target_is_nobody_s_negative() -> None:
    batch = one_query([0.5, 0.2, 0.9], [0])
    undrawn = replace(batch, draws_M=torch.tensor([0, 1, 0]))
    close(DecoupledSoftmax(0.1)(undrawn).loss, float(DecoupledSoftmax(0.1)(one_query([0.5, 0.2], [0])).loss))
