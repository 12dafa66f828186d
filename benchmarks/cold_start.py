"""Towers on items that training never met: a share of the catalogue is taken away whole, and appears after training.

Axes: N items of the whole catalogue, C cold items, M warm items, P interactions, D width of a vector.
"""

import time
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import torch

from benchmarks.comparison import merged
from benchmarks.movielens import BASE as MOVIELENS
from benchmarks.movielens_data import MISSING, load_movielens
from benchmarks.online_retail import EXAMPLE
from benchmarks.text_vectors import WIDTH, minilm_vectors
from bundle.config import validate_config
from bundle.featurize import Featurizer
from bundle.items import Items
from bundle.progress import NoProgress
from training.baselines import popularity
from training.config import TrainConfig
from training.dataset import Dataset, load_dataset
from training.evaluate import Score, evaluate
from training.evaluation_set import EvaluationSet, evaluation_queries
from training.fit_features import fit_featurizers
from training.interactions import Interactions
from training.learn import Learner
from training.quantizers.contract import QuantizerBuilder
from training.ragged import FloatArray, IntArray
from training.records import encode_items
from training.score import model_score
from training.splits import Split
from training.splits.leave_last_out import positions_from_end

CONTENT = "content"
COLD_SHARE = 0.1
_LAST_FILMS = 10
_KS = (10, 20)
_TOKENS = 32
# Two passes on purchases and five on ratings: enough for the order of the methods, at a fifth of the usual cost.
_PURCHASE_EPOCHS, _RATING_EPOCHS = 2, 5
ITEM_ID: Mapping[str, Any] = {"kind": "category", "name": "item_id"}
VECTOR: Mapping[str, Any] = {"kind": "vector", "name": CONTENT, "dimension": WIDTH}


@dataclass(frozen=True)
class ColdTask:
    """A data set whose items have the column `content`; `before_P` and `test_P` are rows of its interactions."""

    task: str
    dataset: Dataset
    base: Mapping[str, Any]
    before_P: IntArray
    test_P: IntArray

    def content_ND(self) -> FloatArray:
        """float32 [N, D], the vectors of the items."""
        vectors = self.dataset.items.table[CONTENT].combine_chunks()
        return np.array(vectors.flatten(), dtype=np.float32).reshape(len(vectors), -1)

    def cold_items(self, seed: int) -> IntArray:
        """The items that seed `seed` takes away, ascending."""
        n_items = len(self.dataset.items)
        return np.sort(np.random.default_rng(seed).permutation(n_items)[: round(COLD_SHARE * n_items)])


def cold_tasks(cache: Path) -> list[ColdTask]:
    """Online Retail, split by time, and MovieLens-100K, each user's last films, if its package is there."""
    movielens = _movielens(cache)
    if movielens is None:
        print(MISSING)
    return [_online_retail(cache), *([movielens] if movielens else [])]


def downstream(task: ColdTask, quantizer: QuantizerBuilder, seed: int) -> dict[str, float]:
    """What a tower finds whose items are semantic IDs of this quantizer alone, by prefix; see `run`."""
    return run(task, {"features": {"item": [VECTOR]}, "semantic_id_features": {CONTENT: {}}}, seed, quantizer)


def semantic_ids(quantizer: Mapping[str, Any], *beside: Mapping[str, Any], **settings: Any) -> dict[str, Any]:
    """Overrides: items are read as semantic IDs of `content`, beside other features."""
    feature = {"quantizer": dict(quantizer), **settings}
    return {"features": {"item": [VECTOR, *beside]}, "semantic_id_features": {CONTENT: feature}}


def run(
    task: ColdTask, method: Mapping[str, Any], seed: int, quantizer: QuantizerBuilder | None = None
) -> dict[str, float]:
    """Train without the cold items, then rank the whole catalogue for the queries of the test part.

    `recall@k` over all relevant items; `cold_recall@k` over the cold ones among all items; `shelf_recall@k` over the
    cold ones among the cold items alone. Means over the queries that have such an item. `quantizer`: one that no
    settings can name, in place of the method's own.
    """
    settings = merged(merged(task.base, method), {"trainer": {"seed": seed, "refit": "none"}})
    config = validate_config(TrainConfig, settings, task.task)
    if quantizer is not None:
        config = _with_quantizer(config, quantizer)
    cold_C = task.cold_items(seed)
    warm, history_P = without_items(task.dataset, task.before_P, cold_C)
    rows = np.arange(len(warm.interactions), dtype=np.int64)
    started = time.process_time()
    learned = Learner(config, warm, Split(rows, rows[:0], rows[:0]), NoProgress()).learn()
    seconds = time.process_time() - started
    queries = _test_queries(task, config, learned.features.query, history_P)
    items = encode_items(task.dataset, learned.features.item)
    score = model_score(learned.model, queries, items, torch.device("cpu"))
    return {**cold_recall(score, queries, cold_C, len(items)), "train_cpu_s": seconds}


