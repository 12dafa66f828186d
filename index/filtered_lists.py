"""Which inverted lists hold the rows that a filter allows, so that the others need not be probed.

N corpus.
"""

import threading
from dataclasses import dataclass
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from index.allowed_rows import AllowedRows
from index.device import CpuIndex
from index.filter_plan import Coverage


@dataclass(frozen=True, eq=False)
class HoldingLists:
    """The lists that hold allowed rows, as a bitmap of list numbers, and how much of the corpus that is."""

    bits: NDArray[np.uint8]
    coverage: Coverage


class FilteredLists:
    """The lists of one index by allowed rows; safe to call from many threads at once."""

    def __init__(self, placed: CpuIndex, n_rows: int) -> None:
        self._placed = placed
        self._n_rows = n_rows
        self._lock = threading.Lock()
        self._list_N: NDArray[np.int32] | None = None
        # Lives as long as the rows do in the cache of filters.
        self._holding: WeakKeyDictionary[AllowedRows, HoldingLists] = WeakKeyDictionary()

    def holding(self, allowed: AllowedRows) -> HoldingLists:
        """The lists that hold any of the rows; raises VersionClosed."""
        with self._lock:
            found = self._holding.get(allowed)
            if found is not None:
                return found
            if self._list_N is None:  # read at the first filter: a version that sees none does without
                self._list_N = self._placed.list_of_each_row(self._n_rows)
        n_in_list = np.bincount(self._list_N)
        n_allowed = np.bincount(self._list_N[allowed.rows()], minlength=len(n_in_list))
        holds = n_allowed > 0
        others = n_allowed * (n_allowed - 1) / np.maximum(n_in_list - 1, 1)
        coverage = Coverage(
            int(holds.sum()),
            int(n_in_list[holds].sum()),
            int((n_in_list > 0).sum()),
            float(others.sum()) / allowed.count,
        )
        made = HoldingLists(np.packbits(holds, bitorder="little"), coverage)
        with self._lock:
            return self._holding.setdefault(allowed, made)
