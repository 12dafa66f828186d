"""Adds all rows of a possibly memory-mapped matrix to a faiss index.

N corpus, D embedding.
"""

import faiss
import numpy as np
from numpy.typing import NDArray

ROWS_AT_A_TIME = 65_536


def add_rows(index: faiss.Index, vectors_ND: NDArray[np.float32]) -> None:
    """Add the rows in order, a bounded number at a time, so that a mapped matrix never lies in memory twice."""
    for start in range(0, len(vectors_ND), ROWS_AT_A_TIME):
        index.add(np.ascontiguousarray(vectors_ND[start : start + ROWS_AT_A_TIME]))
