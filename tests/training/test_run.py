"""A whole run: what it leaves, that it repeats, and that a failed gate leaves nothing."""

import os
import shutil
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
import torch

from bundle.errors import InvalidTable
from bundle.progress import NoProgress
from bundle.store import open_bundle
from bundle.workspace import Workspace
from tests.training.conftest import Trained
from tests.training.tiny_model import WIDTH, write_tiny_model
from tests.training.world import shop_config, write_shop
from training.dataset import load_dataset
from training.encoders.transformer import load_backbone
from training.errors import BadData, ExportMismatch
from training.learn import Learner
from training.pretrained import PretrainedModels
from training.run import train


def test_the_bundle_opens_and_its_towers_rank_as_measured(trained: Trained) -> None:
    bundle = open_bundle(trained.collection, trained.result.bundle_id)
    assert bundle.manifest.training == trained.config.model_dump(mode="json")
    assert bundle.manifest.metric == "cosine"
    assert bundle.query.dimension == bundle.item.dimension == 16
    assert bundle.manifest.evaluation["recall@10"] > bundle.manifest.evaluation["popularity.recall@10"]
    assert bundle.manifest.evaluation["item_knn.recall@10"] > 0
    titled = bundle.item.embed([{"item_id": "new", "title": "red lamp", "photo": [0, 0, 0]}])
    np.testing.assert_allclose(np.linalg.norm(titled), 1, atol=1e-5)


def test_semantic_ids_round_trip_through_the_graphs(trained: Trained) -> None:
    bundle = open_bundle(trained.collection, trained.result.bundle_id)
    assert bundle.semantic_ids is not None
    assert bundle.semantic_ids.space.codebook_sizes == (8, 8)
    records = load_dataset(trained.config.data, trained.tables).items.records(bundle.item.featurizer.names)
    embedding_ND = bundle.item.embed(records)
    decoded_ND = bundle.semantic_ids.decode(bundle.semantic_ids.encode(embedding_ND))
    error = np.square(embedding_ND - decoded_ND).sum() / np.square(embedding_ND - embedding_ND.mean(0)).sum()
    assert trained.result.semantic_id_metrics is not None
    assert error == pytest.approx(trained.result.semantic_id_metrics["relative_error"], abs=0.02)
    assert error < 0.5


def test_the_bundle_s_towers_are_the_trained_ones_byte_for_byte_on_the_arrays(trained: Trained) -> None:
    bundle = open_bundle(trained.collection, trained.result.bundle_id)
    dataset = load_dataset(trained.config.data, trained.tables)
    learned = Learner(trained.config, dataset, trained.config.split.split(dataset), NoProgress()).learn()
    records = dataset.items.records(bundle.item.featurizer.names)
    served, own = bundle.item.featurizer(records), learned.items.batch()
    assert served.keys() == own.keys()
    for name in own:
        assert served[name].tobytes() == own[name].tobytes()
    with torch.no_grad():
        expected_ND = learned.model.item(*(torch.from_numpy(array) for array in own.values())).numpy()
    np.testing.assert_allclose(bundle.item.embed(records), expected_ND, rtol=0, atol=1e-5)


def test_a_run_without_an_epoch_measures_and_writes_the_first_weights(tmp_path: Path) -> None:
    """As for a pretrained model that is to be judged before anything is trained."""
    folder = write_tiny_model(tmp_path / "model")
    write_shop(tmp_path)
    collection = Workspace(tmp_path / "workspace").collection("shop")
    item = [{"kind": "tokens", "name": "title", "model": "tiny", "max_tokens": 16}]
    config = shop_config(
        trainer={"epochs": 0, "refit": "validation", "patience": 1},
        features={**shop_config().features.model_dump(), "item": item},
        pretrained={"tiny": {"path": str(folder), "projection": "none"}},
        dimension=WIDTH,
        quantizer=None,
    )
    dataset = load_dataset(config.data, tmp_path)
    learned = Learner(config, dataset, config.split.split(dataset), NoProgress(), tmp_path / "c").learn(resume=True)
    assert [(log.epoch, log.loss == log.loss) for log in learned.logs] == [(0, False)]
    assert (learned.final_logs, learned.best_epoch, 0 < learned.logs[0].metrics["recall@10"] < 1) == ([], 0, True)
    weights = learned.model.state_dict()
    pretrained = load_backbone(PretrainedModels(config.pretrained).folder("tiny")).state_dict()
    assert all(torch.equal(weights[f"item.encoders.0.backbone.{name}"], value) for name, value in pretrained.items())

    bundle = open_bundle(collection, train(config, tmp_path, collection, resume=True, progress=NoProgress()).bundle_id)
    assert bundle.manifest.evaluation["recall@10"] > 0
    assert "no epoch: the first weights, as they are." in (bundle.folder / "model_card.md").read_text()
    page = (bundle.folder / "report" / "index.html").read_text()
    assert "Nothing was trained (trainer.epochs = 0)" in page and "The loss is not finite" not in page
    assert f"<td>{learned.logs[0].metrics['ndcg@10']:.4g}</td>" in page


def test_the_same_run_gives_the_same_bundle_and_no_checkpoint_stays(trained: Trained, tmp_path: Path) -> None:
    collection = Workspace(tmp_path).collection("shop")
    result = train(trained.config, trained.tables, collection, progress=NoProgress(), resume=True)
    assert result.bundle_id == trained.result.bundle_id
    assert os.listdir(collection.folder / "training") == []


def test_a_failed_gate_leaves_no_bundle_but_the_checkpoints(
    trained: Trained, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("training.parity.MAX_DIFFERENCE", -1.0)
    collection = Workspace(tmp_path).collection("shop")
    config = shop_config(trainer={"refit": "none", "epochs": 1}, quantizer=None)
    with pytest.raises(ExportMismatch, match=r"query_tower\.onnx differs"):
        train(config, trained.tables, collection, progress=NoProgress())
    assert not collection.bundles.exists() or list(collection.bundles.iterdir()) == []
    assert os.listdir(collection.folder / "training") == ["select.checkpoint"]


def test_an_empty_catalogue_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    (tmp_path / "tables").mkdir()
    tables = write_shop(tmp_path / "tables")
    pq.write_table(pq.read_table(tables / "items.parquet").slice(0, 0), tables / "items.parquet")
    collection = Workspace(tmp_path / "workspace").collection("shop")
    with pytest.raises(InvalidTable, match=r"items\.parquet has no rows; a catalogue needs at least one item"):
        train(shop_config(), tables, collection, progress=NoProgress())
    assert not collection.folder.exists()


def test_too_large_a_codebook_fails_before_anything_is_written(trained: Trained, tmp_path: Path) -> None:
    config = shop_config(trainer={"refit": "none", "epochs": 1}, quantizer={"codebook_size": 256})
    with pytest.raises(BadData, match="60 items cannot train 256"):
        train(config, trained.tables, Workspace(tmp_path).collection("shop"), progress=NoProgress())
    shutil.rmtree(tmp_path)
