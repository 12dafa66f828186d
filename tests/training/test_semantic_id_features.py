"""Quantizers of features see what training sees, and nothing else."""

import tomllib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from bundle.columns import DenseColumn, EncodedRecords
from bundle.config import validate_config
from bundle.errors import ConfigError
from bundle.progress import NoProgress
from tests.training.small_data import ints, small_dataset
from tests.training.world import shop_config, shop_settings
from training.config import TrainConfig
from training.encoders.semantic_id import SemanticIdEncoder, SemanticIdFeatureConfig
from training.errors import BadData
from training.learn import Learner
from training.quantizers.contract import Behaviour, Quantizer, QuantizerData
from training.quantizers.residual import ResidualConfig
from training.semantic_id_features import TrainedRecords, fit_semantic_id_features
from training.splits import Split

SMALL = {"quantizer": {"kind": "residual", "levels": 2, "codebook_size": 4}}
CONFIG = SemanticIdFeatureConfig.model_validate(SMALL)


def records(**columns: Any) -> EncodedRecords:
    arrays = {name: np.asarray(values, dtype=np.float32) for name, values in columns.items()}
    return EncodedRecords({name: DenseColumn(values) for name, values in arrays.items()}, 8)


def items() -> np.ndarray:
    value_NW = np.random.default_rng(0).normal(size=(8, 3)).astype(np.float32)
    value_NW[2] = 0
    return value_NW


def trained(queries: EncodedRecords, items: EncodedRecords) -> TrainedRecords:
    """Eight items: 0 was never met, 2 has no vector, 7 stands in histories alone."""
    behaviour = Behaviour(ints(0, 0, 1, 1, 2, 2, 2), ints(7, 1, 2, 3, 4, 5, 6), 3)
    return TrainedRecords(items, queries, behaviour)


class Listening(ResidualConfig):
    """Keeps what it is fitted on."""

    def fit(self, data: QuantizerData, seed: int, threads: int) -> Quantizer:
        HEARD.append(data)
        return super().fit(data, seed, threads)


HEARD: list[QuantizerData] = []


def test_an_item_quantizer_learns_from_the_items_of_training_that_have_a_vector() -> None:
    value_NW = items()
    config = CONFIG.model_copy(update={"quantizer": Listening(levels=2, codebook_size=4)})
    HEARD.clear()
    fitted = fit_semantic_id_features({"photo": config}, trained(records(), records(photo=value_NW)), 0, 1)
    np.testing.assert_array_equal(HEARD[0].embedding_ND, value_NW[[1, 3, 4, 5, 6, 7]])
    behaviour = HEARD[0].behaviour
    assert behaviour is not None and behaviour.n_queries == 3
    assert behaviour.query_P.tolist() == [0, 0, 1, 2, 2, 2]  # but the pair with item 2
    np.testing.assert_array_equal(HEARD[0].embedding_ND[behaviour.item_P], value_NW[[7, 1, 3, 4, 5, 6]])
    assert fitted.item["photo"].config is config
    assert fitted.query == {}


def test_both_towers_share_the_items_quantizer_and_a_query_alone_has_its_own() -> None:
    query_QW = items()[::-1]
    both = fit_semantic_id_features({"photo": CONFIG}, trained(records(photo=query_QW), records(photo=items())), 0, 1)
    assert both.query["photo"].quantizer is both.item["photo"].quantizer
    alone = fit_semantic_id_features({"photo": CONFIG}, trained(records(photo=query_QW), records()), 0, 1)
    assert alone.item == {}
    expected = CONFIG.quantizer.fit(QuantizerData(query_QW[query_QW.any(1)]), 0, 1)
    for own, wanted in zip(alone.query["photo"].quantizer.codebooks, expected.codebooks, strict=True):
        np.testing.assert_array_equal(own, wanted)


def test_too_few_vectors_are_refused_naming_the_feature() -> None:
    few = CONFIG.model_copy(update={"quantizer": ResidualConfig(codebook_size=8)})
    with pytest.raises(BadData, match=r"\[semantic_id_features\.photo\].*6 items cannot train 8 codes"):
        fit_semantic_id_features({"photo": few}, trained(records(), records(photo=items())), 0, 1)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"semantic_id_features": {"price": SMALL}}, r"about no vector feature of a tower \(they have: photo\)"),
        ({"semantic_id_features": {"photo": SMALL}, "export": {"precision": "int8"}}, "would round the codebooks"),
    ],
)
def test_what_cannot_be_coded_is_refused_with_the_reason(changes: dict[str, Any], reason: str) -> None:
    with pytest.raises(ConfigError, match=reason):
        shop_config(**changes)


def test_one_quantizer_needs_one_width() -> None:
    query = [*shop_settings()["features"]["query"], {"kind": "vector", "name": "photo", "dimension": 4}]
    with pytest.raises(ConfigError, match="dimensions 3 and 4; make them equal"):
        shop_config(features={"query": query}, semantic_id_features={"photo": SMALL})


def test_the_config_of_the_how_to_page_trains() -> None:
    page = (Path(__file__).parents[2] / "docs" / "how-to" / "use-semantic-ids.md").read_text()
    asked = tomllib.loads(page.split("```toml\n")[1].split("```")[0])
    vectors = np.random.default_rng(0).normal(size=(80, 384)).astype(np.float32)
    dataset = small_dataset([(n, n) for n in range(80)], item_columns={"content": vectors.tolist()})
    query = {"query": [{"kind": "category", "name": "query_id"}]}
    settings = {**shop_settings(), **asked, "features": {**query, **asked["features"]}, "examples": {}}
    config = validate_config(
        TrainConfig, settings | {"objective": {"kind": "softmax"}, "trainer": {"epochs": 2}}, "page"
    )
    rows = np.arange(80)
    learned = Learner(config, dataset, Split(rows, rows[:0], rows[:0]), NoProgress()).learn()
    assert learned.logs[-1].loss < learned.logs[0].loss
    encoder = next(module for module in learned.model.item.modules() if isinstance(module, SemanticIdEncoder))
    assert (
        len(set(encoder.rows(torch.from_numpy(vectors)).ravel().tolist())) > 80
    )  # each item and what it shares with others
