"""Soft labels of a judge."""

import pytest
import torch

from tests.contracts.objective import with_gradients
from tests.training.objectives.one_query import NAN, close, one_query
from training.objectives.graded_kl import Direction, GradedKL, GradedKLConfig

SCORES, JUDGED = [0.8, 0.6, 0.2], [0.72, 0.44, 0.02]


def test_by_hand() -> None:
    """P = (.878878, .118943, .002179), T = (.941866, .057275, .000859) at temperature 0.1."""
    close(GradedKL(0.1, 0.1)(one_query(SCORES, [0], teacher=JUDGED)).loss, 0.025327)
    p, t = torch.tensor([0.878878, 0.118943, 0.002179]), torch.tensor([0.941866, 0.057275, 0.000859])
    one_way = float((t * (t / p).log()).sum())
    close(GradedKL(0.1, 0.1, "teacher")(one_query(SCORES, [0], teacher=JUDGED)).loss, one_way, atol=1e-5)


def test_at_a_low_temperature_the_soft_labels_are_nearly_hard() -> None:
    close(GradedKL(0.02, 0.02)(one_query(SCORES, [0], teacher=JUDGED)).loss, 8.9e-5, atol=5e-7)


def test_the_symmetric_form_does_not_care_which_side_is_the_teacher() -> None:
    loss = GradedKL(0.1, 0.3)(one_query(SCORES, [0], teacher=JUDGED)).loss
    close(GradedKL(0.3, 0.1)(one_query(JUDGED, [0], teacher=SCORES)).loss, float(loss))


@pytest.mark.parametrize("direction", ["symmetric", "teacher"])
def test_it_is_zero_with_zero_gradient_where_both_differ_by_a_constant(direction: Direction) -> None:
    agreed = one_query([0.8, 0.6, 0.2], [0], teacher=[5.0 + 5 * s for s in (0.8, 0.6, 0.2)])
    loss, _, gradient = with_gradients(GradedKL(0.02, 0.1, direction), agreed)
    close(loss, 0.0, atol=1e-12)
    close(gradient, [0.0, 0.0, 0.0], atol=1e-12)


@pytest.mark.parametrize("direction", ["symmetric", "teacher"])
def test_descent_ends_at_the_teacher_s_gaps_in_the_ratio_of_the_temperatures(direction: Direction) -> None:
    given = one_query([0.0, 0.0, 0.0], [0], teacher=[1.0, 0.5, 0.0])
    item_MD = given.item_MD.requires_grad_()
    optimizer = torch.optim.Adam([item_MD], lr=0.01)
    for _ in range(500):
        optimizer.zero_grad()
        GradedKL(0.1, 0.5, direction)(given).loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    close((item_MD[:-1] - item_MD[1:]).detach(), [0.1, 0.1], atol=1e-3)


def test_unjudged_items_have_no_part_and_one_judged_item_is_too_few() -> None:
    wide = one_query([*SCORES, 5.0], [0], teacher=[*JUDGED, NAN])
    close(GradedKL(0.1, 0.1)(wide).loss, 0.025327)
    single = GradedKL(0.1, 0.1)(one_query(SCORES, [0], teacher=[0.7, NAN, NAN]))
    assert single.loss == 0
    assert int(single.logs["skipped"]) == 1


def test_the_config_builds_it_and_asks_for_a_teacher() -> None:
    config = GradedKLConfig(temperature=0.1, teacher_temperature=0.2, direction="teacher")
    assert config.build(4) == GradedKL(0.1, 0.2, "teacher")
    assert config.needs_teacher
