"""The pointwise objective by hand."""

import pytest
import torch

from training.rerankers.objectives.pointwise import PointwiseConfig


def test_pairs_are_judged_alone() -> None:
    """softplus(-1), softplus(2) and softplus(0), averaged; the size of a gain does not matter."""
    score, mask = torch.tensor([[1.0, 2.0, 0.0]]), torch.ones(1, 3, dtype=torch.bool)
    for gain in (1.0, 7.0):
        loss = PointwiseConfig()(score, torch.tensor([[gain, 0.0, 0.0]]), mask)
        assert loss.item() == pytest.approx((0.313262 + 2.126928 + 0.693147) / 3, abs=1e-6)
