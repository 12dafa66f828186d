"""The items' embeddings as people look at them: how spread they are, a flat map, and the nearest neighbours.

Letters: N items, D embedding, M mapped items, K neighbours, A items asked for.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from training.metrics import top_k
from training.ragged import FloatArray, IntArray

MAX_ITEMS = 3000


@dataclass(frozen=True)
class EmbeddingMap:
    """Items laid out by their two strongest principal components, and how spread all embeddings are.

    `item_M`: item rows. `place_M2`: their places, each axis signed so that its largest loading is positive.
    `explained`: share of the variance that the map shows. `mean_cosine`: mean cosine of two items; 1 when all point
    one way. `used_dimensions`: participation ratio (sum of variances)^2 / sum of squared variances, 1..D.
    """

    item_M: IntArray
    place_M2: NDArray[np.float64]
    explained: float
    mean_cosine: float
    used_dimensions: float

    @classmethod
    def of(cls, item_ND: FloatArray, most: int = MAX_ITEMS) -> "EmbeddingMap":
        """Principal components by singular values, of at most `most` items, evenly over the rows."""
        rows_M = np.arange(len(item_ND))
        if len(item_ND) > most:
            rows_M = np.linspace(0, len(item_ND) - 1, most).astype(np.int64)
        chosen_MD = item_ND[rows_M].astype(np.float64)
        centred_MD = chosen_MD - chosen_MD.mean(axis=0)
        _, size_D, axes_DD = np.linalg.svd(centred_MD, full_matrices=False)
        axes_2D = axes_DD[:2] * _signs(axes_DD[:2])[:, None]
        place_M2 = np.zeros((len(rows_M), 2))
        place_M2[:, : len(axes_2D)] = centred_MD @ axes_2D.T
        variance_D = size_D**2
        total = float(variance_D.sum())
        explained = float(variance_D[:2].sum()) / total if total > 0 else 0.0
        used = total**2 / float((variance_D**2).sum()) if total > 0 else 0.0
        return cls(rows_M, place_M2, explained, _mean_cosine(chosen_MD), used)


def nearest(item_ND: FloatArray, item_A: IntArray, k: int) -> tuple[IntArray, FloatArray]:
    """The `k` items of highest cosine to each of the given items, without itself: rows and cosines [A, K], best first.

    A zero embedding has cosine 0 to all. Rows are -1 where the catalogue has fewer.
    """
    unit_ND = _unit(item_ND)
    cosine_AN = unit_ND[item_A] @ unit_ND.T
    cosine_AN[np.arange(len(item_A)), item_A] = -np.inf
    near_AK = top_k(cosine_AN, k)
    return near_AK, np.take_along_axis(cosine_AN, np.maximum(near_AK, 0), axis=1)


def _unit(item_ND: FloatArray) -> FloatArray:
    length_N1 = np.linalg.norm(item_ND, axis=1, keepdims=True)
    return (item_ND / np.where(length_N1 > 0, length_N1, 1)).astype(np.float32)


def _mean_cosine(chosen_MD: NDArray[np.float64]) -> float:
    """Over pairs of different items: |sum of unit vectors|^2 holds every pair twice and each item with itself."""
    n = len(chosen_MD)
    unit_MD = _unit(chosen_MD.astype(np.float32)).astype(np.float64)
    own = float((unit_MD**2).sum())
    return (float((unit_MD.sum(axis=0) ** 2).sum()) - own) / (n * (n - 1)) if n > 1 else 0.0


def _signs(axes_2D: NDArray[np.float64]) -> NDArray[np.float64]:
    strongest = np.abs(axes_2D).argmax(axis=1)
    signs: NDArray[np.float64] = np.where(axes_2D[np.arange(len(axes_2D)), strongest] < 0, -1.0, 1.0)
    return signs
