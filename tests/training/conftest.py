"""Whole runs on the small shop, shared by the tests of what they leave behind."""

from dataclasses import dataclass
from pathlib import Path

import pytest
import torch

from bundle.progress import NoProgress
from bundle.workspace import Collection, Workspace
from tests.training.world import shop_config, write_shop
from training.compare import compare
from training.config import TrainConfig
from training.dataset import load_dataset
from training.learn import Learner
from training.outcome import Outcome
from training.run import TrainResult, train
from training.score import model_score


@dataclass(frozen=True)
class Trained:
    """A finished run: its tables, settings and result."""

    tables: Path
    config: TrainConfig
    collection: Collection
    result: TrainResult

    @property
    def folder(self) -> Path:
        return self.collection.bundle(self.result.bundle_id)


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    tables = write_shop(tmp_path_factory.mktemp("shop"))
    collection = Workspace(tables / "workspace").collection("shop")
    config = shop_config()
    return Trained(tables, config, collection, train(config, tables, collection, progress=NoProgress()))


@pytest.fixture(scope="session")
def outcome(tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    """A run before its bundle, without semantic IDs."""
    folder = write_shop(tmp_path_factory.mktemp("shop"))
    config = shop_config(trainer={"refit": "none", "epochs": 2, "patience": 9}, quantizer=None)
    dataset = load_dataset(config.data, folder)
    split = config.split.split(dataset)
    learned = Learner(config, dataset, split, NoProgress()).learn()
    cpu = torch.device("cpu")
    comparison = compare(
        config, dataset, split, learned.features.query, lambda q: model_score(learned.model, q, learned.items, cpu)
    )
    return Outcome(config, dataset, split, learned, comparison, None)
