"""Every tower, with every history encoder, against the contract."""

from typing import get_args

import pytest
import torch

from tests.contracts.tower import DIMENSION, TowerContract, encoded
from training.encoders import HistoryConfig
from training.towers import TowerConfig
from training.towers.mlp import ResidualLayer
from training.towers.two_heads import TwoHeads, TwoHeadsConfig, side_by_side

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


@pytest.mark.parametrize("config", [TowerConfig(hidden=(8,), dropout=0.3)])
class TestTwoHeads(TowerContract):
    def tower(self, config: TowerConfig, unit_length: bool = True) -> torch.nn.Module:
        tower = super().tower(config, unit_length=False)
        return TwoHeadsConfig(weight=0.3).build(tower, DIMENSION, unit_length).eval()

    def test_gradients_reach_every_weight(self, config: TowerConfig) -> None:
        tower = self.tower(config)
        for name, weight in tower.named_parameters():
            if name.endswith("narrow.weight"):
                torch.nn.init.normal_(weight)  # zero at first in a residual layer
        arrays = [torch.from_numpy(array) for array in encoded().batch().values()]
        (tower(*arrays)[:, [0, -1]]).square().sum().backward()  # an element of each block
        idle = [name for name, w in tower.named_parameters() if w.grad is None or not w.grad.abs().sum() > 0]
        assert idle == []

    def test_both_blocks_have_their_share_of_the_length(self, config: TowerConfig) -> None:
        first_BH, second_BH = self.embed(self.tower(config), range(40)).chunk(2, dim=1)
        torch.testing.assert_close(first_BH.square().sum(1), torch.full((40,), 0.3))
        torch.testing.assert_close(second_BH.square().sum(1), torch.full((40,), 0.7))


@pytest.mark.parametrize("weight", [0.0, 0.25, 0.5, 1.0])
def test_one_dot_product_is_the_weighted_sum_of_both_heads_scores(weight: float) -> None:
    """Training dossier 7.5; with weights on the query's side only, stored items serve every weight."""
    generator = torch.Generator().manual_seed(1)
    uq, tq, ux, tx = (torch.nn.functional.normalize(torch.randn(9, 6, generator=generator), dim=1) for _ in range(4))
    wanted = weight * (uq @ ux.T) + (1 - weight) * (tq @ tx.T)
    score = side_by_side(uq, tq, weight) @ side_by_side(ux, tx, weight).T
    torch.testing.assert_close(score, wanted, rtol=0, atol=1e-6)
    on_query = torch.cat([weight * uq, (1 - weight) * tq], 1) @ torch.cat([ux, tx], 1).T
    torch.testing.assert_close(on_query, wanted, rtol=0, atol=1e-6)
    if weight == 1.0:
        torch.testing.assert_close(score, uq @ ux.T, rtol=0, atol=1e-6)


def test_heads_of_both_towers_begin_alike_and_learn_apart() -> None:
    state_BD = torch.randn(5, 8, generator=torch.Generator().manual_seed(0))
    item = TwoHeads(torch.nn.Identity(), 8, 0.5, True)
    query = item.sibling(torch.nn.Identity())
    assert torch.equal(item(state_BD), query(state_BD))
    with torch.no_grad():
        query.first.weight.add_(1.0)
    assert not torch.equal(item(state_BD), query(state_BD))
    first_BH, second_BH = item(state_BD).chunk(2, dim=1)
    assert not torch.allclose(first_BH, second_BH, atol=1e-2)  # two views
