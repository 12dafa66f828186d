"""ANNCUR and ADACUR against a dual encoder's candidates reranked, at equal calls of the cross-encoder.

N corpus, Q anchor queries, T test queries.
"""

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from benchmarks.index_parts import late_interaction as texts
from benchmarks.index_parts.late_interaction import medquad_scores
from benchmarks.index_parts.synthetic_cross_encoder import OracleScores, synthetic_scores
from benchmarks.parts import Budget, Part
from benchmarks.report import Row
from index.cur.adacur import adacur
from index.cur.anncur import anncur, embed_over_anchors
from index.cur.paid_scores import IntArray, PaidScores
from index.cur.prior import DensePrior

TASK = "cross-encoder-search"
CALLS = (50, 100, 200)
NOISES = (0.05, 0.3)
KS = (1, 10)
RCOND = 0.05
N_ITEMS, N_ANCHORS, N_TESTS, RANK = 5_000, 500, 100, 60
Spend = Callable[[int, PaidScores], object]
"""Spends what is left of the budget of test query number t."""


@dataclass(frozen=True)
class Answer:
    """What a method found: shares of the cross-encoder's own k best, by k, and CPU seconds a query beside its calls."""

    recall: Mapping[int, float]
    cpu_s: float


def methods(data: OracleScores, calls: int, seed: int) -> dict[str, Spend]:
    """Every method at a budget of so many calls; half of ANNCUR's go to its anchor items."""
    n_items = len(data.anchor_NQ)
    anchor_NQ = data.anchor_NQ.astype(np.float32)
    rng = np.random.default_rng(seed)
    anchors_I = rng.choice(n_items, calls // 2, replace=False).astype(np.int64)
    order_TN = np.argsort(-data.dual_TN, axis=1)
    prior = DensePrior.fit(data.anchor_dual_NQ, data.anchor_NQ)
    beyond_NQ = (data.anchor_NQ - prior(data.anchor_dual_NQ)).astype(np.float32)

    def over_anchors(rcond: float, mean: float = 0.0) -> Spend:
        embedding_NI = embed_over_anchors(anchor_NQ - np.float32(mean), anchors_I, rcond).embedding_NI
        return lambda t, paid: anncur(embedding_NI, mean, anchors_I, None, paid)

    def in_rounds(rounds: int, rows_N: Callable[[int], IntArray]) -> Spend:
        def spend(t: int, paid: PaidScores) -> None:
            pool = rows_N(t)
            adacur(anchor_NQ[pool], np.zeros(len(pool)), pool, paid, rounds, RCOND)

        return spend

    def from_prior(rounds: int, n_pool: int) -> Spend:
        def spend(t: int, paid: PaidScores) -> None:
            pool = order_TN[t, :n_pool]
            adacur(beyond_NQ[pool], prior(data.dual_TN[t, pool]), pool, paid, rounds, RCOND)

        return spend

    return {
        "rerank": lambda t, paid: paid.pay(order_TN[t, :calls]),
        "anncur rcond=1e-15": over_anchors(1e-15),
        "anncur": over_anchors(RCOND),
        "anncur centred": over_anchors(RCOND, float(anchor_NQ.mean())),
        "adacur rounds=5 seed=random": in_rounds(5, lambda t: rng.permutation(n_items)),
        "adacur rounds=5": in_rounds(5, lambda t: order_TN[t]),
        "adacur prior rounds=5": from_prior(5, n_items),
        "adacur prior rounds=10": from_prior(10, n_items),
        "adacur prior rounds=5 pool=1000": from_prior(5, 1000),
    }


def answer(data: OracleScores, spend: Spend, calls: int) -> Answer:
    """Over all test queries; ValueError when a method makes another number of calls."""
    started = time.thread_time()
    found = [PaidScores(data.scorer(t), calls) for t in range(len(data.test_TN))]
    for t, paid in enumerate(found):
        spend(t, paid)
    cpu_s = (time.thread_time() - started) / len(found)
    if any(paid.calls != calls for paid in found):
        raise ValueError(f"a method made another number of calls than {calls}")
    return Answer({k: float(np.mean([_recall(data, t, paid, k) for t, paid in enumerate(found)])) for k in KS}, cpu_s)


def measure(budget: Budget) -> list[Row]:
    """Rows of every world and budget of calls; the least: one synthetic world and the smallest budget."""
    rows = []
    for name, worlds in _worlds(budget):
        for calls in CALLS[: 1 if budget.quick else None]:
            runs: dict[str, list[Answer]] = {}
            for seed, data in enumerate(worlds):
                for method, spend in methods(data, calls, seed).items():
                    runs.setdefault(method, []).append(answer(data, spend, calls))
            for method, answers in runs.items():
                rows += _rows(f"{TASK}-{name}-calls-{calls}", method, answers)
    return rows


def _worlds(budget: Budget) -> Iterator[tuple[str, list[OracleScores]]]:
    """Scores by seed; those of MedQuAD are the same, so that only what a method draws differs."""
    for noise in NOISES[: 1 if budget.quick else None]:
        seeds = range(1 if budget.quick else budget.seeds)
        made = [
            synthetic_scores(N_ITEMS, N_ANCHORS, N_TESTS, RANK, noise=noise, bounded=True, seed=seed) for seed in seeds
        ]
        yield f"noise-{noise}", made
    if not budget.quick:
        yield "medquad", [medquad_scores(budget.data, budget.cache)] * budget.seeds


def _recall(data: OracleScores, t: int, paid: PaidScores, k: int) -> float:
    own_K = np.argsort(-data.test_TN[t])[:k]
    return len(np.intersect1d(own_K, paid.best(k)[1])) / k


def _rows(task: str, method: str, answers: list[Answer]) -> list[Row]:
    values = {f"recall@{k}": [one.recall[k] for one in answers] for k in KS}
    rows = [
        Row(task, method, metric, float(np.mean(found)), float(np.std(found)), len(found))
        for metric, found in values.items()
    ]
    cpu_ms = [one.cpu_s * 1e3 for one in answers]
    return [*rows, Row(task, method, "cpu", float(np.mean(cpu_ms)), float(np.std(cpu_ms)), len(cpu_ms), "ms a query")]


CROSS_ENCODER_SEARCH = Part(
    f"""A synthetic cross-encoder: 4 tanh(x / 2), x a product of rank {RANK} of unit variance, plus noise of deviation
{NOISES[0]} or {NOISES[1]}, over {N_ITEMS:,} items; {N_ANCHORS} anchor queries scored for all items beforehand,
{N_TESTS} other queries. A dual encoder ranks by the product's first 24 axes. `medquad`: {texts.N_ITEMS:,} answers of
MedQuAD, {texts.N_ANCHORS} of its questions as anchor queries and {texts.N_TESTS} others; in place of a cross-encoder,
whose scores would take a processor hours, each token of a question counts its most similar token of the answer (late
interaction, frozen MiniLM), and the dual encoder is the cosine of MiniLM's pooled vectors. Every method makes the same
number of calls a query; `rerank` scores the dual encoder's first. ANNCUR: half of the calls for anchor items drawn at
random, the rest for what they make look best; `centred`: the mean of all scores is taken out first. ADACUR: rounds
begin with the dual encoder's first; `prior`: only what the scorer says beyond a line through the dual encoder's scores
is estimated. rcond {RCOND} where none is named. Recall: of the scorer's own k best. `cpu`: beside the calls.""",
    measure,
)
