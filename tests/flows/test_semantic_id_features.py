"""An item that training never met is understood by its codes, alike in training, index build and service."""

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch

from bundle.config import validate_config
from bundle.progress import NoProgress
from bundle.store import open_bundle
from bundle.workspace import Workspace
from index.build import build_index
from index.config import BuildConfig
from index.store import activate
from index.version import open_version
from tests.flows.conftest import Trained
from tests.flows.test_request_to_response import _ask
from tests.training.world import N_ITEMS, N_QUERIES, N_TOPICS, shop_settings, write_shop
from training.config import TrainConfig
from training.dataset import load_dataset
from training.learn import Learner
from training.run import train

WIDTH = 6
QUANTIZER = {"kind": "residual", "levels": 2, "codebook_size": 4}
CHANGES = {
    "features": {
        "query": [{"kind": "category", "name": "land"}, {"kind": "vector", "name": "taste", "dimension": WIDTH}],
        "item": [{"kind": "category", "name": "item_id"}, {"kind": "vector", "name": "photo", "dimension": WIDTH}],
    },
    "semantic_id_features": {
        "photo": {"quantizer": QUANTIZER, "buckets": 512, "dropout": 0.3},
        "taste": {"quantizer": QUANTIZER, "grams": "position", "keep_vector": True},
    },
    "examples": {},
    "trainer": {"epochs": 4, "batch_size": 64, "learning_rate": 0.02, "refit": "validation"},
}


def _vectors(topic_N: np.ndarray, seed: int) -> list[list[float]]:
    centre_TW = 3 * np.random.default_rng(1).normal(size=(N_TOPICS, WIDTH))
    noise_NW = 0.5 * np.random.default_rng(seed).normal(size=(len(topic_N), WIDTH))
    vectors: list[list[float]] = (centre_TW[topic_N] + noise_NW).astype(np.float32).tolist()
    return vectors


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    """The shop of topics; users and items have a vector of their topic, and the tables of today a new item a topic."""
    tables = write_shop(tmp_path_factory.mktemp("cold"))
    topic_N, new_T = np.arange(N_ITEMS) % N_TOPICS, np.arange(N_TOPICS)
    items = pa.table({"item_id": [f"i{row}" for row in range(N_ITEMS)], "photo": _vectors(topic_N, 2)})
    new = pa.table({"item_id": [f"new{topic}" for topic in new_T], "photo": _vectors(new_T, 3)})
    pq.write_table(items, tables / "items.parquet")
    pq.write_table(pa.concat_tables([items, new]), tables / "today.parquet")
    queries = pq.read_table(tables / "queries.parquet")
    taste = pa.array(_vectors(np.arange(N_QUERIES) % N_TOPICS, 4))
    pq.write_table(queries.append_column("taste", taste), tables / "queries.parquet")
    config = validate_config(TrainConfig, {**shop_settings(), **CHANGES}, "test")
    workspace = Workspace(tables / "workspace")
    collection = workspace.collection("shop")
    return Trained(tables, config, workspace, collection, train(config, tables, collection, progress=NoProgress()))


def test_a_new_item_has_one_embedding_everywhere_and_is_found_by_those_who_like_its_topic(shop: Trained) -> None:
    build = BuildConfig(collection="shop", items=shop.tables / "today.parquet")
    version = build_index(shop.collection, build)
    activate(shop.collection, version)
    opened = open_version(shop.collection, version)
    cold = pq.read_table(shop.tables / "today.parquet").to_pylist()[N_ITEMS:]
    fans = [{"taste": record["photo"]} for record in cold]
    embed, found = _ask(shop, [("embed", {"tower": "item", "records": cold}), ("search", {"queries": fans, "k": 20})])

    served_BD = np.array(embed["embeddings"])
    built_BD = opened.vectors([record["item_id"] for record in cold])
    np.testing.assert_allclose(served_BD, built_BD, rtol=0, atol=1e-6)
    dataset = load_dataset(shop.config.data, shop.tables)
    learned = Learner(shop.config, dataset, shop.config.split.split(dataset), NoProgress()).learn()
    arrays = learned.features.item(cold)
    with torch.no_grad():
        trained_BD = learned.model.item(*(torch.from_numpy(array) for array in arrays.values())).numpy()
    np.testing.assert_allclose(served_BD, trained_BD, rtol=0, atol=1e-5)

    for topic, result in enumerate(found["results"]):  # 16 of 64 items have the topic
        ids = [hit["item_id"] for hit in result["hits"]]
        assert f"new{topic}" in ids
        assert sum(name[0] == "i" and int(name[1:]) % N_TOPICS == topic for name in ids) >= 12


def test_without_its_vector_a_new_item_is_every_other_unknown_item(shop: Trained) -> None:
    tower = open_bundle(shop.collection, shop.result.bundle_id).item
    zeros = [0.0] * WIDTH
    first, second = tower.embed([{"item_id": "new0", "photo": zeros}, {"item_id": "other", "photo": zeros}])
    np.testing.assert_array_equal(first, second)
    seen = pq.read_table(shop.tables / "today.parquet").to_pylist()[N_ITEMS]
    assert np.abs(tower.embed([seen])[0] - first).max() > 0.01


def test_the_card_says_how_vectors_are_read(shop: Trained) -> None:
    card = (shop.collection.bundle(shop.result.bundle_id) / "model_card.md").read_text()
    for name, settings in shop.config.semantic_id_features.items():
        assert f"| `{name}` | `{settings.model_dump_json()}` |" in card
