"""A model on the validation or test part, with popularity and item-kNN beside it.

Axes: N interaction rows.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np

from bundle.featurize import Featurizer
from training.baselines import ItemKnn, popularity
from training.config import TrainConfig
from training.dataset import Dataset
from training.evaluate import Score, evaluate
from training.evaluation_set import EvaluationSet, evaluation_queries
from training.splits import Split

MODEL, POPULARITY, ITEM_KNN = "model", "popularity", "item_knn"


Part = Literal["validation", "test"]


@dataclass(frozen=True)
class Comparison:
    """Metrics on one part by method, and the queries they were measured on."""

    metrics: dict[str, dict[str, float]]
    queries: EvaluationSet


def compare(
    config: TrainConfig,
    dataset: Dataset,
    split: Split,
    featurizer: Featurizer,
    model: Callable[[EvaluationSet], Score],
    part: Part = "test",
) -> Comparison:
    """Measure a model and the baselines on one part, with everything before it as every query's history.

    `featurizer` encodes the query records, `model` scores them. The baselines are fit on what is before the part.
    Raises BadData when no query is left.
    """
    before_N, target_N = split.train_N, split.validation_N
    if part == "test":
        before_N, target_N = np.union1d(split.train_N, split.validation_N), split.test_N
    interactions, n_items = dataset.interactions, len(dataset.items)
    query_P, item_P = interactions.query_N[before_N], interactions.item_N[before_N]
    settings = config.evaluation
    queries = evaluation_queries(
        dataset,
        before_N,
        target_N,
        featurizer,
        history_feature=config.examples.history_feature,
        require_history=settings.require_history,
    )
    knn = ItemKnn.fit(query_P, item_P, n_items, k=settings.neighbours, recency_decay=settings.recency_decay)
    scores = {MODEL: model(queries), POPULARITY: popularity(item_P, n_items), ITEM_KNN: knn.scorer(queries)}
    metrics = {name: evaluate(score, queries, settings.ks, settings.exclude_seen) for name, score in scores.items()}
    return Comparison(metrics, queries)


def flat(metrics: dict[str, dict[str, float]]) -> dict[str, float]:
    """One level of names: the model's own as they are, a baseline's with its name before."""
    return {
        key if method == MODEL else f"{method}.{key}": value
        for method, values in metrics.items()
        for key, value in values.items()
    }
