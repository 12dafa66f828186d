"""Index recall of real searches: some are repeated exactly, in spare time; those that come meanwhile pass by unchecked.

B queries, D embedding, K hits.
"""

from collections import deque
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from index.agreement import agreement
from service.estimate import Estimate, estimate
from service.spare_time import SpareTime

WINDOW = 1_000


class Searched(NamedTuple):
    """One search that was answered."""

    collection: str
    index_version: str
    vectors_ND: NDArray[np.float32]
    query_D: NDArray[np.float32]
    row_K: NDArray[np.int64]
    own_row: int | None


class LiveRecall(SpareTime[Searched]):
    """Checks searches of all collections; `on_estimate` hears of a collection's estimate after every check."""

    def __init__(self, core_share: float, on_estimate: Callable[[str, Estimate], None]) -> None:
        """`core_share`: how much of one core checking may take; 0 checks nothing."""
        super().__init__("live-recall", core_share, self._check)
        self._on_estimate = on_estimate
        self._windows: dict[str, tuple[str, deque[float]]] = {}

    def _check(self, searched: Searched) -> None:
        version, window = self._windows.get(searched.collection, ("", deque[float]()))
        if version != searched.index_version:  # what another version found says nothing of this one
            window = deque(maxlen=WINDOW)
            self._windows[searched.collection] = (searched.index_version, window)
        window.append(agreement(searched.vectors_ND, searched.query_D, searched.row_K, searched.own_row))
        self._on_estimate(searched.collection, estimate(window))
