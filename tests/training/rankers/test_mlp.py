"""The small ranker: one score a pair whoever else is scored, and it tells near from far once trained."""

import numpy as np
import pytest
import torch

from tests.training.hook_world import context_of, point_dataset, point_settings, points
from tests.training.world import shop_config, write_shop
from training.dataset import load_dataset
from training.epoch_hook import HookContext
from training.errors import BadData
from training.rankers.mlp import MlpRanker, MlpRankerConfig


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> HookContext:
    config = shop_config()
    return context_of(load_dataset(config.data, write_shop(tmp_path_factory.mktemp("shop"))), config)


def built(context: HookContext) -> MlpRanker:
    torch.manual_seed(0)
    return MlpRankerConfig(dimension=8, hidden=16).build(context)


def test_a_score_depends_on_its_pair_alone(shop: HookContext) -> None:
    ranker = built(shop)
    query_B, item_BC = np.array([3, 0, 3]), np.array([[5, 7], [5, 5], [1, 0]])
    score_BC = ranker.score(query_B, item_BC)
    assert score_BC.shape == (3, 2)
    assert score_BC.dtype == torch.float32
    for row in range(3):
        for column in range(2):
            alone = ranker.score(query_B[row : row + 1], item_BC[row : row + 1, column : column + 1])
            torch.testing.assert_close(alone[0, 0], score_BC[row, column], atol=1e-5, rtol=1e-5)


def test_every_feature_has_a_gradient_of_its_own(shop: HookContext) -> None:
    ranker = built(shop)
    ranker.score(np.arange(30), np.arange(60).reshape(30, 2)).square().sum().backward()  # type: ignore[no-untyped-call]
    idle = [name for name, weight in ranker.named_parameters() if weight.grad is None or not weight.grad.any()]
    assert idle == []
    assert not any(weight.grad is not None for weight in shop.model.parameters())


def test_it_learns_which_items_are_near() -> None:
    query_QD, item_ND = points(80, 4, 0), points(60, 4, 1)
    pairs = [(query, int((query_QD[query] @ item_ND.T).argmax())) for query in range(80)]
    ranker = built(context_of(point_dataset(query_QD, item_ND, pairs), point_settings(4)))
    optimizer = torch.optim.AdamW(ranker.parameters(), lr=5e-3)
    rng = np.random.default_rng(0)
    for _ in range(150):
        item_BC = np.append(np.array([[item] for _, item in pairs]), rng.integers(0, 60, (80, 7)), axis=1)
        loss = torch.nn.functional.cross_entropy(
            ranker.score(np.arange(80), item_BC), torch.zeros(80, dtype=torch.int64)
        )
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    with torch.no_grad():
        score_QN = ranker.score(np.arange(80), np.tile(np.arange(60), (80, 1))).numpy()
    truth_QN = query_QD @ item_ND.T
    correlation = np.mean([np.corrcoef(score_QN[query], truth_QN[query])[0, 1] for query in range(80)])
    assert correlation > 0.8


def test_a_query_without_an_example_is_refused() -> None:
    context = context_of(point_dataset(points(3, 4, 0), points(6, 4, 1), [(0, 0), (2, 1)]), point_settings(4))
    with pytest.raises(BadData, match="query row 1"):
        built(context).score(np.array([0, 1]), np.array([[0], [0]]))
