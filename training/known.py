"""Known positives: which items each query is known to like.

Letters: B queries of a batch, M candidate items of a batch, P pairs.
"""

from dataclasses import dataclass

import numpy as np

from training.interactions import Interactions
from training.ragged import BoolArray, IntArray, Ragged


@dataclass(frozen=True)
class KnownPositives:
    """For each query row the item rows it is known to like, sorted and without repeats."""

    items: Ragged

    @classmethod
    def from_interactions(cls, query_P: IntArray, item_P: IntArray, n_queries: int) -> "KnownPositives":
        """Collect the pairs (query row, item row); repeats count once."""
        return cls(Ragged.group_unique(query_P, item_P, n_queries))

    def of(self, query_row: int) -> IntArray:
        """The item rows of one query, sorted."""
        return self.items.row(query_row)

    def mask(self, query_rows_B: IntArray, item_rows_M: IntArray) -> BoolArray:
        """True at [b, m] where item `m` is a known positive of query `b`; both may hold repeats."""
        if len(query_rows_B) == 0 or len(item_rows_M) == 0:
            return np.zeros((len(query_rows_B), len(item_rows_M)), dtype=np.bool_)
        item_rows_U, column_M = np.unique(item_rows_M, return_inverse=True)
        known = self.items.take(query_rows_B)
        column_V = np.minimum(np.searchsorted(item_rows_U, known.values_V), len(item_rows_U) - 1)
        in_batch_V = item_rows_U[column_V] == known.values_V
        mask_BU = np.zeros((len(query_rows_B), len(item_rows_U)), dtype=np.bool_)
        mask_BU[known.row_index_V[in_batch_V], column_V[in_batch_V]] = True
        return mask_BU[:, column_M]


def held_out_pairs(interactions: Interactions, n_items: int, fit: IntArray, held: IntArray) -> IntArray:
    """Keys (query row * items + item row), sorted, of pairs that the interactions `held` have and `fit` have not."""
    key_N = interactions.query_N * n_items + interactions.item_N
    keys_P: IntArray = np.setdiff1d(key_N[held], key_N[fit])
    return keys_P
