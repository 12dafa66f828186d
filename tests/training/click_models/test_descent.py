import numpy as np
import pytest
import torch
from torch import Tensor, nn

from bundle.progress import NoProgress
from training.click_models.descent import DescentConfig, descend
from training.ragged import IntArray


def test_every_row_comes_once_before_any_comes_again() -> None:
    seen: list[int] = []
    model = nn.Linear(1, 1)

    def loss(rows: IntArray) -> Tensor:
        seen.extend(rows.tolist())
        return model.weight.sum() * 0

    config = DescentConfig(steps=6, batch_size=2)
    descend(model, [], loss, np.array([3, 5, 8, 9, 11, 12]), config, NoProgress(), np.random.default_rng(0))
    assert sorted(seen[:6]) == sorted(seen[6:]) == [3, 5, 8, 9, 11, 12]
    assert seen[:6] != seen[6:]


def test_both_models_descend_and_the_mean_of_the_last_steps_comes_back() -> None:
    model, own = nn.Linear(1, 1, bias=False), nn.Parameter(torch.tensor([4.0]))

    def loss(rows: IntArray) -> Tensor:
        return (model.weight - 1).square().sum() + (own - 3).square().sum()

    config = DescentConfig(steps=400, learning_rate=0.05, propensity_learning_rate=0.05, weight_decay=0.0)
    last = descend(model, [own], loss, np.arange(4), config, NoProgress(), np.random.default_rng(0))
    assert model.weight.item() == pytest.approx(1, abs=0.02) and own.item() == pytest.approx(3, abs=0.02)
    assert 0 <= last < 1e-3 and not model.training
