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
from training.evaluate import Ranking, Score, rank
from training.evaluation_set import EvaluationSet, evaluation_queries
from training.ragged import IntArray
from training.splits import Split

MODEL, POPULARITY, ITEM_KNN = "model", "popularity", "item_knn"


Part = Literal["validation", "test"]


@dataclass(frozen=True)
class Comparison:
    """Metrics on one part by method, the queries they were measured on, and what the metrics are made of.

    `rankings`: where each method put the relevant items. `score`: the model's, over the rows of `queries`.
    """

    metrics: dict[str, dict[str, float]]
    queries: EvaluationSet
    rankings: dict[str, Ranking]
    score: Score


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
    interactions, n_items = dataset.interactions, len(dataset.items)
    before_N = rows_before(split, part)
    query_P, item_P = interactions.query_N[before_N], interactions.item_N[before_N]
    settings = config.evaluation
    queries = part_queries(config, dataset, split, featurizer, part)
    knn = ItemKnn.fit(query_P, item_P, n_items, k=settings.neighbours, recency_decay=settings.recency_decay)
    scores = {MODEL: model(queries), POPULARITY: popularity(item_P, n_items), ITEM_KNN: knn.scorer(queries)}
    rankings = {name: rank(score, queries, settings.ks, settings.exclude_seen) for name, score in scores.items()}
    metrics = {name: ranking.metrics() for name, ranking in rankings.items()}
    return Comparison(metrics, queries, rankings, scores[MODEL])


def rows_before(split: Split, part: Part) -> IntArray:
    """The interaction rows that are every query's history on that part."""
    return split.train_N if part == "validation" else np.union1d(split.train_N, split.validation_N)


def part_queries(
    config: TrainConfig, dataset: Dataset, split: Split, featurizer: Featurizer, part: Part
) -> EvaluationSet:
    """The queries of one part, with everything before it as their history. Raises BadData when there is none."""
    return evaluation_queries(
        dataset,
        rows_before(split, part),
        split.validation_N if part == "validation" else split.test_N,
        featurizer,
        history_feature=config.examples.history_feature,
        require_history=config.evaluation.require_history,
    )


def flat(metrics: dict[str, dict[str, float]]) -> dict[str, float]:
    """One level of names: the model's own as they are, a baseline's with its name before."""
    return {
        key if method == MODEL else f"{method}.{key}": value
        for method, values in metrics.items()
        for key, value in values.items()
    }
