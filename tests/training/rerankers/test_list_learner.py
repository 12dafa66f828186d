"""The learner finds what orders lists, keeps its best epoch, and says where it cannot learn."""

import numpy as np
import pytest
import torch

from bundle.progress import NoProgress
from training.errors import BadData, Diverged
from training.rerankers.feature_lists import FeatureLists
from training.rerankers.feature_network import FeatureNetwork
from training.rerankers.list_learner import ListLearner, ListSteps, ndcg_of
from training.rerankers.listwise.softmax import ListwiseSoftmaxConfig


def lists_of(seed: int, count: int, *, informative: bool = True) -> FeatureLists:
    """Twelve items, of which the two with the largest second feature are wanted; the first feature is noise."""
    rng = np.random.default_rng(seed)
    feature_QKF = rng.standard_normal((count, 12, 2)).astype(np.float32)
    decides_QK = feature_QKF[..., 1] if informative else rng.standard_normal((count, 12))
    gain_QK = (np.argsort(np.argsort(-decides_QK, axis=1), axis=1) < 2).astype(np.float32)
    mask_QK = np.ones((count, 12), dtype=np.bool_)
    return FeatureLists(feature_QKF, np.empty((count, 12, 0), np.int64), gain_QK, mask_QK, np.full(count, 2))


def learner(lists: FeatureLists, **steps: float) -> tuple[ListLearner, FeatureNetwork]:
    torch.manual_seed(0)
    network = FeatureNetwork(lists.feature_QKF[lists.mask_QK], [], (8,), 0.0)
    config = ListSteps.model_validate({"epochs": 12, "batch_size": 16, "learning_rate": 0.02, **steps})
    return ListLearner(network, ListwiseSoftmaxConfig(), config, NoProgress()), network


def test_it_learns_what_orders_the_lists() -> None:
    fit, stopping = lists_of(0, 64), lists_of(1, 40)
    made, _ = learner(fit)
    measured = made.learn(fit, stopping, np.random.default_rng(0))
    assert measured[0] < 0.6 and max(measured) > 0.9
    assert made.ndcg(stopping) == pytest.approx(max(measured))


def test_where_nothing_is_to_be_learnt_it_stops_and_keeps_its_best_epoch() -> None:
    fit, stopping = lists_of(0, 100, informative=False), lists_of(1, 60, informative=False)
    made, _ = learner(fit, patience=2, epochs=50)
    measured = made.learn(fit, stopping, np.random.default_rng(0))
    best = int(np.argmax(measured))
    assert len(measured) == best + 3
    assert made.ndcg(stopping) == pytest.approx(measured[best])


def test_what_it_cannot_learn_from_is_said() -> None:
    lists = lists_of(0, 20)
    nothing = FeatureLists(
        lists.feature_QKF, lists.category_QKC, np.zeros_like(lists.gain_QK), lists.mask_QK, lists.relevant_Q
    )
    with pytest.raises(BadData, match=r"found nothing that a query .* wanted"):
        learner(lists)[0].learn(nothing, lists, np.random.default_rng(0))
    made, network = learner(lists)
    torch.nn.init.constant_(network.tower, torch.nan)
    with pytest.raises(Diverged, match="lower rerankers.feature_ranker.learning_rate"):
        made.learn(lists, lists, np.random.default_rng(0))


def test_ndcg_by_hand() -> None:
    lists = lists_of(0, 1)
    lists = FeatureLists(
        lists.feature_QKF[:, :3],
        lists.category_QKC[:, :3],
        np.array([[0, 1, 0]], dtype=np.float32),
        np.array([[True, True, False]]),
        np.array([3]),
    )
    third = 1 + 1 / np.log2(3) + 1 / 2
    score_QK = np.array([[2, 1, 9]], dtype=np.float32)
    assert ndcg_of(score_QK, lists, 5).tolist() == pytest.approx([(1 / np.log2(3)) / third])
    assert ndcg_of(score_QK, lists, 1).tolist() == [0]
