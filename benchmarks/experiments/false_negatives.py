"""E7: mined negatives of which some are answers, because every item has a twin that nobody labelled.

Axes: N items, Q queries, V mined pairs.
"""

from dataclasses import replace
from typing import Any

import numpy as np

from benchmarks.experiments.contract import Experiment, Measured, Summary
from benchmarks.experiments.world import (
    World,
    dataset_of,
    hook_context,
    latent_world,
    learn,
    observed,
    scores,
    unit,
    vector_settings,
)
from training.learn import Learned
from training.mining.miner import HardNegativesConfig, Miner
from training.objectives.softmax import SoftmaxConfig
from training.splits.column import ColumnSplit

N_TWINS = 150
MINED = 5  # with one twin among them: 20 % false negatives
HARD: dict[str, Any] = {"start_epoch": 3, "depth": MINED, "per_query": MINED, "per_step": 2}


def twin_world(seed: int) -> World:
    """Item i and item i + 150 are the same thing; a query is labelled with one of them by chance."""
    plain = latent_world(seed, n_items=N_TWINS, n_queries=4000, query_noise=0.5, zipf=0.3)
    rng = np.random.default_rng(seed + 7)
    item_NT = unit(np.concatenate([plain.item_NT, plain.item_NT + 0.01 * rng.standard_normal(plain.item_NT.shape)]))
    target_Q = plain.target_Q + N_TWINS * rng.integers(0, 2, len(plain.target_Q))
    parts, queries = plain.dataset.interactions.split_N, plain.dataset.queries.table
    if parts is None or queries is None:
        raise TypeError("a synthetic world has queries and a split column")
    dataset = dataset_of(
        {"seen": observed(item_NT, np.random.default_rng(seed + 8))},
        {"seen": queries["seen"].to_pylist()},
        np.stack([np.arange(len(target_Q)), target_Q], 1),
        parts.tolist(),
    )
    return replace(plain, dataset=dataset, split=ColumnSplit().split(dataset), item_NT=item_NT, target_Q=target_Q)


def kept(learned: Learned, world: World, margin: float | None, seed: int) -> tuple[float, float]:
    """Share of the mined twins that the filter drops, and share of the other mined items that it keeps."""
    pairs = []
    for relative in (None, margin):
        config = HardNegativesConfig(**{**HARD, "relative_margin": relative})
        miner = Miner(config, hook_context(learned, world, SoftmaxConfig().build(1), seed))
        mined = miner.mine()
        twin_V = mined.found.items.values_V % N_TWINS == world.target_Q[mined.query_V] % N_TWINS
        pairs.append((int(twin_V.sum()), int((~twin_V).sum())))
    (twins, others), (twins_left, others_left) = pairs
    return 1 - twins_left / twins, others_left / others


def either_found(learned: Learned, world: World, k: int) -> float:
    """Share of the test queries that find both twins among the first k."""
    score_QN = scores(learned, world.dataset, world.test_Q)
    best_QK = np.argsort(-score_QN, axis=1, kind="stable")[:, :k] % N_TWINS
    wanted_Q = world.target_Q[world.test_Q] % N_TWINS
    return float(((best_QK == wanted_Q[:, None]).sum(1) / 2).mean())


def _run(seed: int) -> Measured:
    world, result = twin_world(seed), {}
    methods: dict[str, dict[str, Any]] = {
        "in-batch": {},
        "mined": {"hard_negatives": {**HARD, "relative_margin": None}},
        "mined-95-rule": {"hard_negatives": {**HARD, "relative_margin": 0.05}},
    }
    for name, settings in methods.items():
        learned = learn(world.dataset, world.split, vector_settings(**settings), seed)
        result[name] = {"recall@2": either_found(learned, world, 2), "recall@10": either_found(learned, world, 10)}
        if name == "in-batch":
            dropped, kept_share = kept(learned, world, 0.05, seed)
            result["95-rule"] = {"false-dropped": dropped, "true-kept": kept_share}
    return result


def _holds(s: Summary) -> bool:
    rule = s.mean["95-rule"]
    filters = rule["false-dropped"] >= 0.9 and rule["true-kept"] >= 0.7
    return filters and s.mean["mined-95-rule"]["recall@10"] > s.mean["mined"]["recall@10"]


E7 = Experiment(
    "e7-false-negatives",
    "of a mined pool with 20 % false negatives the 95 % rule drops at least 90 % of them and keeps 70 % of the others, "
    "and training with it has a higher recall@10 than without",
    _run,
    _holds,
)
