"""Hubness: items that stand in the hits of very many queries, and those that stand in none.

Radovanović, Nanopoulos and Ivanović, 2010, Hubs in space: popular nearest neighbours in high-dimensional data (JMLR).
Measured of towers when they are trained, and of a corpus when its index is built.

Letters: N items, R queries, K places of a list.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

IntArray = NDArray[np.int64]
K = 10


@dataclass(frozen=True)
class Hubness:
    """How often each item is among the first hits of a query.

    `occurrence_N`: the item's k-occurrence. `hub`: the item row that occurs most, of equals the lowest.
    """

    occurrence_N: IntArray
    n_queries: int

    @classmethod
    def of(cls, items_RK: IntArray, n_items: int) -> "Hubness":
        """Count the hits of R queries; -1 is no hit."""
        counted = np.bincount(items_RK[items_RK >= 0], minlength=n_items).astype(np.int64)
        return cls(counted, len(items_RK))

    @property
    def skew(self) -> float:
        """Skewness of the k-occurrence; see `skewness`."""
        return skewness(self.occurrence_N)

    @property
    def never(self) -> float:
        """Share of the items that no query is shown, the anti-hubs."""
        return float((self.occurrence_N == 0).mean())

    @property
    def robin_hood(self) -> float:
        """Share of all places that would have to change hands for every item to occur alike; 0 without any hits."""
        away_N = np.abs(self.occurrence_N - self.occurrence_N.mean())
        return float(away_N.sum() / max(1, 2 * int(self.occurrence_N.sum())))

    @property
    def hub(self) -> int:
        """The item that occurs most."""
        return int(np.argmax(self.occurrence_N))

    @property
    def hub_share(self) -> float:
        """Share of the queries that are shown the hub."""
        return float(self.occurrence_N[self.hub] / self.n_queries)


def skewness(count_N: IntArray) -> float:
    """Third standardised moment E[(x - mean)^3] / sd^3 over all items; 0 when all counts are equal."""
    away_N: NDArray[np.float64] = count_N - count_N.mean()
    deviation = float(np.sqrt(np.mean(away_N**2)))
    return float(np.mean(away_N**3)) / deviation**3 if deviation > 0 else 0.0
