"""The steps of a ranker, over a world where the nearest item is the positive."""

import numpy as np
import pytest
import torch
from torch import Tensor

from bundle.progress import NoProgress
from tests.training.hook_world import context_of, point_dataset, point_settings, points
from training.epoch_hook import HookContext
from training.errors import BadData, Diverged
from training.mining.miner import HardNegativesConfig, Mined, Miner
from training.mining.search import Found
from training.ragged import Ragged
from training.rankers.contract import Ranker
from training.rankers.learner import More, RankerLearner, RankerSteps, candidate_lists
from training.rankers.mlp import MlpRanker, MlpRankerConfig


def nearest(n_queries: int, n_items: int) -> HookContext:
    query_QD, item_ND = points(n_queries, 4, 0), points(n_items, 4, 1)
    pairs = [(q, int((item_ND @ query_QD[q]).argmax())) for q in range(n_queries)]
    return context_of(point_dataset(query_QD, item_ND, pairs), point_settings(4))


def test_lists_have_the_positive_first_then_mined_items_then_padding() -> None:
    context = nearest(3, 20)
    found = Found(Ragged.from_rows([[1, 2, 3], [4], []]), np.zeros(4, dtype=np.float32))
    queries = Miner(HardNegativesConfig(), context).queries
    given = Mined(queries, found, np.zeros(3, dtype=np.float32), 0.0)
    item_BC, real_BC = candidate_lists(given, np.array([1, 0]), 2, np.random.default_rng(0))
    assert item_BC[:, 0].tolist() == [int(queries.asked.row(1)[0]), int(queries.asked.row(0)[0])]
    assert real_BC.tolist() == [[True, True, False], [True, True, True]]
    assert item_BC[0, 1] == 4
    assert set(item_BC[1, 1:].tolist()) < {1, 2, 3}


def test_a_ranker_learns_to_tell_the_positive_from_what_was_mined() -> None:
    context = nearest(60, 50)
    torch.manual_seed(0)
    ranker = MlpRankerConfig(dimension=8).build(context)
    learner = RankerLearner(ranker, RankerSteps(learning_rate=0.01, negatives=7), NoProgress())
    mined = Miner(HardNegativesConfig(depth=20, relative_margin=None), context).mine()
    first = learner.learn(mined, 5, np.random.default_rng(0))
    last = learner.learn(mined, 80, np.random.default_rng(1))
    assert first["ranker_accuracy"] < 0.5 < last["ranker_accuracy"]
    assert last["ranker_loss"] < first["ranker_loss"]
    assert not ranker.training
    nothing = mined.select(np.zeros(len(mined.found.score_V), dtype=np.bool_))
    with pytest.raises(BadData, match="no query kept a mined negative"):
        learner.learn(nothing, 1, np.random.default_rng(0))
    with torch.no_grad():
        next(iter(ranker.parameters())).fill_(torch.nan)
    with pytest.raises(Diverged, match="lower its learning_rate"):
        learner.learn(mined, 1, np.random.default_rng(0))


def test_rates_follow_the_factor_and_more_is_learned_beside_the_lists() -> None:
    context = nearest(60, 50)
    mined = Miner(HardNegativesConfig(depth=20, relative_margin=None), context).mine()

    def trained(factor: float, *more: More) -> MlpRanker:
        torch.manual_seed(0)
        ranker = MlpRankerConfig(dimension=8).build(context)
        learner = RankerLearner(ranker, RankerSteps(learning_rate=0.01), NoProgress(), more=more)
        learner.learn(mined, 20, np.random.default_rng(0), lambda step: factor * (step < 10))
        return ranker

    def low(ranker: Ranker, rng: np.random.Generator) -> Tensor:
        rows = np.array([0, 1])
        return ranker.score(rows, np.array([[4], [4]])).square().sum()

    torch.manual_seed(0)
    fresh = MlpRankerConfig(dimension=8).build(context)
    still, moved, more = trained(0), trained(1), trained(1, low)
    assert all(torch.equal(a, b) for a, b in zip(fresh.parameters(), still.parameters(), strict=True))
    assert not torch.equal(next(moved.parameters()), next(fresh.parameters()))
    with torch.no_grad():
        assert low(more, np.random.default_rng(0)) < 0.5 * low(moved, np.random.default_rng(0))
