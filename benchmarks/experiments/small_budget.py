"""E12: a teacher that may be asked little and is wrong where it is hard.

Axes: N queries of the pool, Q queries.
"""

from dataclasses import replace

import numpy as np

from benchmarks.experiments.contract import Experiment, Measured, Summary
from benchmarks.experiments.one_positive import recall
from benchmarks.experiments.world import World, dataset_of, latent_world, learn, scores, vector_settings
from training.dataset import Dataset
from training.ragged import FloatArray, IntArray
from training.splits import Split
from training.splits.column import ColumnSplit
from training.teachers.selection import Selection, select

N_LABELLED, BUDGET = 500, 600
ERROR_SHARE, EXPECTED_SHARE = 0.05, 0.15  # what is wrong, and the default of what is expected to be
TEMPERATURE = 0.05
SELECTIONS: tuple[Selection, ...] = ("uniform", "margin", "robust")


def doubt(score_NM: FloatArray) -> FloatArray:
    """1 less the distance of the two best softmax shares, [N]: how unsure the model is of each query."""
    share_NM = np.exp((score_NM - score_NM.max(1, keepdims=True)) / TEMPERATURE)
    share_NM /= share_NM.sum(1, keepdims=True)
    best_N2 = -np.partition(-share_NM, 1, axis=1)[:, :2]
    doubt_N: FloatArray = 1 - (best_N2[:, 0] - best_N2[:, 1])
    return doubt_N


def labelled(world: World, chosen: IntArray, target_Q: IntArray) -> World:
    """The world whose training pairs are those of the chosen queries alone, with these targets."""
    interactions = world.dataset.interactions
    queries, parts = world.dataset.queries.table, interactions.split_N
    if queries is None or parts is None:
        raise TypeError("a synthetic world has queries and a split column")
    held_out = np.union1d(world.split.validation_N, world.split.test_N)
    rows = np.sort(np.concatenate([chosen, interactions.query_N[held_out]]))
    dataset = dataset_of(
        {"seen": world.dataset.items.table["seen"].to_pylist()},
        {"seen": queries["seen"].to_pylist()},
        np.stack([rows, np.where(np.isin(rows, chosen), target_Q[rows], interactions.item_N[rows])], 1),
        parts[rows].tolist(),
    )
    return replace(world, dataset=dataset, split=ColumnSplit().split(dataset))


def _run(seed: int) -> Measured:
    world = latent_world(seed, n_items=300, query_noise=0.5, zipf=0.3)
    rng = np.random.default_rng(seed)
    train_Q = world.dataset.interactions.query_N[world.split.train_N]
    first, pool_N = train_Q[:N_LABELLED], train_Q[N_LABELLED:]
    settings = vector_settings(trainer={"epochs": 30, "patience": 30, "batch_size": 128})
    student = learn(*_parts(labelled(world, first, world.target_Q)), settings, seed)
    gain_N = doubt(scores(student, world.dataset, pool_N))
    # The teacher is wrong on the queries that the student is least sure of.
    wrong = pool_N[np.argsort(-gain_N, kind="stable")[: round(ERROR_SHARE * len(pool_N))]]
    answers_Q = world.target_Q.copy()
    answers_Q[wrong] = rng.integers(0, len(world.dataset.items), len(wrong))
    result = {"labelled-only": {"recall@1": recall(scores(student, world.dataset, world.test_Q), world, 1)}}
    for selection in SELECTIONS:
        taken = pool_N[select(gain_N, BUDGET, selection, EXPECTED_SHARE, np.random.default_rng(seed))]
        more = labelled(world, np.concatenate([first, taken]), answers_Q)
        learned = learn(*_parts(more), settings, seed)
        result[selection] = {
            "recall@1": recall(scores(learned, world.dataset, world.test_Q), world, 1),
            "wrong-answers": float(np.isin(taken, wrong).mean()),
        }
    return result


def _parts(world: World) -> tuple[Dataset, Split]:
    return world.dataset, world.split


def _holds(s: Summary) -> bool:
    ours = s.mean["robust"]["recall@1"]
    return ours >= s.mean["margin"]["recall@1"] and ours >= s.mean["uniform"]["recall@1"]


E12 = Experiment(
    "e12-small-budget",
    "with a teacher that is wrong on the hardest 5 %, robust selection has recall@1 not below margin and uniform",
    _run,
    _holds,
)
