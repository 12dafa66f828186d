"""E1, E5 and E10: the baseline, the popularity correction, and embeddings that survive being cut.

Axes: N items, Q queries, D embedding.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch

from benchmarks.experiments.contract import Experiment, Measured, Summary
from benchmarks.experiments.world import World, latent_world, learn, scores, unit, vector_settings
from training.learn import Learned
from training.model import embed
from training.ragged import FloatArray

SOFTMAX = {"kind": "softmax", "temperature": 0.05}
WIDTHS = (128, 64, 32, 16)


def recall(score_QN: FloatArray, world: World, k: int) -> float:
    """Share of test queries whose item is among the first k."""
    return float((ranks(score_QN, world) < k).mean())


def ranks(score_QN: FloatArray, world: World) -> FloatArray:
    """Number of items that score better than the query's own, [Q]."""
    target_Q = world.target_Q[world.test_Q]
    own_Q1 = score_QN[np.arange(len(target_Q)), target_Q][:, None]
    better_Q: FloatArray = (score_QN > own_Q1).sum(1).astype(np.float32)
    return better_Q


def _baseline(seed: int) -> Measured:
    world = latent_world(seed)
    learned = learn(world.dataset, world.split, vector_settings(objective=SOFTMAX), seed)
    return {
        "softmax": {"recall@10": recall(scores(learned, world.dataset, world.test_Q), world, 10)},
        "latent-oracle": {"recall@10": recall(world.truth(world.test_Q), world, 10)},
        "random": {"recall@10": 10 / len(world.dataset.items)},
    }


def _baseline_holds(s: Summary) -> bool:
    found, oracle = s.mean["softmax"]["recall@10"], s.mean["latent-oracle"]["recall@10"]
    return found >= 0.9 * oracle and found >= 5 * s.mean["random"]["recall@10"]


def _popularity(seed: int) -> Measured:
    world = latent_world(seed, query_noise=0.6, zipf=1.0)
    counts_N = np.bincount(world.dataset.interactions.item_N[world.split.train_N], minlength=len(world.dataset.items))
    # The item itself as a feature: without it two items of equal topics cannot differ in how often they are shown.
    features = vector_settings()["features"]
    item = [*features["item"], {"kind": "category", "name": "item_id"}]
    settings: dict[str, Any] = {"features": {"query": features["query"], "item": item}, "metric": "dot"}
    is_tail_Q = counts_N[world.target_Q[world.test_Q]] <= np.quantile(counts_N, 0.5)
    result = {}
    for logq in ("none", "classic", "corrected"):
        objective = {"kind": "softmax", "temperature": 1.0, "logq": logq}
        learned = learn(world.dataset, world.split, vector_settings(**settings, objective=objective), seed)
        found_Q = ranks(scores(learned, world.dataset, world.test_Q), world) < 10
        result[f"logq-{logq}"] = {
            "recall@10": float(found_Q.mean()),
            "tail-recall@10": float(found_Q[is_tail_Q].mean()),
            "head-recall@10": float(found_Q[~is_tail_Q].mean()),
        }
    return result


def cut_recall(learned: Learned, world: World, width: int) -> float:
    """recall@10 with the first `width` numbers of both embeddings, made unit length again."""
    cpu = torch.device("cpu")
    records = learned.features.query.encode(world.dataset.queries.records(["seen"], world.test_Q))
    query_QD = unit(embed(learned.model.query, records, cpu)[:, :width])
    item_ND = unit(embed(learned.model.item, learned.items, cpu)[:, :width])
    return recall(query_QD @ item_ND.T, world, 10)


def _matryoshka(seed: int) -> Measured:
    world = latent_world(seed)
    objectives: Mapping[str, Mapping[str, Any]] = {
        "cut": SOFTMAX,
        "matryoshka": {"kind": "matryoshka", "dims": WIDTHS, "objective": SOFTMAX},
    }
    result = {}
    for name, objective in objectives.items():
        settings = vector_settings(objective=objective, dimension=WIDTHS[0])
        learned = learn(world.dataset, world.split, settings, seed)
        result[name] = {f"recall@10-d{width}": cut_recall(learned, world, width) for width in WIDTHS}
    return result


def _matryoshka_holds(s: Summary) -> bool:
    ours, cut = s.mean["matryoshka"], s.mean["cut"]
    smaller = all(ours[f"recall@10-d{width}"] >= cut[f"recall@10-d{width}"] for width in WIDTHS[1:])
    return smaller and ours["recall@10-d128"] >= cut["recall@10-d128"] - 0.01


E1 = Experiment(
    "e1-baseline",
    "recall@10 of softmax is at least 5 times random and .9 of what the latents themselves reach",
    _baseline,
    _baseline_holds,
)


def _popularity_holds(s: Summary) -> bool:
    plain, ours = s.mean["logq-none"], s.mean["logq-corrected"]
    return ours["tail-recall@10"] > plain["tail-recall@10"] and ours["head-recall@10"] >= plain["head-recall@10"] - 0.02


E5 = Experiment(
    "e5-popularity",
    "the corrected logQ raises recall@10 of the rarer half of the items without losing more than .02 of the other's",
    _popularity,
    _popularity_holds,
)
E10 = Experiment(
    "e10-matryoshka",
    "Matryoshka is not below the cut baseline at d/2, d/4 and d/8, and loses at most .01 at d",
    _matryoshka,
    _matryoshka_holds,
)
