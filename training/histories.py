"""Histories: the items that a query had before a moment.

Letters: H interactions that may stand in histories, T targets, V history values, Q queries.

Order: by timestamp, interactions with equal timestamps by their row; without timestamps by row alone. A history never
holds its target's own row or a later one, so that training cannot read the future of a query.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from training.interactions import Interactions
from training.ragged import BoolArray, IntArray, Ragged, offsets_from_lengths

Ties = Literal["order", "exclude"]


@dataclass(frozen=True)
class Timelines:
    """All queries' history rows behind each other: query by query, in order; `start_Q` says where each begins."""

    rows_H: IntArray
    item_H: IntArray
    query_H: IntArray
    start_Q: IntArray
    interactions: Interactions

    @classmethod
    def of(cls, interactions: Interactions, rows_H: IntArray, n_queries: int) -> "Timelines":
        """Put the given interaction rows in order."""
        order = np.lexsort((rows_H, _moments(interactions)[rows_H], interactions.query_N[rows_H]))
        rows_H = rows_H[order]
        query_H = interactions.query_N[rows_H]
        starts = offsets_from_lengths(np.bincount(query_H, minlength=n_queries).astype(np.int64))
        return cls(rows_H, interactions.item_N[rows_H], query_H, starts, interactions)

    def ends_before(self, rows_T: IntArray, ties: Ties) -> IntArray:
        """Where in the timelines the history of each target row ends, int64 [T].

        `ties = "order"` lets history rows with the target's timestamp but a lower row in; "exclude" does not.
        """
        query, moment = self.interactions.query_N, _moments(self.interactions)
        rows = np.concatenate([rows_T, self.rows_H])
        is_history = np.repeat([False, True], [len(rows_T), len(self.rows_H)])
        place = rows if ties == "order" else np.zeros_like(rows)
        # One sort of targets and histories together; a target stands before the history rows it equals.
        order = np.lexsort((is_history, place, moment[rows], query[rows]))
        end_T = np.empty(len(rows), dtype=np.int64)
        end_T[order] = np.cumsum(is_history[order])
        return end_T[: len(rows_T)]

    def histories(self, query_T: IntArray, end_T: IntArray, limit: int | None = None) -> Ragged:
        """Item rows of each target's history, oldest first; only the last `limit` where a limit is given."""
        start_T = self.start_Q[query_T]
        if limit is not None:
            start_T = np.maximum(start_T, end_T - limit)
        offsets = offsets_from_lengths(end_T - start_T)
        within_V = np.arange(offsets[-1], dtype=np.int64) - np.repeat(offsets[:-1], end_T - start_T)
        return Ragged(offsets, self.item_H[np.repeat(start_T, end_T - start_T) + within_V])

    def had_before(self, query_T: IntArray, item_T: IntArray, end_T: IntArray) -> BoolArray:
        """Whether the query had the item in its history before `end_T`, bool [T]."""
        width = 1 + max(int(self.item_H.max(initial=0)), int(item_T.max(initial=0)))
        pairs, first = np.unique(self.query_H * width + self.item_H, return_index=True)
        if len(pairs) == 0:
            return np.zeros(len(item_T), dtype=np.bool_)
        wanted_T = query_T * width + item_T
        found_T = np.minimum(np.searchsorted(pairs, wanted_T), len(pairs) - 1)
        had: BoolArray = (pairs[found_T] == wanted_T) & (first[found_T] < end_T)
        return had


def _moments(interactions: Interactions) -> IntArray:
    if interactions.timestamp_N is None:
        return np.zeros(len(interactions), dtype=np.int64)
    return interactions.timestamp_N
