"""Scores of different kinds brought to one scale, so that they can be added. C candidates of one query."""

from typing import Literal

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float32]
ScaleName = Literal["z_score", "min_max"]


def z_score(score_C: FloatArray, in_pool_C: NDArray[np.bool_] | None = None) -> FloatArray:
    """Every score less the mean of the pool, by the pool's standard deviation; 0 where all of the pool score alike.

    The pool is all candidates where none is given.
    """
    pool = (score_C if in_pool_C is None else score_C[in_pool_C]).astype(np.float64)
    if not len(pool) or pool.min() == pool.max():  # the deviation of equal numbers may round to more than 0
        return np.zeros_like(score_C)
    scaled_C: FloatArray = ((score_C - pool.mean()) / pool.std()).astype(np.float32)
    return scaled_C


def min_max(score_C: FloatArray) -> FloatArray:
    """Every score between 0, the least, and 1, the largest; 0 where all are alike."""
    if not len(score_C) or score_C.min() == score_C.max():
        return np.zeros_like(score_C)
    score_C = score_C.astype(np.float64)
    scaled_C: FloatArray = ((score_C - score_C.min()) / (score_C.max() - score_C.min())).astype(np.float32)
    return scaled_C


def scaled(score_C: FloatArray, scale: ScaleName) -> FloatArray:
    """The scores on the scale of this name, over all of them."""
    return z_score(score_C) if scale == "z_score" else min_max(score_C)
