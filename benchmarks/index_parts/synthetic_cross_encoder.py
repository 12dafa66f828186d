"""A cross-encoder made of numbers: a bounded function of a product of low rank, and noise.

N corpus, Q queries, R rank, D what a dual encoder sees of the rank.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from index.cur.paid_scores import FloatArray, IntArray, Scorer

Float64Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class OracleScores:
    """Scores of anchor queries and of test queries for all items; a dual encoder ranks by the first axes alone."""

    anchor_NQ: Float64Array
    test_TN: Float64Array
    anchor_dual_NQ: Float64Array
    dual_TN: Float64Array

    def scorer(self, t: int) -> Scorer:
        """The cross-encoder of one test query."""

        def score(rows_M: IntArray) -> FloatArray:
            scores_M: FloatArray = self.test_TN[t, rows_M].astype(np.float32)
            return scores_M

        return score


def synthetic_scores(
    n_items: int, n_anchors: int, n_tests: int, rank: int, *, noise: float = 0.0, bounded: bool = False, seed: int = 0
) -> OracleScores:
    """Axes of a power-law spectrum; a dual encoder sees the first two fifths of them."""
    rng = np.random.default_rng(seed)
    strength_R = (1 + np.arange(rank)) ** -0.5
    item_NR = rng.standard_normal((n_items, rank)) * strength_R
    query_QR = rng.standard_normal((n_anchors + n_tests, rank))
    score_QN = query_QR @ item_NR.T / np.sqrt((strength_R**2).sum())
    if bounded:
        score_QN = 4 * np.tanh(score_QN / 2)  # without the half the best items would all be as good as 4
    score_QN += noise * rng.standard_normal(score_QN.shape)
    seen = max(1, rank * 2 // 5)
    dual_QN = query_QR[:, :seen] @ item_NR[:, :seen].T
    return OracleScores(score_QN[:n_anchors].T, score_QN[n_anchors:], dual_QN[:n_anchors].T, dual_QN[n_anchors:])
