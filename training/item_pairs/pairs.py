"""Ordered pairs of items with how often each occurred.

Letters: P pairs.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from training.ragged import BoolArray, FloatArray, IntArray


@dataclass(frozen=True)
class ItemPairs:
    """Distinct ordered pairs, sorted: who has `item_P` is asked for `other_P`; item rows, and the count of each."""

    item_P: IntArray
    other_P: IntArray
    count_P: IntArray

    def __len__(self) -> int:
        return len(self.item_P)

    @classmethod
    def together(cls, parts: Sequence["ItemPairs"], n_items: int) -> "ItemPairs":
        """The pairs of all parts; counts of equal pairs add up."""
        none = np.empty(0, dtype=np.int64)
        key = np.concatenate([none, *(part.item_P * n_items + part.other_P for part in parts)])
        count = np.concatenate([none, *(part.count_P for part in parts)])
        key_P, place = np.unique(key, return_inverse=True)
        total_P = np.bincount(place, count, minlength=len(key_P)).astype(np.int64)
        return cls(key_P // n_items, key_P % n_items, total_P)

    def select(self, keep_P: BoolArray) -> "ItemPairs":
        """Only the pairs marked True."""
        return ItemPairs(self.item_P[keep_P], self.other_P[keep_P], self.count_P[keep_P])


def subsampled(pairs: ItemPairs, occurrences_N: IntArray, threshold: float) -> FloatArray:
    """The counts float32 [P] that are left on average when every occurrence of an item is kept by chance.

    An item that is the share f of all occurrences is kept with probability min(1, sqrt(threshold / f)) (Mikolov et al.,
    2013, section 2.3). The expectation instead of a draw: equal data give equal pairs.
    """
    share_N = occurrences_N / max(1, occurrences_N.sum())
    with np.errstate(divide="ignore"):
        keep_N = np.minimum(1.0, np.sqrt(threshold / share_N))
    left_P: FloatArray = (pairs.count_P * keep_N[pairs.item_P] * keep_N[pairs.other_P]).astype(np.float32)
    return left_P
