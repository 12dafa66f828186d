"""Propensity-scored precision: what finding a rare item is worth when data misses more of the rare ones.

Jain, Prabhu and Varma, 2016, Extreme multi-label loss functions for recommendation, tagging, ranking and other missing
label applications (KDD), section 4.

Letters: N items, R queries, V relevant pairs.
"""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from bundle.config import Config
from training.metrics import RankArray
from training.ragged import IntArray


class PropensityConfig(Config):
    """Constants of the propensity model. Published fits: (0.6, 2.6) shopping, (0.5, 0.4) encyclopaedia articles."""

    a: float = Field(default=0.55, ge=0, description="How fast the propensity grows with an item's count.")
    b: float = Field(default=1.5, gt=0, description="Count added to every item.")

    def weights(self, count_N: IntArray, n_queries: int) -> NDArray[np.float64]:
        """Inverse propensities [N]: 1 + C (n + b)^-a with C = (log n_queries - 1) (b + 1)^a.

        `count_N`: training queries that each item belongs to, of `n_queries` in all. With fewer than three training
        queries C would be negative; it is 0 then and all items weigh alike.
        """
        c = max(math.log(max(n_queries, 1)) - 1, 0.0) * (self.b + 1) ** self.a
        weight_N: NDArray[np.float64] = 1 + c * (count_N + self.b) ** -self.a
        return weight_N


def psp(
    ranks_V: RankArray, row_V: IntArray, weight_V: NDArray[np.float64], n_rows: int, ks: Sequence[int]
) -> dict[str, float]:
    """psp@k: weights of the relevant items with rank <= k, summed over queries, by the most that k places allow.

    `weight_V` is the inverse propensity of each relevant item. The share is taken of the sums, not query by query, as
    the paper's evaluation does; 1 is the best reachable.
    """
    order_V = np.lexsort((-weight_V, row_V))
    n_R = np.bincount(row_V, minlength=n_rows)
    place_V = np.arange(len(row_V)) - np.repeat(np.cumsum(n_R) - n_R, n_R)
    best_V = weight_V[order_V]
    return {f"psp@{k}": float(weight_V[ranks_V <= k].sum() / best_V[place_V < k].sum()) for k in ks}
