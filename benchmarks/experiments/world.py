"""A synthetic world whose truth is known: latent topics, items that mix them, queries that are noisy copies of items.

Axes: N items, Q queries, T topics, D width of what is observed, P pairs.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import torch
from numpy.typing import NDArray

from bundle.config import validate_config
from bundle.items import Items
from bundle.progress import NoProgress
from training.batches import Batches
from training.config import TrainConfig
from training.dataset import Dataset, DatasetReport
from training.epoch_hook import HookContext
from training.examples import ExampleConfig, build_examples
from training.interactions import Interactions
from training.learn import Learned, Learner
from training.model import embed
from training.negatives.in_batch import InBatchConfig
from training.objectives import Objective
from training.queries import Queries
from training.ragged import FloatArray, IntArray
from training.splits import Split
from training.splits.column import ColumnSplit

N_TOPICS, WIDTH = 16, 32


@dataclass(frozen=True)
class World:
    """A dataset with its split; `query_QT` and `item_NT` are the latents, unit vectors; `test_Q` the test queries."""

    dataset: Dataset
    split: Split
    query_QT: FloatArray
    item_NT: FloatArray
    test_Q: IntArray
    target_Q: IntArray

    def truth(self, rows: IntArray) -> FloatArray:
        """Cosine of the latents of the given queries with all items."""
        cosine_QN: FloatArray = self.query_QT[rows] @ self.item_NT.T
        return cosine_QN


def unit(values: NDArray[np.floating[Any]]) -> FloatArray:
    """Rows of length 1."""
    scaled: FloatArray = (values / np.linalg.norm(values, axis=-1, keepdims=True)).astype(np.float32)
    return scaled


def latent_world(
    seed: int,
    *,
    n_items: int = 2000,
    n_queries: int = 6000,
    n_validation: int = 500,
    query_noise: float = 0.35,
    zipf: float = 0.8,
) -> World:
    """Items mix 16 topics; a query is a noisy copy of an item drawn by Zipf popularity, observed in another basis."""
    rng = np.random.default_rng(seed)
    item_NT = unit(rng.dirichlet(np.full(N_TOPICS, 0.25), n_items) + 0.05 * rng.random((n_items, N_TOPICS)))
    popularity_N = (1 + rng.permutation(n_items)) ** -zipf
    target_Q = rng.choice(n_items, n_queries, p=popularity_N / popularity_N.sum()).astype(np.int64)
    query_QT = unit(item_NT[target_Q] + query_noise * rng.standard_normal((n_queries, N_TOPICS)) / N_TOPICS**0.5)
    parts = np.array(["train"] * n_queries, dtype=object)
    parts[-1000 - n_validation :], parts[-1000:] = "validation", "test"
    dataset = dataset_of(
        {"seen": observed(item_NT, rng)},
        {"seen": observed(query_QT, rng)},
        np.stack([np.arange(n_queries), target_Q], 1),
        parts.tolist(),
    )
    return World(
        dataset, ColumnSplit().split(dataset), query_QT, item_NT, np.arange(n_queries - 1000, n_queries), target_Q
    )


def observed(latent: NDArray[np.floating[Any]], rng: np.random.Generator, noise: float = 0.05) -> list[list[float]]:
    """What a tower sees of a latent: a random projection of it through tanh, with noise."""
    basis = rng.standard_normal((latent.shape[1], WIDTH))
    seen = np.tanh(latent @ basis) + noise * rng.standard_normal((len(latent), WIDTH))
    values: list[list[float]] = seen.astype(np.float32).tolist()
    return values


def dataset_of(
    items: Mapping[str, Sequence[object]],
    queries: Mapping[str, Sequence[object]],
    pairs_P2: IntArray,
    parts_P: Sequence[str],
    grades_P: FloatArray | None = None,
) -> Dataset:
    """A dataset in memory from columns of items and queries and pairs (query row, item row)."""
    n_items, n_queries = (len(next(iter(columns.values()))) for columns in (items, queries))
    item_ids, query_ids = [f"i{row}" for row in range(n_items)], [f"q{row}" for row in range(n_queries)]
    query_P, item_P = pairs_P2[:, 0].astype(np.int64), pairs_P2[:, 1].astype(np.int64)
    columns: dict[str, Any] = {
        "query_id": [query_ids[row] for row in query_P],
        "item_id": [item_ids[row] for row in item_P],
        "split": list(parts_P),
    }
    if grades_P is not None:
        columns["grade"] = pa.array(grades_P, pa.float64())
    return Dataset(
        Items(pa.table({"item_id": item_ids, **items}), "synthetic items"),
        Queries(query_ids, pa.table({"query_id": query_ids, **queries}), "synthetic queries"),
        Interactions.from_table(pa.table(columns), query_P, item_P),
        None,
        None,
        DatasetReport(n_items, n_queries, len(pairs_P2), len(pairs_P2), 0, 0, 0),
    )


def vector_settings(**over: Any) -> dict[str, Any]:
    """Two-layer towers over the observed vectors, in-batch decoupled softmax, six epochs without refit."""
    seen = [{"kind": "vector", "name": "seen", "dimension": WIDTH}]
    base: dict[str, Any] = {
        "collection": "synthetic",
        "data": {"items": "made here", "interactions": "made here"},
        "split": {"kind": "column"},
        "features": {"query": seen, "item": seen},
        "dimension": 32,
        "query_tower": {"hidden": [64]},
        "item_tower": {"hidden": [64]},
        "objective": {"kind": "softmax", "temperature": 0.05},
        "negatives": {"kind": "in_batch"},
        "trainer": {"epochs": 8, "batch_size": 256, "learning_rate": 3e-3, "patience": 8, "metric": "recall@10"},
        "evaluation": {"ks": [1, 5, 10], "exclude_seen": False},
    }
    for name, value in over.items():
        old = base.get(name)
        is_table = isinstance(old, dict) and isinstance(value, dict) and "kind" not in value
        base[name] = {**old, **value} if is_table else value  # type: ignore[dict-item]
    return base


def learn(dataset: Dataset, split: Split, settings: Mapping[str, Any], seed: int) -> Learned:
    """Train the settings with that seed."""
    trainer = {**settings["trainer"], "seed": seed}
    config = validate_config(TrainConfig, {**settings, "trainer": trainer}, "acceptance")
    return Learner(config, dataset, split, NoProgress()).learn()


def scores(learned: Learned, dataset: Dataset, rows: IntArray) -> FloatArray:
    """Scores [Q, N] of the given query rows over the whole catalogue; for towers without a history."""
    cpu = torch.device("cpu")
    records = learned.features.query.encode(dataset.queries.records(learned.features.query.names, rows))
    score_QN: FloatArray = embed(learned.model.query, records, cpu) @ embed(learned.model.item, learned.items, cpu).T
    return score_QN


def hook_context(learned: Learned, world: World, objective: Objective, seed: int) -> HookContext:
    """What an epoch hook would see of a trained model, with in-batch negatives."""
    cpu = torch.device("cpu")
    examples = build_examples(world.dataset, world.split.train_N, ExampleConfig(), learned.features.query)
    counts_N = np.bincount(examples.targets.values_V, minlength=len(learned.items)).astype(np.int64)
    batches = Batches(examples, learned.items, InBatchConfig().build(counts_N), 256, cpu)
    return HookContext(world.dataset, learned.features, learned.model, objective, batches, cpu, seed, NoProgress())
