"""E4: one score threshold for all queries, where queries differ in how much they say of what they want.

Axes: N items, Q queries.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from benchmarks.experiments.contract import Experiment, Measured, Summary
from benchmarks.experiments.one_positive import ranks
from benchmarks.experiments.world import World, dataset_of, latent_world, learn, observed, scores, unit, vector_settings
from training.auc import auc
from training.ragged import FloatArray, IntArray
from training.splits.column import ColumnSplit

N_NEGATIVES = 500


def offset_world(seed: int) -> World:
    """As the latent world, but each query has a length: short ones are noisy, and the length is seen beside them."""
    plain = latent_world(seed)
    rng = np.random.default_rng(seed + 100)
    n_queries = len(plain.target_Q)
    length_Q = rng.choice([1.0, 2.0, 4.0, 8.0], n_queries)
    noise_QT = rng.standard_normal((n_queries, plain.item_NT.shape[1])) / plain.item_NT.shape[1] ** 0.5
    query_QT = unit(plain.item_NT[plain.target_Q] + noise_QT / length_Q[:, None])
    interactions = plain.dataset.interactions
    dataset = dataset_of(
        {"seen": plain.dataset.items.table["seen"].to_pylist()},
        {"seen": observed(query_QT, rng), "length": length_Q.tolist()},
        np.stack([interactions.query_N, interactions.item_N], 1),
        [] if interactions.split_N is None else interactions.split_N.tolist(),
    )
    return World(dataset, ColumnSplit().split(dataset), query_QT, plain.item_NT, plain.test_Q, plain.target_Q)


def pooled_auc(score_QN: FloatArray, target_Q: IntArray) -> float:
    """ROC AUC of all positives against the 500 best-scored other items of every query, pooled over the queries."""
    own_Q = score_QN[np.arange(len(target_Q)), target_Q]
    others_QN = score_QN.copy()
    others_QN[np.arange(len(target_Q)), target_Q] = -np.inf
    best_QK = -np.partition(-others_QN, N_NEGATIVES, axis=1)[:, :N_NEGATIVES]
    return auc(own_Q, best_QK.ravel())


def settings(objective: Mapping[str, Any]) -> dict[str, Any]:
    """Free-length embeddings, so that a query can say how sure it is."""
    features = vector_settings()["features"]
    query = [*features["query"], {"kind": "number", "name": "length"}]
    trainer = {"epochs": 12, "patience": 12}
    return vector_settings(
        features={"query": query, "item": features["item"]}, metric="dot", objective=dict(objective), trainer=trainer
    )


SOFTMAX = {"kind": "softmax", "temperature": 1.0}
MANN_WHITNEY = {"kind": "mann_whitney", "temperature": 1.0}
OBJECTIVES: Mapping[str, Mapping[str, Any]] = {
    "softmax": SOFTMAX,
    "mann-whitney": MANN_WHITNEY,
    "softmax+mann-whitney": {
        "kind": "weighted_sum",
        "terms": [{"weight": 1.0, "objective": SOFTMAX}, {"weight": 1.0, "objective": MANN_WHITNEY}],
    },
}


def _run(seed: int) -> Measured:
    world, result = offset_world(seed), {}
    for name, objective in OBJECTIVES.items():
        score_QN = scores(learn(world.dataset, world.split, settings(objective), seed), world.dataset, world.test_Q)
        result[name] = {
            "pooled-auc": pooled_auc(score_QN, world.target_Q[world.test_Q]),
            "mrr": float((1 / (1 + ranks(score_QN, world))).mean()),
        }
    return result


def _holds(s: Summary) -> bool:
    ours, plain = s.mean["softmax+mann-whitney"], s.mean["softmax"]
    return ours["pooled-auc"] >= plain["pooled-auc"] + 0.05 and ours["mrr"] >= plain["mrr"] - 0.01


E4 = Experiment(
    "e4-one-threshold",
    "softmax with a Mann-Whitney term has pooled AUC .05 above softmax alone, and MRR at most .01 below",
    _run,
    _holds,
)
