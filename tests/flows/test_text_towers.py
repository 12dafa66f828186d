"""A pretrained text model through line one and three: trained, written, opened; one record gives the same bytes."""

import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch

from bundle.config import validate_config
from bundle.errors import BundleCorrupt
from bundle.progress import NoProgress
from bundle.store import open_bundle
from bundle.workspace import Collection, Workspace
from tests.training.tiny_model import WIDTH, WORDS, write_tiny_model
from training.config import TrainConfig
from training.dataset import load_dataset
from training.encoders.transformer import Backbone
from training.learn import Learned, Learner
from training.records import encode_items
from training.run import TrainResult, train

safetensors = pytest.importorskip("safetensors.torch", reason="the text extra is not installed")
SETTINGS = {
    "collection": "texts",
    "data": {"items": "items.parquet", "interactions": "interactions.parquet", "queries": "queries.parquet"},
    "split": {"kind": "column"},
    "features": {
        "query": [{"kind": "tokens", "name": "ask", "model": "tiny", "max_tokens": 12}],
        "item": [{"kind": "tokens", "name": "text", "model": "tiny", "max_tokens": 16}],
    },
    "pretrained": {"tiny": {"path": "model"}},
    "dimension": 16,
    "objective": {"kind": "softmax", "temperature": 0.1},
    "trainer": {"epochs": 4, "batch_size": 16, "learning_rate": 0.003},
    "evaluation": {"ks": [5, 10], "exclude_seen": False},
}
N = 48


@dataclass(frozen=True)
class Trained:
    """A finished run and the weights that it was written from."""

    folder: Path
    config: TrainConfig
    collection: Collection
    result: TrainResult
    learned: Learned


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    folder = tmp_path_factory.mktemp("texts")
    write_tiny_model(folder / "model")
    rng = np.random.default_rng(0)
    words = [rng.choice(WORDS, 4, replace=False) for _ in range(N)]
    items = {"item_id": [f"i{n}" for n in range(N)], "text": [" ".join([*w, *w[:2]]) for w in words]}
    queries = {"query_id": [f"q{n}" for n in range(N)], "ask": [" ".join(w[:3]) for w in words]}
    pairs = {"query_id": queries["query_id"], "item_id": items["item_id"]}
    splits = (["train"] * 4 + ["validation", "test"]) * (N // 6)
    for name, table in (("items", items), ("queries", queries), ("interactions", {**pairs, "split": splits})):
        pq.write_table(pa.table(table), folder / f"{name}.parquet")
    config = validate_config(TrainConfig, SETTINGS, "test")
    collection = Workspace(folder / "workspace").collection("texts")
    result = train(config, folder, collection, progress=NoProgress())
    dataset = load_dataset(config.data, folder)
    learned = Learner(config, dataset, config.split.split(dataset), NoProgress(), base=folder).learn()
    return Trained(folder, config, collection, result, learned)


def test_the_bundle_embeds_a_record_as_the_trained_tower_does(trained: Trained) -> None:
    bundle = open_bundle(trained.collection, trained.result.bundle_id)
    assert "tokenizers/tiny.json" in bundle.manifest.files
    dataset = load_dataset(trained.config.data, trained.folder)
    records = dataset.items.records(("text",))
    served, own = bundle.item.featurizer(records), encode_items(dataset, trained.learned.features.item).batch()
    assert served["text"].tobytes() == own["text"].tobytes()
    one = bundle.item.featurizer(records[7:8])["text"][0]
    assert one.tobytes() == np.trim_zeros(own["text"][7], "b").tobytes()
    with torch.no_grad():
        expected = trained.learned.model.item(torch.from_numpy(own["text"])).numpy()
    np.testing.assert_allclose(bundle.item.embed(records), expected, rtol=0, atol=1e-5)
    np.testing.assert_allclose(bundle.item.embed(records[7:8])[0], expected[7], rtol=0, atol=1e-5)
    asked = bundle.query.embed([{"ask": records[7]["text"]}])
    assert asked.shape == (1, 16)


def test_it_learned_to_find_texts(trained: Trained) -> None:
    metrics = trained.result.metrics
    assert metrics["model"]["recall@10"] > metrics["popularity"]["recall@10"] + 0.3
    losses = [log.loss for log in trained.learned.logs]
    assert losses[-1] < losses[0]


def test_the_pretrained_weights_moved_and_both_towers_still_share_them(trained: Trained) -> None:
    query, item = (next(m for m in t.modules() if isinstance(m, Backbone)) for t in trained.learned.model.children())
    assert query is item
    name = "encoder.layer.1.output.dense.weight"
    before = safetensors.load_file(trained.folder / "model" / "model.safetensors")[name]
    after = query.model.state_dict()[name]
    assert before.shape == after.shape == (WIDTH, 64)
    assert (before - after).abs().max() > 1e-5


def test_the_same_run_gives_the_same_weights(trained: Trained) -> None:
    dataset = load_dataset(trained.config.data, trained.folder)
    split = trained.config.split.split(dataset)
    again = Learner(trained.config, dataset, split, NoProgress(), base=trained.folder).learn().model.state_dict()
    for name, weight in trained.learned.model.state_dict().items():
        assert torch.equal(weight, again[name]), name


@pytest.mark.parametrize("verify", [True, False])
def test_a_damaged_or_missing_tokenizer_is_refused_by_name(trained: Trained, verify: bool) -> None:
    path = trained.collection.bundle(trained.result.bundle_id) / "tokenizers" / "tiny.json"
    good = path.read_bytes()
    try:
        path.write_bytes(good[:-1])
        with pytest.raises(BundleCorrupt, match=r"tokenizers/tiny\.json"):
            open_bundle(trained.collection, trained.result.bundle_id, verify=verify)
        path.unlink()
        with pytest.raises(BundleCorrupt, match=r"tokenizers/tiny\.json"):
            open_bundle(trained.collection, trained.result.bundle_id, verify=verify)
    finally:
        path.write_bytes(good)
    assert open_bundle(trained.collection, trained.result.bundle_id).bundle_id == trained.result.bundle_id


def test_a_changed_model_is_another_run(trained: Trained, tmp_path: Path) -> None:
    for name in ("items.parquet", "queries.parquet", "interactions.parquet"):
        os.link(trained.folder / name, tmp_path / name)
    write_tiny_model(tmp_path / "model", seed=1)
    dataset = load_dataset(trained.config.data, trained.folder)
    split = trained.config.split.split(dataset)
    ids = [
        Learner(trained.config, dataset, split, NoProgress(), base=base)._run_id for base in (trained.folder, tmp_path)
    ]
    assert ids[0] != ids[1]
