"""The cross-encoder's scores of one query, counted.

A rows scored so far, M rows of a call, K hits.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float32]
IntArray = NDArray[np.int64]
Scorer = Callable[[IntArray], FloatArray]
"""Rows int64 [M] to the scores [M] of one query; a row's score depends on that row alone."""


class PaidScores:
    """Scores that were paid for: a row is scored once, and never more rows than `budget`."""

    def __init__(self, scorer: Scorer, budget: int) -> None:
        self._scorer = scorer
        self._budget = budget
        self.rows_A: IntArray = np.empty(0, dtype=np.int64)
        self.scores_A: FloatArray = np.empty(0, dtype=np.float32)

    @property
    def calls(self) -> int:
        """Pairs that the cross-encoder has scored."""
        return len(self.rows_A)

    @property
    def left(self) -> int:
        """Pairs that it may still score."""
        return self._budget - self.calls

    def pay(self, rows_M: IntArray) -> FloatArray:
        """The scores [M] of distinct rows; ValueError for a row paid before, or more rows than are left."""
        if len(rows_M) > self.left:
            raise ValueError(f"{len(rows_M)} more calls of the cross-encoder, but the budget has {self.left} left")
        if len(np.unique(np.concatenate([self.rows_A, rows_M]))) < self.calls + len(rows_M):
            raise ValueError("a row would be scored twice by the cross-encoder")
        scores_M = np.asarray(self._scorer(rows_M), dtype=np.float32)
        self.rows_A = np.concatenate([self.rows_A, rows_M])
        self.scores_A = np.concatenate([self.scores_A, scores_M])
        return scores_M

    def best(self, depth: int) -> tuple[FloatArray, IntArray]:
        """Scores and rows of the `depth` best scored rows; equal scores stand in the order of their rows."""
        order_A = np.lexsort((self.rows_A, -self.scores_A))[:depth]
        return self.scores_A[order_A], self.rows_A[order_A]
