"""Trains many configurations on one data set over several seeds, with every baseline beside them.

Every method ranks the same test queries by `training.evaluate.evaluate`.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context
from typing import Any

import numpy as np
import torch

from benchmarks.baselines import als, bpr, ease, ease_weights
from benchmarks.report import Row, rows_of
from bundle.config import validate_config
from bundle.progress import NoProgress
from training.auc import PooledAuc, pooled_scores
from training.baselines import ItemKnn, popularity
from training.config import TrainConfig
from training.dataset import Dataset
from training.evaluate import Score, rank
from training.evaluation_set import EvaluationSet, evaluation_queries
from training.fit_features import fit_featurizers
from training.learn import Learner
from training.ragged import IntArray
from training.score import model_score
from training.splits import Split

METRICS = ("recall@10", "recall@20", "ndcg@10", "mrr", "coverage@10", "tail_recall@10", "pooled_auc")
Measured = Mapping[str, float]


@dataclass(frozen=True)
class Arena:
    """One data set, split once; `base` is the configuration that every model's overrides lie over."""

    task: str
    dataset: Dataset
    base: Mapping[str, Any]
    split: Split

    @property
    def config(self) -> TrainConfig:
        """The base configuration."""
        return validate_config(TrainConfig, self.base, self.task)


def merged(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """`over` laid on `base`, table by table; a table that names its `kind` replaces the old one."""
    result = dict(base)
    for key, value in over.items():
        old = result.get(key)
        is_table = isinstance(value, dict) and isinstance(old, dict) and "kind" not in value
        result[key] = merged(old, value) if is_table else value  # type: ignore[arg-type]
    return result


def train_rows(arena: Arena, methods: Mapping[str, Mapping[str, Any]], seeds: int, jobs: int) -> list[Row]:
    """Train each method with each seed, `jobs` at a time; rows of the test metrics and of the training CPU time."""
    runs: dict[str, list[Measured]] = {name: [] for name in methods}
    tasks = [(name, seed) for name in methods for seed in range(seeds)]
    settings = [merged(merged(arena.base, methods[name]), {"trainer": {"seed": seed}}) for name, seed in tasks]
    with ProcessPoolExecutor(jobs, get_context("spawn")) as pool:
        for (name, seed), run in zip(tasks, pool.map(partial(_train, arena), settings), strict=True):
            runs[name].append(run)
            print(f"{arena.task:>16}  {name:<40} seed {seed}  recall@10 {run['recall@10']:.4f}", flush=True)
    return [row for name, measured in runs.items() for row in _rows(arena.task, name, measured)]


def baseline_rows(arena: Arena, seeds: int, decay: float) -> list[Row]:
    """Popularity, item-kNN, EASE (both with and without recency), ALS and BPR."""
    before_N = np.union1d(arena.split.train_N, arena.split.validation_N)
    interactions, n_items = arena.dataset.interactions, len(arena.dataset.items)
    query_P, item_P = interactions.query_N[before_N], interactions.item_N[before_N]
    queries = _test_queries(arena, before_N)
    weights_NN = ease_weights(query_P, item_P, n_items)
    n_queries = len(arena.dataset.query_ids)
    fixed: dict[str, Callable[[], Score]] = {
        "popularity": lambda: popularity(item_P, n_items),
        "item-knn": lambda: ItemKnn.fit(query_P, item_P, n_items).scorer(queries),
        "item-knn-recency": lambda: ItemKnn.fit(query_P, item_P, n_items, recency_decay=decay).scorer(queries),
        "ease": lambda: ease(weights_NN, queries),
        "ease-recency": lambda: ease(weights_NN, queries, recency_decay=decay),
    }
    seeded: dict[str, Callable[[int], Score]] = {
        "als": lambda seed: als(query_P, item_P, n_queries, n_items, queries, seed=seed),
        "bpr": lambda seed: bpr(query_P, item_P, n_queries, n_items, queries, seed=seed),
    }
    rows = []
    for name, score in fixed.items():
        rows += _rows(arena.task, name, [measure(arena, score(), queries)])
    for name, make in seeded.items():
        runs = [measure(arena, make(seed), queries) for seed in range(seeds)]
        rows += _rows(arena.task, name, runs)
    return rows


def measure(arena: Arena, score: Score, queries: EvaluationSet) -> Measured:
    """The ranking metrics on the test part; with recall of the rarer half of the items, and pooled AUC.

    tail_recall@10: share of the relevant pairs found, of items that are not above the median of the training counts.
    """
    settings = arena.config.evaluation
    ranking = rank(score, queries, settings.ks, settings.exclude_seen)
    before_N = np.union1d(arena.split.train_N, arena.split.validation_N)
    count_N = np.bincount(arena.dataset.interactions.item_N[before_N], minlength=len(arena.dataset.items))
    is_tail_V = count_N[ranking.relevant.values_V] <= np.median(count_N)
    found_V = ranking.ranks_V <= 10
    pooled = PooledAuc.of(pooled_scores(score, queries, settings.exclude_seen))
    extra = {"tail_recall@10": float(found_V[is_tail_V].mean())} if is_tail_V.any() else {}
    return {**ranking.metrics(), **extra, **({"pooled_auc": pooled.pooled} if pooled else {})}


def _test_queries(arena: Arena, before_N: IntArray) -> EvaluationSet:
    config = arena.config
    featurizer = fit_featurizers(config.features, arena.dataset, before_N).query
    history, required = config.examples.history_feature, config.evaluation.require_history
    return evaluation_queries(
        arena.dataset, before_N, arena.split.test_N, featurizer, history_feature=history, require_history=required
    )


def _train(arena: Arena, settings: Mapping[str, Any]) -> Measured:
    config = validate_config(TrainConfig, settings, arena.task)
    before_N = np.union1d(arena.split.train_N, arena.split.validation_N)
    started = time.process_time()
    learned = Learner(config, arena.dataset, arena.split, NoProgress()).learn()
    seconds = time.process_time() - started
    queries = evaluation_queries(
        arena.dataset,
        before_N,
        arena.split.test_N,
        learned.features.query,
        history_feature=config.examples.history_feature,
        require_history=config.evaluation.require_history,
    )
    score = model_score(learned.model, queries, learned.items, torch.device("cpu"))
    return {**measure(arena, score, queries), "train_cpu_s": seconds, "epochs": float(learned.best_epoch)}


def _rows(task: str, method: str, runs: Sequence[Measured]) -> list[Row]:
    shown = (*METRICS, "train_cpu_s", "epochs")
    return rows_of(task, method, [{metric: run[metric] for metric in shown if metric in run} for run in runs])
