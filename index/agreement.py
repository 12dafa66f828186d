"""How far the hits of one search agree with exact search, told afterwards from the vectors alone.

N corpus, D embedding, K hits.
"""

import numpy as np
from numpy.typing import NDArray

from index.recall import SCORE_TOLERANCE

ROWS_AT_A_TIME = 65_536
FloatArray = NDArray[np.float32]


def agreement(vectors_ND: FloatArray, query_D: FloatArray, row_K: NDArray[np.int64], own_row: int | None) -> float:
    """Share of the K exactly best rows that `row_K` holds; equal scores count as agreement, `own_row` takes no part."""
    if not len(row_K):
        return 1.0
    best = np.empty(0, dtype=np.float32)
    for start in range(0, len(vectors_ND), ROWS_AT_A_TIME):  # a block at a time, so that a mapped corpus stays mapped
        score_N = vectors_ND[start : start + ROWS_AT_A_TIME] @ query_D
        if own_row is not None and start <= own_row < start + len(score_N):
            score_N[own_row - start] = -np.inf
        best = np.sort(np.concatenate([best, score_N]))[-len(row_K) :]
    enough = best[0] - SCORE_TOLERANCE * max(1.0, abs(float(best[0])))
    return float((vectors_ND[row_K] @ query_D >= enough).mean())