def _with_quantizer(config: TrainConfig, quantizer: QuantizerBuilder) -> TrainConfig:
    feature = config.semantic_id_features[CONTENT].model_copy(update={"quantizer": quantizer})
    return config.model_copy(update={"semantic_id_features": {CONTENT: feature}})


def run_popularity(task: ColdTask, seed: int) -> dict[str, float]:
    """The measures of `run` for the number of earlier interactions, which is 0 for all cold items."""
    cold_C = task.cold_items(seed)
    _, history_P = without_items(task.dataset, task.before_P, cold_C)
    config = validate_config(TrainConfig, task.base, task.task)
    featurizer = fit_featurizers(config.features, task.dataset, history_P).query
    queries = _test_queries(task, config, featurizer, history_P)
    n_items = len(task.dataset.items)
    score = popularity(task.dataset.interactions.item_N[history_P], n_items)
    return cold_recall(score, queries, cold_C, n_items)


def _test_queries(task: ColdTask, config: TrainConfig, featurizer: Featurizer, history_P: IntArray) -> EvaluationSet:
    return evaluation_queries(
        task.dataset,
        history_P,
        task.test_P,
        featurizer,
        history_feature=config.examples.history_feature,
        require_history=True,
    )


def cold_recall(score: Score, queries: EvaluationSet, cold_C: IntArray, n_items: int) -> dict[str, float]:
    """The measures of `run`; tied scores take the middle rank, so what scores all cold items alike finds none."""
    is_cold_N = np.zeros(n_items, dtype=np.bool_)
    is_cold_N[cold_C] = True
    cold = replace(queries, relevant=queries.relevant.select(is_cold_N[queries.relevant.values_V]))

    def shelf(rows_B: IntArray) -> FloatArray:
        return np.where(is_cold_N, score(rows_B), np.float32(-np.inf))

    parts = {"": (score, queries), "cold_": (score, cold), "shelf_": (shelf, cold)}
    return {
        f"{prefix}recall@{k}": evaluate(part_score, part, _KS)[f"recall@{k}"]
        for prefix, (part_score, part) in parts.items()
        for k in _KS
    }


def without_items(dataset: Dataset, rows_P: IntArray, cold_C: IntArray) -> tuple[Dataset, IntArray]:
    """(the data set without these items, with the given interactions alone; which of the given rows are left)."""
    warm_M = np.setdiff1d(np.arange(len(dataset.items)), cold_C)
    place_N = np.full(len(dataset.items), -1, dtype=np.int64)
    place_N[warm_M] = np.arange(len(warm_M))
    interactions = dataset.interactions
    rows_P = rows_P[place_N[interactions.item_N[rows_P]] >= 0]
    table = interactions.table.take(pa.array(rows_P))
    kept = Interactions.from_table(table, interactions.query_N[rows_P], place_N[interactions.item_N[rows_P]])
    items = Items(dataset.items.table.take(pa.array(warm_M)), dataset.items.source)
    return replace(dataset, items=items, interactions=kept, relations=None), rows_P


def with_content(dataset: Dataset, vector_ND: FloatArray) -> Dataset:
    """The data set with a vector an item in the column `content`."""
    column = pa.FixedSizeListArray.from_arrays(pa.array(vector_ND.ravel()), vector_ND.shape[1])
    return replace(dataset, items=Items(dataset.items.table.append_column(CONTENT, column), dataset.items.source))


def _online_retail(cache: Path) -> ColdTask:
    base: dict[str, Any] = tomllib.loads((EXAMPLE / "train.toml").read_text())
    base.pop("quantizer", None)
    base = merged(base, {"trainer": {"epochs": _PURCHASE_EPOCHS}})
    config = validate_config(TrainConfig, base, "train.toml")
    dataset = load_dataset(config.data, EXAMPLE)
    split = config.split.split(dataset)
    texts = [str(record["description"] or "") for record in dataset.items.records(["description"])]
    before_P = np.union1d(split.train_N, split.validation_N)
    return ColdTask(
        "online-retail", with_content(dataset, minilm_vectors(texts, cache, 32)), base, before_P, split.test_N
    )


def _movielens(cache: Path) -> ColdTask | None:
    movielens = load_movielens()
    if movielens is None:
        return None
    dataset = movielens.dataset
    records = dataset.items.records(["title", "genres"])
    texts = [f"{record['title']}. {', '.join(record['genres'])}" for record in records]  # type: ignore[arg-type]
    interactions = dataset.interactions
    time_P = interactions.table["timestamp"].cast(pa.int64()).to_numpy()
    from_end_P, _ = positions_from_end(interactions.query_N, time_P)
    before_P, test_P = (np.flatnonzero(mask_P) for mask_P in (from_end_P >= _LAST_FILMS, from_end_P < _LAST_FILMS))
    dataset = with_content(dataset, minilm_vectors(texts, cache, _TOKENS))
    base = merged(MOVIELENS, {"trainer": {"epochs": _RATING_EPOCHS}})
    return ColdTask("movielens-100k", dataset, base, before_P, test_P)
