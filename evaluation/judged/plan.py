"""How many gold labels an interval takes, and the draw of them.

The chance of a pair grows with what its error adds: its weight times how far off the judges are expected to be
(Neyman allocation); nothing is left without a chance, which the estimate divides by.

N pairs, Q queries.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from evaluation.judged.design_based import Scope, corrected_gains, error_of_labels
from evaluation.judged.pairs import LEAST_GOLD, BoolArray, FloatArray, JudgedPairs
from evaluation.judged.surrogate import predicted_gains, squared_errors
from evaluation.normal_estimate import LEVEL, z_value

CHANCE_FLOOR = 0.02


@dataclass(frozen=True)
class LabelPlan:
    """What an interval of ± `half_width` takes.

    `n_gold`: labels to draw among these queries; None where even all labels leave a wider interval, because the
    queries themselves differ that much. `n_queries`: how many queries it then takes, every pair of them labelled;
    unset otherwise. `best_half_width`: the interval with every pair of these queries labelled.
    """

    half_width: float
    n_gold: int | None
    n_queries: int | None
    best_half_width: float


def plan_labels(
    pilot: JudgedPairs,
    weight_N: FloatArray,
    half_width: float,
    *,
    scope: Scope = "queries_like_these",
    level: float = LEVEL,
    seed: int = 0,
) -> LabelPlan:
    """The least number of labels, drawn by `label_chances`, whose interval is expected to be ± `half_width`.

    `pilot` holds a first draw of labels, from which the judges' errors are learned. Raises TooFewLabels; ValueError
    for a width that is not above zero.
    """
    if half_width <= 0:
        raise ValueError(f"half_width is {half_width}, but must be above 0")
    pilot.check_labels()
    predicted_N = predicted_gains(pilot, seed)
    error_N = squared_errors(pilot, predicted_N)
    of_queries = _variance_of_queries(pilot, weight_N, predicted_N) if scope == "queries_like_these" else 0.0
    z = z_value(level)

    def reach(n_gold: int) -> float:
        chance_N = label_chances(weight_N, error_N, n_gold)
        of_labels = float((weight_N**2 * error_N * (1 - chance_N) / chance_N).sum()) / pilot.n_queries**2
        return z * math.sqrt(of_queries + of_labels)

    n_pairs = len(weight_N)
    best = reach(n_pairs)
    if best > half_width:
        queries = int(np.ceil(pilot.n_queries * (best / half_width) ** 2)) if of_queries else None
        return LabelPlan(half_width, None, queries, best)
    low, high = LEAST_GOLD, n_pairs
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if reach(middle) <= half_width else (middle + 1, high)
    return LabelPlan(half_width, low, None, best)


def label_chances(weight_N: FloatArray, squared_error_N: FloatArray, n_gold: int) -> FloatArray:
    """Chances [N] with which pairs are to be labelled so that about `n_gold` are, in (0, 1].

    Proportional to |weight| x expected error where that stays below 1, and nowhere under CHANCE_FLOOR of the mean
    chance.
    """
    n_pairs = len(weight_N)
    if n_gold >= n_pairs:
        return np.ones(n_pairs)
    size_N = np.abs(weight_N) * np.sqrt(squared_error_N)
    size_N = np.maximum(size_N, CHANCE_FLOOR * max(float(size_N.mean()), np.finfo(np.float64).tiny))
    is_sure_N = np.zeros(n_pairs, dtype=bool)
    chance_N = np.ones(n_pairs)
    for _ in range(n_pairs):  # those that would get more than 1 are certain, and the rest share what is left
        left = n_gold - int(is_sure_N.sum())
        chance_N = np.where(is_sure_N, 1.0, left * size_N / size_N[~is_sure_N].sum())
        above_N = chance_N > 1
        if not above_N.any():
            break
        is_sure_N |= above_N
    return np.maximum(chance_N, CHANCE_FLOOR * n_gold / n_pairs)


def draw_labels(chance_N: FloatArray, seed: int | Sequence[int]) -> BoolArray:
    """Which pairs [N] to label: each by its own chance, independently of the others."""
    drawn_N: BoolArray = np.random.default_rng(seed).random(len(chance_N)) < chance_N
    return drawn_N


def _variance_of_queries(pilot: JudgedPairs, weight_N: FloatArray, predicted_N: FloatArray) -> float:
    """Variance of the mean over queries if every pair were labelled: what the draw of labels adds is taken off."""
    value_N = weight_N * corrected_gains(pilot, predicted_N)
    total_Q = np.bincount(pilot.query_N, weights=value_N, minlength=pilot.n_queries)
    added = error_of_labels(pilot, weight_N, predicted_N) ** 2
    return max(0.0, float(total_Q.var(ddof=1)) / pilot.n_queries - added)
