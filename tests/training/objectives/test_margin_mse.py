"""Margins of a teacher."""

import torch

from tests.training.objectives.one_query import NAN, close, one_query
from training.objectives.margin_mse import MarginMSE, MarginMSEConfig


def test_by_hand() -> None:
    close(MarginMSE()(one_query([0.9, 0.4], [0], teacher=[5.0, 2.0])).loss, 6.25)


def test_a_shift_of_the_teacher_s_scores_changes_nothing() -> None:
    loss = MarginMSE()(one_query([0.9, 0.4, 0.1], [0], teacher=[5.0, 2.0, 1.0])).loss
    close(MarginMSE()(one_query([0.9, 0.4, 0.1], [0], teacher=[105.0, 102.0, 101.0])).loss, float(loss))


def test_it_is_the_mean_over_all_pairs_of_a_judged_target_and_another_judged_item() -> None:
    scores, teacher = [0.9, 0.7, 0.4, 0.1, -0.3], [3.0, 2.5, NAN, 1.0, -1.0]
    pairs = [((4 * scores[p] - 4 * scores[n]) - (teacher[p] - teacher[n])) ** 2 for p in (0, 1) for n in (3, 4)]
    given = one_query(scores, [0, 1, 2], teacher=teacher)  # item 2 is a target that the teacher did not judge
    close(MarginMSE(4.0)(given).loss, sum(pairs) / len(pairs))


def test_a_query_needs_a_judged_target_and_another_judged_item() -> None:
    for teacher in ([NAN, 2.0, 1.0], [2.0, NAN, NAN]):
        output = MarginMSE()(one_query([0.9, 0.4, 0.1], [0], teacher=teacher))
        assert output.loss == 0
        assert int(output.logs["skipped"]) == 1


def test_a_scale_lets_cosines_reach_the_teacher_s_margins() -> None:
    given = one_query([0.9, 0.4], [0], teacher=[5.0, 2.0])
    close(MarginMSEConfig(scale=6.0).build(1)(given).loss, 0.0)
    assert torch.equal(MarginMSE(6.0)(given).loss, MarginMSEConfig(scale=6.0).build(1)(given).loss)
