"""The hardest triplet."""

import torch

from tests.contracts.objective import with_gradients
from tests.training.objectives.one_query import close, one_query
from training.objectives import LossInput
from training.objectives.hardest_triplet import HardestTriplet, HardestTripletConfig


def test_both_directions_by_hand() -> None:
    query_BD = torch.tensor([[0.5, 0.45, 0.45], [0.2, 0.7, 0.1], [0.3, 0.4, 0.6]], dtype=torch.float64)
    eye = torch.eye(3, dtype=torch.float64)
    output = HardestTriplet(0.3, 0.015)(LossInput(query_BD, eye, eye.bool(), torch.ones(3, 3, dtype=torch.bool)))
    close(output.per_query_B, [0.25 + 0.1, 0.0 + 0.05, 0.1 + 0.15])
    close(output.loss, (0.35 + 0.05 + 0.25) / 3)


def test_only_the_hardest_drawn_negative_and_the_target_get_a_gradient() -> None:
    batch = one_query([0.5, 0.9, 0.6, 0.2], [0], draws=[0, 0, 1, 1])
    loss, _, gradient = with_gradients(HardestTriplet(0.1, 0.015), batch)
    close(loss, 0.2)
    close(gradient, [-1.0, 0.0, 1.0, 0.0])


def test_beyond_the_margin_nothing_is_left_to_learn() -> None:
    output = HardestTriplet(0.1, 0.015)(one_query([0.9, 0.2], [0]))
    assert output.loss == 0
    assert int(output.logs["skipped"]) == 0


def test_the_config_builds_it() -> None:
    assert HardestTripletConfig(margin=0.2).build(4) == HardestTriplet(0.2, 0.015)
