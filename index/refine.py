"""Exact order of the candidates that codes found.

B queries, R candidates of a query, K hits, D embedding, N corpus.
"""

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float32]
IntArray = NDArray[np.int64]

# Vectors are read this many at a time, so that a deep search of a mapped file does not copy the file.
ROWS_AT_A_TIME = 8_192


def refine(query_BD: FloatArray, rows_BR: IntArray, vectors_ND: FloatArray, k: int) -> tuple[FloatArray, IntArray]:
    """The k best of each query's candidates by inner product, best first, equal ones in row order; R is at least k.

    A candidate of -1 is padding; it comes last, with the score minus infinity.
    """
    best = [_best(query_D, rows_R, vectors_ND, k) for query_D, rows_R in zip(query_BD, rows_BR, strict=True)]
    scores_BK = np.array([scores_K for scores_K, _ in best], dtype=np.float32).reshape(len(best), k)
    return scores_BK, np.array([rows_K for _, rows_K in best], dtype=np.int64).reshape(len(best), k)


def _best(query_D: FloatArray, rows_R: IntArray, vectors_ND: FloatArray, k: int) -> tuple[FloatArray, IntArray]:
    row_R = np.sort(rows_R)  # a mapped file is read fastest in its own order
    row_R = np.concatenate([row_R[row_R >= 0], row_R[row_R < 0]])
    n_rows = int((row_R >= 0).sum())
    score_R = np.full(len(row_R), -np.inf, dtype=np.float32)
    for start in range(0, n_rows, ROWS_AT_A_TIME):
        part = slice(start, min(start + ROWS_AT_A_TIME, n_rows))
        score_R[part] = vectors_ND[row_R[part]] @ query_D
    order_K = np.argsort(-score_R, kind="stable")[:k]
    return score_R[order_K], row_R[order_K]
