"""Every tower, with every history encoder, against the contract."""

from typing import get_args

import pytest
import torch

from tests.contracts.tower import TowerContract
from training.encoders import HistoryConfig
from training.towers import TowerConfig
from training.towers.mlp import ResidualLayer

HISTORIES = [kind() for kind in get_args(get_args(HistoryConfig)[0])]


@pytest.mark.parametrize(
    "config",
    [TowerConfig(hidden=(8,), dropout=0.3, history=history) for history in HISTORIES],
    ids=[history.kind for history in HISTORIES],
)
class TestEveryTower(TowerContract):
    pass


def test_a_new_residual_layer_changes_nothing() -> None:
    state_BD = torch.randn(3, 6, generator=torch.Generator().manual_seed(0))
    assert torch.equal(ResidualLayer(6, 12)(state_BD), state_BD)
