"""A world that can be searched by eye: a point for every query and item; and runs that are stopped on the way."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from bundle.config import validate_config
from bundle.progress import NoProgress
from tests.training.small_data import small_dataset
from training.batches import Batches
from training.config import TrainConfig
from training.dataset import Dataset
from training.epoch_hook import HookContext
from training.examples import build_examples
from training.fit_features import fit_featurizers
from training.known import KnownPositives
from training.learn import Learned, Learner
from training.model import ModelConfig, TowerData, build_model, text_idf
from training.ragged import FloatArray
from training.records import encode_items
from training.splits.contract import Split

CPU = torch.device("cpu")


def points(n: int, d: int, seed: int) -> FloatArray:
    """Random unit vectors float32 [n, d]."""
    value_ND = np.random.default_rng(seed).normal(size=(n, d))
    unit_ND: FloatArray = (value_ND / np.linalg.norm(value_ND, axis=1, keepdims=True)).astype(np.float32)
    return unit_ND


def point_dataset(query_QD: FloatArray, item_ND: FloatArray, pairs: list[tuple[int, int]]) -> Dataset:
    """Interactions between points, which are the only features."""
    return small_dataset(
        pairs,
        n_queries=len(query_QD),
        n_items=len(item_ND),
        query_columns={"point": query_QD.tolist()},
        item_columns={"place": item_ND.tolist()},
    )


def point_settings(d: int, **changes: Any) -> TrainConfig:
    """Settings for point data of width d."""
    settings: dict[str, Any] = {
        "collection": "points",
        "data": {"items": "items.csv", "interactions": "interactions.csv"},
        "split": {"kind": "leave_last_out"},
        "features": {
            "query": [{"kind": "vector", "name": "point", "dimension": d}],
            "item": [{"kind": "vector", "name": "place", "dimension": d}],
        },
        "dimension": d,
        "objective": {"kind": "softmax", "temperature": 0.05},
        "trainer": {"epochs": 3, "batch_size": 64, "learning_rate": 0.01},
    }
    return validate_config(TrainConfig, {**settings, **changes}, "test")


def context_of(dataset: Dataset, config: TrainConfig) -> HookContext:
    """A context with a fresh model, all interactions as examples."""
    rows_N = np.arange(len(dataset.interactions), dtype=np.int64)
    features = fit_featurizers(config.features, dataset, rows_N)
    examples = build_examples(dataset, rows_N, config.examples, features.query)
    items = encode_items(dataset, features.item)
    torch.manual_seed(0)
    model_config = ModelConfig(
        config.features, config.query_tower, config.item_tower, config.dimension, True, heads=config.heads
    )
    query_data = TowerData(text_idf(config.features.query, examples.encoded.queries))
    item_data = TowerData(text_idf(config.features.item, items))
    model = build_model(model_config, features.vocabularies, query_data, item_data)
    counts_N = np.bincount(examples.targets.values_V, minlength=len(items)).astype(np.int64)
    pairs = dataset.interactions.query_N, dataset.interactions.item_N
    known = KnownPositives.from_interactions(*pairs, len(dataset.query_ids))
    batches = Batches(examples, items, config.negatives.build(counts_N), config.trainer.batch_size, CPU, known)
    objective = config.objective.build(config.dimension)
    return HookContext(dataset, features, model, objective, batches, CPU, 0, NoProgress())


def identity_towers(context: HookContext) -> None:
    """Make both towers hand on their point unchanged."""
    with torch.no_grad():
        for tower in (context.model.query, context.model.item):
            state = tower.state_dict()
            state["encoders.0.projection.weight"].copy_(torch.eye(len(state["bias_D"])))
            state["bias_D"].zero_()


class _Stopped(Exception):
    """The run was stopped on the way."""


class _Stopper(NoProgress):
    def __init__(self, epochs: int) -> None:
        self._left = epochs

    def start(self, task: str, total: int | None) -> None:
        if task.startswith("epoch"):
            self._left -= 1
            if self._left < 0:
                raise _Stopped


def learn_and_resume(config: TrainConfig, dataset: Dataset, split: Split, folder: Path, stop_after: int) -> Learned:
    """Learn twice: at one go, and stopped at the start of a later epoch and resumed. Asserts equal weights and logs."""
    whole = Learner(config, dataset, split, NoProgress()).learn()
    with pytest.raises(_Stopped):
        Learner(config, dataset, split, _Stopper(stop_after), folder).learn()
    resumed = Learner(config, dataset, split, NoProgress(), folder).learn(resume=True)
    a, b = whole.model.state_dict(), resumed.model.state_dict()
    assert a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)
    assert whole.logs == resumed.logs
    return whole
