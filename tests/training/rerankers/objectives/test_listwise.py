"""The listwise objective by hand."""

import pytest
import torch

from training.rerankers.objectives.listwise import ListwiseConfig


def test_candidates_compete_in_one_softmax() -> None:
    """AR2's oracle: scores (1, 2, 0), the first is the positive: 1.407606; the level of a list does not matter."""
    score, mask = torch.tensor([[1.0, 2.0, 0.0]]), torch.ones(1, 3, dtype=torch.bool)
    gain = torch.tensor([[1.0, 0.0, 0.0]])
    assert ListwiseConfig()(score, gain, mask).item() == pytest.approx(1.407606, abs=1e-6)
    assert ListwiseConfig()(score + 9, gain, mask).item() == pytest.approx(1.407606, abs=1e-6)
