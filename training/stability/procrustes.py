"""The rotation that brings one embedding of the same items nearest to another (Schönemann, Psychometrika 1966).

Axes: N items, D embedding.
"""

import numpy as np

from training.ragged import FloatArray

SAME = 1e-6


def rotation(old_ND: FloatArray, new_ND: FloatArray) -> FloatArray:
    """Orthogonal float32 [D, D] with the least sum of |old R - new|^2; the identity where old and new are the same."""
    if residual(old_ND, new_ND) < SAME:
        return np.eye(old_ND.shape[1], dtype=np.float32)
    left_DD, _, right_DD = np.linalg.svd(old_ND.T.astype(np.float64) @ new_ND)
    rotation_DD: FloatArray = (left_DD @ right_DD).astype(np.float32)
    return rotation_DD


def residual(moved_ND: FloatArray, new_ND: FloatArray) -> float:
    """mean |moved - new|^2 / mean |new - mean new|^2: 0 for the same, from about 1 on nothing in common."""
    spread = np.square(new_ND - new_ND.mean(0)).sum()
    return float(np.square(moved_ND - new_ND).sum() / spread) if spread > 0 else 0.0
