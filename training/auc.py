"""Pooled AUC: whether one threshold on the score tells positives from hard negatives across queries.

For every query its positives, and as negatives the highest scored of all other items; then one ROC over all queries
together. A model may rank well inside every query and still fail here, because a softmax does not see an offset of a
whole query; `calibration_gap` is what that costs. After the evaluation protocol of the Mann-Whitney (AUC) loss.

Letters: R queries, V positives of all queries, K negatives of a query, S scores of both kinds, T thresholds.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from training.errors import BadData
from training.evaluate import Score, scored_chunks, unseen_relevant
from training.evaluation_set import EvaluationSet
from training.metrics import top_k
from training.ragged import FloatArray, IntArray

NEGATIVES = 500
MAX_QUERIES = 10_000  # five million negatives: the curve does not change beyond, the memory does
Curve = NDArray[np.float64]


@dataclass(frozen=True)
class PooledScores:
    """Scores of the positives and, for each query, of its highest negatives (-inf where it has fewer).

    `row_V` is the position 0..R-1 of each positive's query.
    """

    positive_V: FloatArray
    row_V: IntArray
    negative_RK: FloatArray

    @property
    def negatives(self) -> FloatArray:
        """The negatives of all queries, in one row."""
        return self.negative_RK[self.negative_RK > -np.inf]


def pooled_scores(
    score: Score,
    evaluation_set: EvaluationSet,
    exclude_seen: bool = True,
    negatives: int = NEGATIVES,
    max_queries: int = MAX_QUERIES,
) -> PooledScores:
    """Positives, and the `negatives` best scored items that a query neither should find nor has seen.

    Of more than `max_queries` queries that many are taken, evenly over the rows. Raises BadData when no query has a
    relevant item.
    """
    relevant, _ = unseen_relevant(evaluation_set, exclude_seen)
    query_R = np.flatnonzero(relevant.lengths > 0).astype(np.int64)
    if len(query_R) == 0:
        raise BadData("no query has a relevant item, so there is no score of a positive")
    query_R = evenly(query_R, max_queries)
    relevant, seen = relevant.take(query_R), evaluation_set.seen.take(query_R)
    positive, negative = [], []
    for chunk_B, scores_BN in scored_chunks(score, evaluation_set, query_R, exclude_seen):
        wanted, known = relevant.take(chunk_B), seen.take(chunk_B)
        positive.append(scores_BN[wanted.row_index_V, wanted.values_V])
        scores_BN[wanted.row_index_V, wanted.values_V] = -np.inf
        scores_BN[known.row_index_V, known.values_V] = -np.inf
        items_BK = top_k(scores_BN, negatives)
        taken_BK = np.take_along_axis(scores_BN, np.maximum(items_BK, 0), axis=1)
        negative.append(np.where(items_BK < 0, np.float32(-np.inf), taken_BK))
    return PooledScores(np.concatenate(positive), relevant.row_index_V, np.concatenate(negative))


def evenly(rows: IntArray, most: int) -> IntArray:
    """At most `most` of the rows, evenly spaced and in order."""
    if len(rows) <= most:
        return rows
    return rows[np.linspace(0, len(rows) - 1, most).astype(np.int64)]


def auc(positive_V: FloatArray, negative_W: FloatArray) -> float:
    """Probability that a positive scores above a negative, ties half: Mann and Whitney (1947), by rank sum.

    NaN when one side is empty.
    """
    n, m = len(positive_V), len(negative_W)
    if n == 0 or m == 0:
        return float("nan")
    rank_S = rankdata(np.concatenate([positive_V, negative_W]))
    return float((rank_S[:n].sum() - n * (n + 1) / 2) / (n * m))


@dataclass(frozen=True)
class Roc:
    """One point for each different score, highest first: what `score >= threshold_T` accepts of either side."""

    threshold_T: Curve
    hits_T: Curve
    false_T: Curve
    positives: int
    negatives: int

    @classmethod
    def of(cls, positive_V: FloatArray, negative_W: FloatArray) -> "Roc":
        """The curve; neither side may be empty."""
        score_S = np.concatenate([positive_V, negative_W])
        order_S = np.argsort(-score_S, kind="stable")
        is_positive_S = order_S < len(positive_V)
        score_S = score_S[order_S]
        last_T = np.append(np.flatnonzero(np.diff(score_S)), len(score_S) - 1)
        hits_T = np.cumsum(is_positive_S)[last_T].astype(np.float64)
        return cls(score_S[last_T].astype(np.float64), hits_T, last_T + 1 - hits_T, len(positive_V), len(negative_W))

    @property
    def tpr_T(self) -> Curve:
        """Share of the positives accepted."""
        return self.hits_T / self.positives

    @property
    def fpr_T(self) -> Curve:
        """Share of the negatives accepted."""
        return self.false_T / self.negatives

    def tpr_at(self, fpr: float) -> float:
        """The most positives that a threshold accepts with at most that share of the negatives; 0 if none does."""
        return float(self.tpr_T[self.fpr_T <= fpr].max(initial=0.0))

    def best_threshold(self) -> float:
        """The score from which on accepting gives the best F1; of equals the highest."""
        f1_T = 2 * self.hits_T / (self.hits_T + self.false_T + self.positives)
        return float(self.threshold_T[np.argmax(f1_T)])


@dataclass(frozen=True)
class Threshold:
    """One threshold for all queries, chosen on some queries and measured on others."""

    value: float
    precision: float
    recall: float

    @property
    def f1(self) -> float:
        """Harmonic mean of precision and recall; 0 when both are."""
        both = self.precision + self.recall
        return 2 * self.precision * self.recall / both if both else 0.0

    @classmethod
    def measured(cls, value: float, scores: PooledScores) -> "Threshold":
        """Precision (0 where nothing is accepted) and recall of `score >= value`."""
        hits, accepted = int((scores.positive_V >= value).sum()), int((scores.negatives >= value).sum())
        accepted += hits
        return cls(value, hits / accepted if accepted else 0.0, hits / len(scores.positive_V))


@dataclass(frozen=True)
class PooledAuc:
    """The protocol's numbers. `tpr_at_1`, `tpr_at_5`: true positive rate at a false positive rate of 1 % and 5 %."""

    pooled: float
    per_query: float
    tpr_at_1: float
    tpr_at_5: float
    roc: Roc

    @property
    def calibration_gap(self) -> float:
        """Per-query AUC less pooled AUC: order that is right inside each query but lost across queries."""
        return self.per_query - self.pooled

    @classmethod
    def of(cls, scores: PooledScores) -> "PooledAuc | None":
        """Measure; None when no query has a negative left."""
        negative_W = scores.negatives
        if len(negative_W) == 0:
            return None
        roc = Roc.of(scores.positive_V, negative_W)
        pooled, own = auc(scores.positive_V, negative_W), per_query_auc(scores)
        return cls(pooled, own, roc.tpr_at(0.01), roc.tpr_at(0.05), roc)


def per_query_auc(scores: PooledScores) -> float:
    """Mean over the queries of the AUC of their own positives and negatives; those without a negative are left out."""
    offsets = np.searchsorted(scores.row_V, np.arange(len(scores.negative_RK) + 1))
    parts = []
    for row, sorted_K in enumerate(np.sort(scores.negative_RK, axis=1)):
        below = int(np.searchsorted(sorted_K, -np.inf, side="right"))
        if below == len(sorted_K):
            continue
        wanted_P, own_K = scores.positive_V[offsets[row] : offsets[row + 1]], sorted_K[below:]
        places_P = np.searchsorted(own_K, wanted_P, "left") + np.searchsorted(own_K, wanted_P, "right")
        parts.append(float(places_P.mean()) / 2 / len(own_K))
    return float(np.mean(parts)) if parts else float("nan")


def split_queries(scores: PooledScores) -> tuple[PooledScores, PooledScores]:
    """Every other query, and the rest: to choose a threshold on one half and measure it on the other."""
    halves = []
    for half in (0, 1):
        mine_V = scores.row_V % 2 == half
        halves.append(PooledScores(scores.positive_V[mine_V], scores.row_V[mine_V] // 2, scores.negative_RK[half::2]))
    return halves[0], halves[1]
