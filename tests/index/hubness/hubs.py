"""Queries and items with hubs in them: all queries are shifted to one side, and the items there are near to all."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from index.hubness.asking import Asking
from index.hubness.bank import NO_ROW

FloatArray = NDArray[np.float32]


@dataclass(frozen=True)
class Shifted:
    """Unit vectors; query q is to find the item `positives_Q[q]`."""

    items_ND: FloatArray
    queries_QD: FloatArray
    positives_Q: NDArray[np.int64]

    def asking(self, with_positives: bool = True) -> Asking:
        nowhere = np.full(len(self.queries_QD), NO_ROW)
        return Asking(self.queries_QD, nowhere, self.positives_Q if with_positives else nowhere, "table")


def shifted(n_items: int = 600, n_queries: int = 1_200, dimension: int = 24, shift: float = 1.2) -> Shifted:
    rng = np.random.default_rng(0)
    items_ND = rng.normal(size=(n_items, dimension)) / np.sqrt(dimension)
    direction_D = rng.normal(size=dimension) / np.sqrt(dimension)
    positives_Q = rng.integers(0, n_items, n_queries)
    noise_QD = rng.normal(size=(n_queries, dimension)) / np.sqrt(dimension)
    queries_QD = items_ND[positives_Q] + 0.5 * noise_QD + shift * direction_D
    return Shifted(unit(items_ND), unit(queries_QD), positives_Q)


def unit(vectors: NDArray[np.float64]) -> FloatArray:
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), dtype=np.float32)
