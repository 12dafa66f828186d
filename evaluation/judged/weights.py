"""How much a pair's gain counts in a query's measure: what makes ranking measures sums over pairs.

N pairs.
"""

import numpy as np

from bundle.errors import ConfigError
from evaluation.judged.pairs import FloatArray, IntArray

LINEAR = ("dcg", "precision", "hits")


def rank_weights(measure: str, k: int, rank_N: IntArray) -> FloatArray:
    """Weights [N] of the pairs at these ranks (from 1; 0 for a pair that the ranking does not hold) in measure@k.

    dcg: 1 / log2(rank + 1). precision: 1 / k. hits: 1. All are 0 beyond rank k. Raises ConfigError for a measure that
    is no such sum.
    """
    inside_N = (rank_N >= 1) & (rank_N <= k)
    if measure == "dcg":
        return np.where(inside_N, 1 / np.log2(np.maximum(rank_N, 1) + 1.0), 0.0)
    if measure == "precision":
        return np.where(inside_N, 1.0 / k, 0.0)
    if measure == "hits":
        return inside_N.astype(np.float64)
    raise ConfigError(
        f"'{measure}' is no weighted sum of gains, so it cannot be corrected pair by pair; take one of "
        f"{', '.join(LINEAR)} or recall",
        measure=measure,
    )
