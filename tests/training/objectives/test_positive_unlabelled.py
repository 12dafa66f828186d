"""Targets against the mean of all items."""

import pytest
import torch
from torch.nn.functional import logsigmoid

from tests.contracts.objective import with_gradients
from tests.training.objectives.one_query import close, one_query
from training.objectives.positive_unlabelled import PositiveUnlabelled, PositiveUnlabelledConfig


def test_by_hand() -> None:
    close(PositiveUnlabelled(1.0)(one_query([2, -1, 0], [0])).loss, -0.471067)


@pytest.mark.parametrize("score", [-3.0, 0.0, 3.0])
def test_equal_scores_give_zero(score: float) -> None:
    close(PositiveUnlabelled(0.1)(one_query([score] * 5, [1, 3])).loss, 0.0)


def test_its_least_value_is_the_log_of_the_targets_share() -> None:
    close(PositiveUnlabelled(0.01)(one_query([5.0, 5.0, -5.0, -5.0], [0, 1])).loss, float(torch.tensor(0.5).log()))


def test_gamma_multiplies_the_first_term_and_has_no_gradient_of_its_own() -> None:
    scores = [2.0, -1.0, 0.0]
    mean = torch.tensor(scores, dtype=torch.float64).sigmoid().mean()
    batch = one_query(scores, [0])
    loss, _, gradient = with_gradients(PositiveUnlabelled(1.0, 0.5), batch)
    close(loss, float(mean.sqrt() * mean.log() - logsigmoid(torch.tensor(2.0))))
    plain = with_gradients(PositiveUnlabelled(1.0), batch)[2]
    close(gradient[1:], (mean.sqrt() * plain[1:]).flatten().tolist())


def test_undrawn_negatives_are_not_in_the_mean_and_a_target_is_once() -> None:
    drawn = one_query([2, -1, 0, 1], [0], draws=[0, 2, 1, 0])
    close(PositiveUnlabelled(1.0)(drawn).loss, float(PositiveUnlabelled(1.0)(one_query([2, -1, -1, 0], [0])).loss))


def test_probabilities_below_the_least_float_keep_their_logarithm() -> None:
    batch = one_query([-400.0, -500.0], [0])
    loss, _, gradient = with_gradients(PositiveUnlabelled(1.0), batch)
    close(loss, float(torch.tensor(0.5).log()))
    close(gradient, [0.0, 0.0])


def test_the_config_builds_it() -> None:
    assert PositiveUnlabelledConfig(temperature=0.2, gamma=0.55).build(4) == PositiveUnlabelled(0.2, 0.55)
