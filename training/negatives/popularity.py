"""Popularity negatives: items drawn as often as training saw them, to a power.

Axes: M items of the pool, N items of the catalogue, P targets of the batch.
"""

from typing import Literal

import numpy as np
from pydantic import Field

from training.negatives.contract import (
    Negatives,
    NegativesSettings,
    Pool,
    draw_probabilities,
    merge_pool,
    mixture,
)
from training.ragged import IntArray


class PopularityConfig(NegativesSettings):
    """Items drawn with replacement in proportion to count ** power, shared by the queries of a batch."""

    kind: Literal["popularity"] = "popularity"
    n: int = Field(default=1024, ge=1, description="Draws for each batch, with replacement.")
    power: float = Field(
        default=1.0,
        ge=-1,
        le=2,
        description="Exponent of the count; 0 is uniform over items seen in training, less than 0 prefers rare ones.",
    )
    in_batch: bool = Field(default=False, description="Whether the targets of the other queries are negatives too.")

    def build(self, item_counts_N: IntArray) -> Negatives:
        """The sampler for a catalogue whose items are targets that often in training."""
        return Popularity(item_counts_N, self.n, self.power, self.in_batch)


class Popularity:
    """`n` draws a batch; with `in_batch`, Q is the mixture of the draws and the targets."""

    def __init__(self, item_counts_N: IntArray, n: int, power: float, in_batch: bool) -> None:
        self._n = n
        self._q_N = draw_probabilities(item_counts_N, power)
        self._batch_q_N = draw_probabilities(item_counts_N) if in_batch else None

    def pool(self, target_rows_P: IntArray, rng: np.random.Generator) -> Pool:
        """The drawn items and the targets of the batch."""
        drawn = rng.choice(len(self._q_N), self._n, p=self._q_N)
        if self._batch_q_N is None:
            return merge_pool(target_rows_P, drawn, self._q_N)
        q_N = mixture(self._batch_q_N, self._q_N, len(target_rows_P), self._n)
        return merge_pool(target_rows_P, np.concatenate([target_rows_P, drawn]), q_N)
