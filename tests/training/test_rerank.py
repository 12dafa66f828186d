"""The step of a run that trains rerankers: from whom the feature ranker learns, and what it cannot know."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from bundle.progress import NoProgress
from tests.training.world import shop_config, write_shop
from training.compare import compare
from training.config import TrainConfig
from training.dataset import Dataset
from training.errors import BadData
from training.learn import Learner
from training.load import load
from training.model import embed
from training.quantizers.contract import QuantizerData
from training.ragged import IntArray
from training.rerank import RerankStep, check_data, merged_parts
from training.score import model_score
from training.semantic_ids import fit_semantic_ids

CPU = torch.device("cpu")
RANKER = {
    "depth": 20,
    "epochs": 3,
    "item": [{"kind": "category", "name": "title"}, {"kind": "number", "name": "price"}],
}


@pytest.fixture(scope="module")
def config() -> TrainConfig:
    return shop_config(trainer={"epochs": 1}, rerankers={"feature_ranker": RANKER})


@pytest.fixture(scope="module")
def step(config: TrainConfig, tmp_path_factory: pytest.TempPathFactory) -> RerankStep:
    dataset, split = load(config, write_shop(tmp_path_factory.mktemp("shop")))
    learned = Learner(config, dataset, split, NoProgress()).learn()
    comparison = compare(
        config, dataset, split, learned.features.query, lambda q: model_score(learned.model, q, learned.items, CPU)
    )
    assert config.quantizer is not None
    data = QuantizerData(embed(learned.model.item, learned.items, CPU))
    return RerankStep(config, dataset, split, learned, comparison, fit_semantic_ids(config.quantizer, data, 0, 1))


def test_it_learns_from_the_validation_part_as_towers_see_it_that_have_not(step: RerankStep) -> None:
    held_out, test = step.held_out(), step.test()
    selected = step.learned.selected
    assert selected is not None
    np.testing.assert_array_equal(held_out.item_ND, embed(selected.model.item, selected.items, CPU))
    np.testing.assert_array_equal(test.item_ND, embed(step.learned.model.item, step.learned.items, CPU))
    assert not np.allclose(held_out.item_ND, test.item_ND)
    assert held_out.item_code_NL.shape == test.item_code_NL.shape == (60, 2)
    assert held_out.query_code_QL.shape == (40, 2)
    np.testing.assert_array_equal(held_out.before_N, step.split.train_N)
    np.testing.assert_array_equal(test.before_N, np.union1d(step.split.train_N, step.split.validation_N))


def test_where_nothing_learns_from_it_the_first_towers_are_not_kept(step: RerankStep) -> None:
    config = shop_config(trainer={"epochs": 1})
    assert Learner(config, step.dataset, step.split, NoProgress()).learn().selected is None


def changed_after(dataset: Dataset, rows: IntArray) -> Dataset:
    """The data with other items, later, in these interactions."""
    interactions = dataset.interactions
    assert interactions.timestamp_N is not None
    item_N, time_N = interactions.item_N.copy(), interactions.timestamp_N.copy()
    item_N[rows] = (item_N[rows] + 7) % len(dataset.items)
    time_N[rows] += 10**15
    return replace(dataset, interactions=replace(interactions, item_N=item_N, timestamp_N=time_N))


def test_what_is_later_than_the_test_part_begins_changes_nothing(step: RerankStep) -> None:
    dataset = changed_after(step.dataset, step.split.test_N)
    learned = replace(step.learned, context=replace(step.learned.context, dataset=dataset))
    (one,), (other,) = step.run(), replace(step, dataset=dataset, learned=learned).run()
    assert one.trained.parts.spec == other.trained.parts.spec
    assert one.gain == other.gain
    items = np.arange(60, dtype=np.int64)
    for place in (0, 20):
        scores = [made.trained.scorer(step.test())(place, items) for made in (one, other)]
        np.testing.assert_array_equal(scores[0], scores[1])
        assert np.ptp(scores[0]) > 0


def test_the_bundle_gets_vocabularies_of_its_own(step: RerankStep) -> None:
    merged = merged_parts(step.run())
    assert merged.specs.cross_encoder is None and merged.specs.feature_ranker is not None
    assert list(merged.vocabularies) == ["feature_ranker_title"]
    assert merged.specs.feature_ranker.statistics.keys() == {"price"}
    assert {"rerankers.feature_ranker.ndcg@20", "rerankers.feature_ranker.towers.ndcg@20"} <= merged.evaluation.keys()


def test_a_split_without_validation_is_refused_before_anything_is_trained(
    config: TrainConfig, step: RerankStep
) -> None:
    with pytest.raises(BadData, match="learns from the validation part.* the split has none"):
        check_data(config, step.dataset, replace(step.split, validation_N=step.split.validation_N[:0]), Path())
    check_data(shop_config(), step.dataset, replace(step.split, validation_N=step.split.validation_N[:0]), Path())
