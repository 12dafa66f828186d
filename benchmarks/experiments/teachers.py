"""E7, E8, E9 and E12: negatives that are answers, graded judgements, a ranker in alternation, a small budget.

Axes: N items, Q queries, V mined pairs, K judged items of a query.
"""

from collections.abc import Mapping
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
import pyarrow as pa

from benchmarks.experiments.contract import Experiment, Measured, Summary
from benchmarks.experiments.one_positive import recall
from benchmarks.experiments.world import World, latent_world, learn, scores, vector_settings
from training.dataset import Dataset, Judgements
from training.ragged import FloatArray

SOFTMAX = {"kind": "softmax", "temperature": 0.05}
N_JUDGED = 30
RELEVANT_ABOVE = 0.8
ROUNDS, WARMUP, EPOCHS_A_ROUND = 3, 3, 2


def with_judgements(world: World, seed: int) -> Dataset:
    """The cosine of the latents for each query's 20 nearest items, ten others and its own."""
    rng = np.random.default_rng(seed)
    truth_QN = world.query_QT @ world.item_NT.T
    n_queries, n_items = truth_QN.shape
    near_QK = np.argpartition(-truth_QN, 20, axis=1)[:, :20]
    item_QK = np.concatenate([near_QK, rng.integers(0, n_items, (n_queries, 10)), world.target_Q[:, None]], 1)
    query_V, item_V = np.repeat(np.arange(n_queries), item_QK.shape[1]), item_QK.ravel().astype(np.int64)
    judgements = Judgements(query_V, item_V, truth_QN[query_V, item_V].astype(np.float32), pa.table({}))
    return replace(world.dataset, judgements=judgements)


def graded_ndcg(score_QN: FloatArray, truth_QN: FloatArray, k: int = 10) -> float:
    """nDCG@k whose gain is how far the cosine of the latents is above .8."""
    gain_QN = np.maximum(truth_QN - RELEVANT_ABOVE, 0)
    discount_K = 1 / np.log2(np.arange(2, k + 2))
    best_QK = np.argsort(-score_QN, axis=1, kind="stable")[:, :k]
    found_Q = (np.take_along_axis(gain_QN, best_QK, 1) * discount_K).sum(1)
    ideal_Q = (-np.sort(-gain_QN, axis=1)[:, :k] * discount_K).sum(1)
    return float((found_Q[ideal_Q > 0] / ideal_Q[ideal_Q > 0]).mean())


def _graded(seed: int) -> Measured:
    world, result = latent_world(seed, query_noise=0.5), {}
    dataset = with_judgements(world, seed)
    soft = {"kind": "graded_kl", "temperature": 0.05, "teacher_temperature": 0.05}
    teacher = {"kind": "judgements", "per_step": 8, "sampling": "random"}
    both = {"kind": "weighted_sum", "terms": [{"objective": SOFTMAX}, {"objective": soft}]}
    methods: Mapping[str, dict[str, Any]] = {
        "softmax": {"objective": SOFTMAX},
        "graded-kl": {"objective": soft, "teacher": teacher},
        "softmax+graded-kl": {"objective": both, "teacher": teacher},
    }
    for name, settings in methods.items():
        learned = learn(dataset, world.split, vector_settings(**settings), seed)
        score_QN = scores(learned, dataset, world.test_Q)
        result[name] = {
            "graded-ndcg@10": graded_ndcg(score_QN, world.truth(world.test_Q)),
            "recall@10": recall(score_QN, world, 10),
        }
    return result


def adversarial_settings(objective: Mapping[str, Any], **teacher: Any) -> dict[str, Any]:
    """Warm-up, then rounds of mining, ranker and towers."""
    both = {"kind": "weighted_sum", "terms": [{"objective": SOFTMAX}, {"objective": dict(objective)}]}
    epochs = WARMUP + ROUNDS * EPOCHS_A_ROUND
    return vector_settings(
        objective=both,
        hard_negatives={
            "start_epoch": WARMUP,
            "every": EPOCHS_A_ROUND,
            "per_query": 30,
            "per_step": 7,
            "sampling": "random",
        },
        teacher={"kind": "ranker", "warmup_steps": 600, "ranker_steps": 200, **teacher},
        trainer={"epochs": epochs, "patience": epochs, "schedule": "linear"},
    )


def _adversarial(seed: int) -> Measured:
    world, result = latent_world(seed, n_queries=8000, n_validation=2000, query_noise=0.5), {}
    methods = {
        "adversarial": adversarial_settings({"kind": "adversarial"}),
        "adversarial-expected": adversarial_settings({"kind": "adversarial", "adversary": "expected"}),
        "distillation-only": adversarial_settings({"kind": "distill_kl", "temperature": 0.05}),
        "softmax": vector_settings(trainer={"epochs": 9, "patience": 9, "schedule": "linear"}),
    }
    for name, settings in methods.items():
        learned = learn(world.dataset, world.split, settings, seed)
        ends = [WARMUP + round_ * EPOCHS_A_ROUND for round_ in range(ROUNDS + 1)]
        rounds = {f"recall@5-round-{n}": learned.logs[end - 1].metrics["recall@5"] for n, end in enumerate(ends)}
        result[name] = {**rounds, "test-recall@5": recall(scores(learned, world.dataset, world.test_Q), world, 5)}
    return result


def _rises(s: Summary) -> bool:
    values = [s.mean["adversarial"][f"recall@5-round-{n}"] for n in range(ROUNDS + 1)]
    return all(later > earlier for earlier, later in pairwise(values))


E8 = Experiment(
    "e8-graded",
    "graded KL on a judge's scores has a higher graded nDCG@10 than softmax on the labels",
    _graded,
    lambda s: s.mean["graded-kl"]["graded-ndcg@10"] > s.mean["softmax"]["graded-ndcg@10"],
)
E9 = Experiment(
    "e9-adversarial-ranker",
    "recall@5 on validation rises in each of three rounds of retriever and ranker",
    _adversarial,
    _rises,
)
