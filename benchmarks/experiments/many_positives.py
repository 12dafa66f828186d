"""E2 and E3: queries with 1 to 20 positives, half of them easy, and objectives that serve different list lengths.

Axes: N items, Q queries, P pairs.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from benchmarks.experiments.contract import Experiment, Measured, Summary
from benchmarks.experiments.world import World, dataset_of, learn, scores, unit, vector_settings
from training.ragged import FloatArray
from training.splits.column import ColumnSplit

N_ITEMS, N_QUERIES, N_TEST, N_CLUSTERS = 200, 5000, 1000, 20


def many_positives_world(seed: int) -> World:
    """Positives lie in the clusters that a query's words name; half of them are named by the query itself."""
    rng = np.random.default_rng(seed)
    cluster_N = np.arange(N_ITEMS) % N_CLUSTERS
    popularity_N = (1.0 + rng.permutation(N_ITEMS)) ** -0.8
    words, pairs = [], []
    for query in range(N_QUERIES):
        clusters = rng.choice(N_CLUSTERS, 3, replace=False)
        weight_N = popularity_N * np.isin(cluster_N, clusters)
        wanted = rng.choice(N_ITEMS, rng.integers(1, 21), replace=False, p=weight_N / weight_N.sum())
        easy = wanted[rng.random(len(wanted)) < 0.5]
        shown = [f"item{row}" for row in easy] + [f"cluster{row}" for row in clusters]
        words.append([shown[place] for place in rng.permutation(len(shown))])
        pairs += [(query, row) for row in wanted]
    pairs_P2 = np.array(pairs, dtype=np.int64)
    query_P = pairs_P2[:, 0]
    parts = np.where(
        query_P >= N_QUERIES - N_TEST, "test", np.where(query_P >= N_QUERIES - 1500, "validation", "train")
    )
    # The catalogue shows nothing but the item itself: what a cluster holds is learned from the pairs.
    dataset = dataset_of({"number": [str(row) for row in range(N_ITEMS)]}, {"words": words}, pairs_P2, parts.tolist())
    nothing = unit(np.ones((1, 2), dtype=np.float32))
    test_Q = np.arange(N_QUERIES - N_TEST, N_QUERIES)
    return World(dataset, ColumnSplit().split(dataset), nothing, nothing, test_Q, pairs_P2[:, 1])


def settings(objective: Mapping[str, Any], positives: int | None) -> dict[str, Any]:
    """One example a query with all its items as targets (or `positives` of them a step), all items as negatives."""
    return vector_settings(
        features={
            "query": [{"kind": "categories", "name": "words", "max_length": 32}],
            "item": [{"kind": "category", "name": "item_id"}],
        },
        query_tower={"hidden": []},
        item_tower={"hidden": []},
        examples={"kind": "query", "positives": positives},
        negatives={"kind": "catalogue"},
        objective=dict(objective),
        trainer={"epochs": 12, "batch_size": 128, "learning_rate": 5e-3, "patience": 12, "metric": "ndcg@10"},
    )


def precision(score_QN: FloatArray, world: World, k: int) -> float:
    """Share of the first k that are relevant, over the test queries."""
    return float(hits(score_QN, world, k).sum(1).mean() / k)


def recall(score_QN: FloatArray, world: World, k: int) -> float:
    """Share of the relevant items among the first k, over the test queries."""
    relevant_QN = relevance(world)
    return float((hits(score_QN, world, k).sum(1) / relevant_QN.sum(1)).mean())


def hits(score_QN: FloatArray, world: World, k: int) -> FloatArray:
    """1 at each of the first k that is relevant, [Q, k]."""
    best_QK = np.argsort(-score_QN, axis=1, kind="stable")[:, :k]
    found_QK: FloatArray = np.take_along_axis(relevance(world), best_QK, 1)
    return found_QK


def relevance(world: World) -> FloatArray:
    """1 where an item is relevant to a test query, [Q, N]."""
    interactions, rows = world.dataset.interactions, world.split.test_N
    relevant_QN = np.zeros((len(world.test_Q), len(world.dataset.items)), dtype=np.float32)
    relevant_QN[interactions.query_N[rows] - world.test_Q[0], interactions.item_N[rows]] = 1
    return relevant_QN


def measure(methods: Mapping[str, tuple[Mapping[str, Any], int | None]], seed: int) -> Measured:
    """P@1, P@5 and R@100 of each method (an objective, and its targets a step) in one world."""
    world, result = many_positives_world(seed), {}
    for name, (objective, positives) in methods.items():
        learned = learn(world.dataset, world.split, settings(objective, positives), seed)
        score_QN = scores(learned, world.dataset, world.test_Q)
        result[name] = {
            "p@1": precision(score_QN, world, 1),
            "p@5": precision(score_QN, world, 5),
            "r@100": recall(score_QN, world, 100),
        }
    return result


COUPLED = {"kind": "softmax", "temperature": 0.05}, None
DECOUPLED = {"kind": "decoupled_softmax", "temperature": 0.05}, None
TOP_5 = {"kind": "soft_top_k", "k": 5, "temperature": 0.1}, 5
TOP_20 = {"kind": "soft_top_k", "k": 20, "temperature": 0.1}, 20


def _decoupled_wins(s: Summary) -> bool:
    gain = s.mean["decoupled"]["p@1"] - s.mean["coupled"]["p@1"]
    return gain > 2 * max(s.spread["decoupled"]["p@1"], s.spread["coupled"]["p@1"])


def _top_k_trades(s: Summary) -> bool:
    five, twenty, decoupled = s.mean["soft-top-5"], s.mean["soft-top-20"], s.mean["decoupled"]
    return five["p@5"] >= decoupled["p@5"] and twenty["r@100"] > five["r@100"] and twenty["p@1"] < five["p@1"]


E2 = Experiment(
    "e2-many-positives",
    "P@1 of decoupled softmax exceeds that of coupled softmax by more than two standard deviations",
    lambda seed: measure({"coupled": COUPLED, "decoupled": DECOUPLED}, seed),
    _decoupled_wins,
)
E3 = Experiment(
    "e3-soft-top-k",
    "soft top-5 has P@5 not below decoupled; soft top-20 has higher R@100 and lower P@1 than soft top-5",
    lambda seed: measure({"decoupled": DECOUPLED, "soft-top-5": TOP_5, "soft-top-20": TOP_20}, seed),
    _top_k_trades,
)
