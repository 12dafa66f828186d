"""Judges alone, gold labels alone, and judges corrected by gold labels drawn at random (DSL), over repetitions.

N pairs, Q queries, K places, J judges.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.debian_data import debian_synopsis, word_overlap
from benchmarks.lexical import bm25
from benchmarks.parts import Budget, Part
from benchmarks.report import Row
from evaluation.judged.design_based import Scope, estimate_mean
from evaluation.judged.measure import rank_weights
from evaluation.judged.pairs import FloatArray, IntArray, JudgedPairs
from evaluation.judged.plan import draw_labels, label_chances
from evaluation.judged.surrogate import predicted_gains, squared_errors
from evaluation.normal_estimate import NormalEstimate

GOLD, K, QUERIES = 0.05, 10, 1000
PROTOCOL = """
5 % of the pairs are gold labels, drawn at random (uniform) or by weight x expected error learned from a first draw of
2 % (allocated; the first labels are not used again). Measure: mean DCG@10 over 1,000 queries. The truth is that of
the world that queries are drawn from (new queries) or of the one set of queries (same queries; only labels are drawn
again; 2,000 of Debian's). `coverage`: share of the 95 % intervals that hold the truth; `bias ratio`: bias over that of
the judges alone. `gold-only` is Horvitz-Thompson. 2,000 repetitions, so a coverage of .95 has a standard error of .005.
`made-world`: binary gains that fall with rank; three judges that say yes too often. `debian-synopsis`: the first ten
of BM25, gain 1 for the package of the synopsis; the judges are the share of the synopsis's words in the description,
the same among its first 30 words, and BM25's score over the query's best.
"""


@dataclass(frozen=True, eq=False)
class World:
    """Pairs with their true gains."""

    n_queries: int
    query_N: IntArray
    rank_N: IntArray
    gain_N: FloatArray
    vote_NJ: FloatArray

    def truth(self) -> float:
        """The mean DCG@K."""
        return float((rank_weights("dcg", K, self.rank_N) * self.gain_N).sum()) / self.n_queries

    def labelled(self, chance_N: FloatArray, seed: int) -> JudgedPairs:
        """What an estimate sees after a draw of gold labels."""
        drawn_N = draw_labels(chance_N, seed)
        gold_N = np.where(drawn_N, self.gain_N, np.nan)
        covariate_NC = np.column_stack([self.rank_N, self.vote_NJ.prod(axis=1)]).astype(np.float64)
        return JudgedPairs(self.n_queries, self.query_N, self.vote_NJ, covariate_NC, gold_N, chance_N)

    def some(self, random: np.random.Generator, count: int) -> "World":
        """`count` queries drawn with replacement."""
        drawn = random.integers(0, self.n_queries, count)
        rows = (drawn[:, None] * K + np.arange(K)).ravel()
        query_N = np.repeat(np.arange(count), K)
        return World(count, query_N, self.rank_N[rows], self.gain_N[rows], self.vote_NJ[rows])


Draw = Callable[[np.random.Generator], World]


def made_world(random: np.random.Generator, n_queries: int) -> World:
    """Binary gains that fall with rank, and three judges that say yes too often."""
    rank_N = np.tile(np.arange(1, K + 1), n_queries)
    ease_N = np.repeat(random.normal(size=n_queries), K)
    logit_N = 0.6 * ease_N - 0.25 * rank_N - 0.5 + random.normal(size=len(rank_N))
    gain_N = (random.random(len(rank_N)) < 1 / (1 + np.exp(-logit_N))).astype(np.float64)
    yes_NJ = np.clip(0.2 + 0.6 * gain_N[:, None] + np.array([0.05, 0.1, 0.15]), 0, 1)
    vote_NJ = (random.random(yes_NJ.shape) < yes_NJ).astype(np.float64)
    return World(n_queries, np.repeat(np.arange(n_queries), K), rank_N, gain_N, vote_NJ)


def debian_world(data: Path) -> World:
    """The first ten of BM25 for 2,000 synopses; exactly K pairs a query, in rank order."""
    task = debian_synopsis(data)
    exam = task.exams["test"]
    queries = task.query_texts(exam.query_rows_Q)
    documents = task.document_texts(exam)
    score = bm25(documents, queries)
    own_Q = exam.relevant.values_V
    gains, votes = [], []
    for q, query in enumerate(queries):
        score_C = score(np.array([q]))[0]
        best_K = np.argsort(-score_C, kind="stable")[:K]
        found = [documents[c] for c in best_K]
        gains.append(best_K == own_Q[q])
        begins = [" ".join(text.split()[:30]) for text in found]
        overlaps = [[word_overlap(query, text) for text in texts] for texts in (found, begins)]
        votes.append(np.column_stack([*overlaps, score_C[best_K] / max(float(score_C.max()), 1e-9)]))
    n = len(queries)
    rank_N = np.tile(np.arange(1, K + 1), n)
    gain_N = np.concatenate(gains).astype(np.float64)
    return World(n, np.repeat(np.arange(n), K), rank_N, gain_N, np.concatenate(votes))


@dataclass
class _Seen:
    errors: list[float]
    covered: list[bool]
    widths: list[float]

    def add(self, estimate: NormalEstimate, truth: float) -> None:
        self.errors.append(estimate.value - truth)
        self.covered.append(estimate.covers(truth))
        self.widths.append((estimate.high - estimate.low) / 2)


def _repeat(draw: Draw, truth: float, scope: Scope, repetitions: int) -> dict[str, dict[str, float]]:
    seen = {name: _Seen([], [], []) for name in ("dsl-uniform", "dsl-allocated", "gold-only")}
    alone: list[float] = []
    for seed in range(repetitions):
        world = draw(np.random.default_rng([seed, 1]))
        weight_N = rank_weights("dcg", K, world.rank_N)
        uniform = world.labelled(np.full(len(weight_N), GOLD), 2 * seed)
        result = estimate_mean(uniform, weight_N, scope=scope, seed=seed)
        seen["dsl-uniform"].add(result.corrected, truth)
        alone.append(result.judges_alone - truth)
        allocated = world.labelled(_allocated(world, weight_N, seed), 2 * seed + 1)
        seen["dsl-allocated"].add(estimate_mean(allocated, weight_N, scope=scope, seed=seed).corrected, truth)
        seen["gold-only"].add(_gold_only(uniform, weight_N), truth)
    bias = float(np.mean(alone))
    rows = {name: _measures(one, bias) for name, one in seen.items()}
    rows["judges-alone"] = {"bias": bias, "rmse": float(np.mean(np.square(alone)) ** 0.5)}
    return rows


def _allocated(world: World, weight_N: FloatArray, seed: int) -> FloatArray:
    """Chances learned from a pilot of 2 % of other queries' kind; the pilot's labels are not used again."""
    pilot = world.labelled(np.full(len(weight_N), 0.02), 10_000_019 + seed)
    error_N = squared_errors(pilot, predicted_gains(pilot, seed))
    return label_chances(weight_N, error_N, round(GOLD * len(weight_N)))


def _gold_only(pairs: JudgedPairs, weight_N: FloatArray) -> NormalEstimate:
    value_N = weight_N * np.nan_to_num(pairs.gold_N) / pairs.probability_N
    total_Q = np.bincount(pairs.query_N, weights=value_N, minlength=pairs.n_queries)
    return NormalEstimate.normal(float(total_Q.mean()), float(total_Q.std(ddof=1)) / len(total_Q) ** 0.5)


def _measures(seen: _Seen, alone: float) -> dict[str, float]:
    return {
        "coverage": float(np.mean(seen.covered)),
        "bias": float(np.mean(seen.errors)),
        "bias_ratio": abs(float(np.mean(seen.errors)) / alone),
        "rmse": float(np.mean(np.square(seen.errors)) ** 0.5),
        "half_width": float(np.mean(seen.widths)),
    }


def measure(budget: Budget) -> list[Row]:
    """Coverage, bias and width in both worlds."""
    repetitions = 100 if budget.quick else 2000
    whole = made_world(np.random.default_rng(0), 20_000 if budget.quick else 400_000)
    one = made_world(np.random.default_rng(1), QUERIES)
    debian = debian_world(budget.data)
    worlds: dict[str, tuple[Draw, float, Scope]] = {
        "dsl-made-world-new-queries": (lambda r: made_world(r, QUERIES), whole.truth(), "queries_like_these"),
        "dsl-made-world-same-queries": (lambda r: one, one.truth(), "these_queries"),
        "dsl-debian-synopsis-new-queries": (
            lambda r: debian.some(r, QUERIES),
            debian.truth(),
            "queries_like_these",
        ),
        "dsl-debian-synopsis-same-queries": (lambda r: debian, debian.truth(), "these_queries"),
    }
    rows = []
    for task, (draw, truth, scope) in worlds.items():
        for method, values in _repeat(draw, truth, scope, repetitions).items():
            rows += [Row(task, method, metric, value, seeds=repetitions) for metric, value in values.items()]
    return rows


JUDGED = Part(PROTOCOL, measure)
