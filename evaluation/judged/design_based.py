"""Design-based estimates of a measure from many cheap judgements and a few gold labels drawn by known chances.

Every pair's gain is replaced by g + (R / pi) (y - g): what the judges foretell, corrected where a person looked by the
error divided by the chance of looking (Egami et al., NeurIPS 2023, eq. 3). Its mean is that of the true gains whatever
the judges say, which a mean of judgements alone is not. Rows of one query depend on each other, so the error is that of
query totals.

N pairs, Q queries.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from evaluation.errors import TooFewLabels
from evaluation.judged.pairs import FloatArray, JudgedPairs
from evaluation.judged.surrogate import predicted_gains
from evaluation.normal_estimate import LEVEL, NormalEstimate

Scope = Literal["queries_like_these", "these_queries"]


@dataclass(frozen=True)
class JudgedEstimate:
    """The corrected estimate beside what the judges alone say, and how many labels it rests on."""

    corrected: NormalEstimate
    judges_alone: float
    n_queries: int
    n_pairs: int
    n_gold: int


def estimate_mean(
    pairs: JudgedPairs,
    weight_N: FloatArray,
    *,
    scope: Scope = "queries_like_these",
    level: float = LEVEL,
    seed: int = 0,
) -> JudgedEstimate:
    """The mean over queries of the weighted sum of gains: DCG@k, precision@k, hits, or a difference of two of them.

    `weight_N`: how much each pair's gain counts in its query's sum (`evaluation.judged.measure`). `scope`: whether the
    interval speaks of other queries drawn like these, or of these alone, where only the choice of labels is chance.
    Raises TooFewLabels. That the labels were drawn by their chances is the caller's word; see
    `JudgedPairs.check_chances`.
    """
    pairs.check_labels()
    predicted_N = predicted_gains(pairs, seed)
    corrected_N = corrected_gains(pairs, predicted_N)
    total_Q = _totals(pairs, weight_N * corrected_N)
    if scope == "queries_like_these":
        error = float(total_Q.std(ddof=1)) / pairs.n_queries**0.5
    else:
        error = error_of_labels(pairs, weight_N, predicted_N)
    alone = float(_totals(pairs, weight_N * predicted_alone(pairs)).mean())
    return _result(pairs, NormalEstimate.normal(float(total_Q.mean()), error, level), alone)


def estimate_ratio(
    pairs: JudgedPairs, weight_N: FloatArray, norm_N: FloatArray, *, level: float = LEVEL, seed: int = 0
) -> JudgedEstimate:
    """A sum of weighted gains over a sum of otherwise weighted gains, such as recall@k over all queries together.

    The interval is the delta method's, for queries like these. Raises TooFewLabels, also where the lower sum is not
    clearly above zero.
    """
    pairs.check_labels()
    corrected_N = corrected_gains(pairs, predicted_gains(pairs, seed))
    upper_Q, lower_Q = _totals(pairs, weight_N * corrected_N), _totals(pairs, norm_N * corrected_N)
    mean = float(lower_Q.mean())
    if mean <= 2 * float(lower_Q.std(ddof=1)) / pairs.n_queries**0.5:
        raise TooFewLabels(
            f"the relevant gain of a query is estimated as {mean:.3g}, which is not clearly above zero, so a share of "
            "it has no interval; label more pairs or ask more queries"
        )
    ratio = float(upper_Q.mean()) / mean
    influence_Q = (upper_Q - ratio * lower_Q) / mean
    error = float(influence_Q.std(ddof=1)) / pairs.n_queries**0.5
    votes_N = predicted_alone(pairs)
    below = float(_totals(pairs, norm_N * votes_N).sum())
    alone = float(_totals(pairs, weight_N * votes_N).sum()) / below if below else float("nan")
    return _result(pairs, NormalEstimate.normal(ratio, error, level), alone)


def corrected_gains(pairs: JudgedPairs, predicted_N: FloatArray) -> FloatArray:
    """g + (R / pi) (y - g) of every pair."""
    error_N = np.where(pairs.is_gold_N, pairs.gold_N - predicted_N, 0.0)
    corrected_N: FloatArray = predicted_N + error_N / pairs.probability_N
    return corrected_N


def predicted_alone(pairs: JudgedPairs) -> FloatArray:
    """The mean of the votes of every pair, which a measure without gold labels would take; 0 where nobody voted."""
    asked_NJ = ~np.isnan(pairs.vote_NJ)
    mean_N: FloatArray = np.where(asked_NJ, pairs.vote_NJ, 0).sum(axis=1) / np.maximum(1, asked_NJ.sum(axis=1))
    return mean_N


def error_of_labels(pairs: JudgedPairs, weight_N: FloatArray, predicted_N: FloatArray) -> float:
    """Standard error where the queries stand and only the draw of labels is chance (Horvitz-Thompson, Poisson draw)."""
    chance_N = pairs.probability_N
    error_N = np.where(pairs.is_gold_N, pairs.gold_N - predicted_N, 0.0)
    variance = ((weight_N * error_N / chance_N) ** 2 * (1 - chance_N)).sum()
    return float(variance**0.5) / pairs.n_queries


def _totals(pairs: JudgedPairs, value_N: FloatArray) -> FloatArray:
    return np.bincount(pairs.query_N, weights=value_N, minlength=pairs.n_queries).astype(np.float64)


def _result(pairs: JudgedPairs, corrected: NormalEstimate, alone: float) -> JudgedEstimate:
    return JudgedEstimate(corrected, alone, pairs.n_queries, len(pairs.query_N), int(pairs.is_gold_N.sum()))
