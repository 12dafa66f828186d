"""Uniform negatives: items of the catalogue, each as likely as the other.

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


class UniformConfig(NegativesSettings):
    """Items drawn uniformly from the catalogue, shared by the queries of a batch."""

    kind: Literal["uniform"] = "uniform"
    n: int = Field(default=1024, ge=1, description="Items drawn for each batch, all different.")
    in_batch: bool = Field(default=False, description="Whether the targets of the other queries are negatives too.")

    def build(self, item_counts_N: IntArray) -> Negatives:
        """The sampler for a catalogue whose items are targets that often in training."""
        return Uniform(item_counts_N, self.n, self.in_batch)


class Uniform:
    """`n` different items a batch; with `in_batch`, Q is the mixture of both sources (Yang et al., WWW 2020)."""

    def __init__(self, item_counts_N: IntArray, n: int, in_batch: bool) -> None:
        self._size = len(item_counts_N)
        self._n = min(n, self._size)
        self._popularity_N = draw_probabilities(item_counts_N) if in_batch else None

    def pool(self, target_rows_P: IntArray, rng: np.random.Generator) -> Pool:
        """The drawn items and the targets of the batch."""
        drawn = rng.choice(self._size, self._n, replace=False)
        if self._popularity_N is None:
            return merge_pool(target_rows_P, drawn, None)
        uniform_N = np.full(self._size, 1 / self._size)
        q_N = mixture(self._popularity_N, uniform_N, len(target_rows_P), self._n)
        return merge_pool(target_rows_P, np.concatenate([target_rows_P, drawn]), q_N)
