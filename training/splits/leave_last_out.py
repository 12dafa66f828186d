"""Leave-last-out: each query's last interaction is test, the one before it validation, the rest train."""

from typing import Literal

import numpy as np
from pydantic import Field

from bundle.config import Config
from training.dataset import Dataset
from training.errors import BadSplit
from training.ragged import IntArray
from training.splits.contract import Split


class LeaveLastOutSplit(Config):
    """Per query the last interaction tests and the second last validates.

    Tie rule: interactions are ordered by timestamp, those with equal timestamps by their row in the table. Queries with
    fewer than `min_interactions` train only.
    """

    kind: Literal["leave_last_out"] = "leave_last_out"
    min_interactions: int = Field(
        default=3, ge=3, description="Queries with fewer interactions than this stay wholly in train."
    )

    def split(self, dataset: Dataset) -> Split:
        """Cut each query's history at its end; BadSplit without timestamps or when no query is long enough."""
        interactions = dataset.interactions
        if interactions.timestamp_N is None:
            raise BadSplit("the split 'leave_last_out' needs a column 'timestamp' in the interactions table")
        from_end_N, count_N = positions_from_end(interactions.query_N, interactions.timestamp_N)
        long_N = count_N >= self.min_interactions
        test_N = long_N & (from_end_N == 0)
        validation_N = long_N & (from_end_N == 1)
        return Split.from_masks(~(test_N | validation_N), validation_N, test_N, made_by="leave_last_out")


def positions_from_end(query_N: IntArray, time_N: IntArray) -> tuple[IntArray, IntArray]:
    """For each interaction its place counted from its query's end (0 = last), and its query's number of interactions.

    Order: timestamp, then row.
    """
    count_Q = np.bincount(query_N) if len(query_N) else np.zeros(0, dtype=np.int64)
    end_Q = np.cumsum(count_Q)
    order = np.lexsort((time_N, query_N))  # a stable sort: equal keys stay in row order
    from_end_N = np.empty(len(query_N), dtype=np.int64)
    from_end_N[order] = end_Q[query_N[order]] - 1 - np.arange(len(query_N))
    return from_end_N, count_Q[query_N].astype(np.int64)
