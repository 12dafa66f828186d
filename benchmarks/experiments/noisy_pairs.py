"""E6: wrong pairs. Two heads that agree on what is clean, and a loss that one wrong pair cannot move far.

Axes: N items, Q queries, P training pairs.
"""

from dataclasses import replace
from typing import Any

import numpy as np

from benchmarks.experiments.contract import Experiment, Measured, Summary
from benchmarks.experiments.one_positive import recall
from benchmarks.experiments.world import (
    World,
    dataset_of,
    hook_context,
    latent_world,
    learn,
    scores,
    vector_settings,
)
from training.learn import Learned
from training.noise.confident_consensus import ConfidentConsensusConfig
from training.objectives.heads import HeadsConfig
from training.objectives.triplet_alignment import TripletAlignmentConfig
from training.ragged import BoolArray
from training.splits.column import ColumnSplit

DIMENSION = 64  # of the whole embedding, also where two heads share it
NOISE = {"kind": "confident_consensus", "start_epoch": 2, "mode": "soft"}
TRIPLET = {"kind": "triplet_alignment"}
SETTINGS: dict[str, dict[str, Any]] = {
    "softmax": {"objective": {"kind": "softmax", "temperature": 0.05}},
    "triplet-alignment": {"objective": TRIPLET},
    "consensus+triplet-alignment": {
        "objective": {"kind": "heads", "first": TRIPLET, "second": TRIPLET},
        "heads": {"weight": 0.5},
        "noise": NOISE,
    },
}


def permuted(world: World, share: float, seed: int) -> tuple[World, BoolArray]:
    """The world with that share of its training pairs permuted among themselves, and which pairs are wrong."""
    rng = np.random.default_rng(seed)
    interactions, train_P = world.dataset.interactions, world.split.train_N
    chosen = rng.choice(train_P, round(share * len(train_P)), replace=False)
    item_P = interactions.item_N.copy()
    item_P[chosen] = item_P[rng.permutation(chosen)]
    wrong_P = item_P != interactions.item_N
    table = world.dataset.items.table.drop_columns(["item_id"]).to_pydict()
    queries = world.dataset.queries.table
    parts = interactions.split_N
    if queries is None or parts is None:
        raise TypeError("a synthetic world has queries and a split column")
    dataset = dataset_of(
        table,
        queries.drop_columns(["query_id"]).to_pydict(),
        np.stack([interactions.query_N, item_P], 1),
        parts.tolist(),
    )
    return replace(world, dataset=dataset, split=ColumnSplit().split(dataset)), wrong_P[train_P]


def flagged_clean(learned: Learned, world: World, seed: int) -> BoolArray:
    """What the consensus of the trained heads calls clean, of the training pairs."""
    half = TripletAlignmentConfig()
    objective = HeadsConfig(first=half, second=half).build(DIMENSION)
    context = hook_context(learned, world, objective, seed)
    hook = ConfidentConsensusConfig(start_epoch=0, mode="hard").build(context)
    hook.before_epoch(0)
    if hook.weight_N is None:
        raise RuntimeError("the consensus gave no weights")
    clean_P: BoolArray = hook.weight_N > 0
    return clean_P


def _run(seed: int) -> Measured:
    clean_world, result = latent_world(seed, query_noise=0.5), {}
    for share in (0.0, 0.2, 0.4):
        world, wrong_P = permuted(clean_world, share, seed)
        for name, settings in SETTINGS.items():
            trainer = {"epochs": 16, "patience": 16}
            learned = learn(
                world.dataset, world.split, vector_settings(**settings, dimension=DIMENSION, trainer=trainer), seed
            )
            score_QN = scores(learned, world.dataset, world.test_Q)
            measured = {"recall@1": recall(score_QN, world, 1), "recall@10": recall(score_QN, world, 10)}
            if "noise" in settings and share:
                clean_P = flagged_clean(learned, world, seed)
                measured["clean-precision"] = float((~wrong_P)[clean_P].mean())
                measured["clean-recall"] = float(clean_P[~wrong_P].mean())
            result[f"{name}-noise-{share:.0%}".replace("%", "")] = measured
    return result


def _holds(s: Summary) -> bool:
    ours, plain = "consensus+triplet-alignment-noise-{}", "softmax-noise-{}"
    flags = s.mean[ours.format(40)]
    finds = flags["clean-precision"] > 0.9 and flags["clean-recall"] > 0.8
    wins = flags["recall@1"] > s.mean[plain.format(40)]["recall@1"]
    keeps = s.mean[ours.format(0)]["recall@1"] >= s.mean[plain.format(0)]["recall@1"] - 0.01
    return finds and wins and keeps


E6 = Experiment(
    "e6-noisy-pairs",
    "at 40 % permuted pairs the consensus has precision > .9 and recall > .8 of the clean pairs, recall@1 is above "
    "softmax, and at 0 % at most .01 below",
    _run,
    _holds,
)
