"""In-batch negatives: the targets of the batch serve as each other's negatives.

Axes: M items of the pool, N items of the catalogue, P targets of the batch.
"""

from typing import Literal

import numpy as np

from training.negatives.contract import Negatives, NegativesSettings, Pool, draw_probabilities, merge_pool
from training.ragged import IntArray


class InBatchConfig(NegativesSettings):
    """The targets of the other queries in the batch: free, but drawn by popularity, so use logq."""

    kind: Literal["in_batch"] = "in_batch"

    def build(self, item_counts_N: IntArray) -> Negatives:
        """The sampler for a catalogue whose items are targets that often in training."""
        return InBatch(item_counts_N)


class InBatch:
    """A target that stands n times in the batch counts n times, with Q_j = n_j / sum n (Yi et al., RecSys 2019)."""

    def __init__(self, item_counts_N: IntArray) -> None:
        self._q_N = draw_probabilities(item_counts_N)

    def pool(self, target_rows_P: IntArray, rng: np.random.Generator) -> Pool:
        """The distinct targets of the batch."""
        return merge_pool(target_rows_P, target_rows_P, self._q_N)
