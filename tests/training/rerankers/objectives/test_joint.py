"""The joint objective by hand."""

import pytest
import torch

from training.rerankers.objectives.joint import JointConfig

SCORE, GAIN = torch.tensor([[1.0, 2.0, 0.0]]), torch.tensor([[1.0, 0.0, 0.0]])
ALL = torch.ones(1, 3, dtype=torch.bool)


def test_the_list_and_beside_it_the_positive_and_the_hardest_negative() -> None:
    """softplus(-1) + softplus(2) beside AR2's 1.407606; the negative that scores 0 counts in the list alone."""
    pairs = 0.313262 + 2.126928
    assert JointConfig()(SCORE, GAIN, ALL).item() == pytest.approx(pairs + 1.407606, abs=1e-6)
    assert JointConfig(pair_weight=0.5)(SCORE, GAIN, ALL).item() == pytest.approx(pairs / 2 + 1.407606, abs=1e-6)
    assert JointConfig(pair_weight=0)(SCORE, GAIN, ALL).item() == pytest.approx(1.407606, abs=1e-6)


def test_unlike_the_list_alone_it_knows_the_level_of_a_score() -> None:
    assert JointConfig()(SCORE + 9, GAIN, ALL).item() > JointConfig()(SCORE, GAIN, ALL).item() + 5
