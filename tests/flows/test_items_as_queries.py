"""Line one with items as queries: the how-to's config, run on some months of the example."""

import re
import tomllib
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

from bundle.config import validate_config
from bundle.progress import NoProgress
from bundle.store import open_bundle
from bundle.workspace import Collection, Workspace
from tests.flows.conftest import EXAMPLE
from training.config import TrainConfig
from training.dataset import DataConfig
from training.evaluate_bundle import evaluate_bundle
from training.run import TrainResult, train

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "recommend-complements.md"
WHOLE, STATED, SYNTHETIC = re.findall(r"```toml\n(.*?)```", PAGE.read_text(), re.DOTALL)
SMALLER: dict[str, Any] = {"dimension": 16, "trainer": {"epochs": 1, "batch_size": 512, "learning_rate": 0.02}}


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Collection, TrainResult]:
    root = tmp_path_factory.mktemp("complements")
    interactions = pq.read_table(EXAMPLE / "interactions.parquet").slice(290_000, 80_000)  # around the split
    pq.write_table(interactions, root / "interactions.parquet")
    pq.write_table(pq.read_table(EXAMPLE / "items.parquet"), root / "items.parquet")
    config = validate_config(TrainConfig, tomllib.loads(WHOLE) | SMALLER, "the page")
    collection = Workspace(root / "workspace").collection(config.collection)
    return root, collection, train(config, root, collection, progress=NoProgress())


def test_the_bundle_says_that_its_queries_are_items(trained: tuple[Path, Collection, TrainResult]) -> None:
    _, collection, result = trained
    bundle = open_bundle(collection, result.bundle_id)
    assert bundle.manifest.queries_are == "items"
    card = (collection.bundle(result.bundle_id) / "model_card.md").read_text()
    assert "| dropped rare pairs |" in card
    assert "Queries are items" in card


def test_both_towers_read_an_item_and_give_it_another_embedding(
    trained: tuple[Path, Collection, TrainResult],
) -> None:
    _, collection, result = trained
    bundle = open_bundle(collection, result.bundle_id)
    record = {"item_id": "85123A", "description": "WHITE HANGING HEART T-LIGHT HOLDER"}
    in_D, out_D = bundle.query.embed([record])[0], bundle.item.embed([record])[0]
    assert in_D @ out_D < 0.99


def test_the_served_towers_measure_as_the_trained_model_did(trained: tuple[Path, Collection, TrainResult]) -> None:
    tables, collection, result = trained
    served = evaluate_bundle(open_bundle(collection, result.bundle_id), tables, "test")
    for method, metrics in result.metrics.items():
        for name, value in metrics.items():
            np.testing.assert_allclose(served[method][name], value, atol=2e-3, err_msg=f"{method} {name}")


def test_the_other_configs_of_the_page_are_valid() -> None:
    whole, stated, synthetic = (tomllib.loads(text) for text in (WHOLE, STATED, SYNTHETIC))
    validate_config(TrainConfig, whole | stated, "relations")
    assert stated["split"] == {"kind": "column"}
    paired = whole["data"]["pairs"] | synthetic["data"]["pairs"]
    config = DataConfig.model_validate(whole["data"] | {"pairs": paired})
    assert config.pairs is not None
    assert config.pairs.source == "baskets"
    assert config.pairs.synthetic is not None
