"""Batches: which examples, which pool of items, and what may compete with what.

Axes: B queries of the batch, M items of the pool, N examples, P targets of the batch.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from bundle.columns import EncodedRecords
from training.examples import Examples
from training.known import KnownPositives
from training.negatives import Negatives, Pool
from training.ragged import IntArray


@dataclass(frozen=True)
class Batch:
    """Arrays for both towers in feature order, and the masks of the loss, on the device of the model."""

    query_arrays: list[Tensor]
    item_arrays: list[Tensor]
    positive_BM: Tensor
    valid_BM: Tensor
    draws_M: Tensor
    logq_M: Tensor | None
    weight_B: Tensor


class Batches:
    """Deals the examples in a new order each epoch; all randomness comes from the generator handed in."""

    def __init__(
        self,
        examples: Examples,
        items: EncodedRecords,
        negatives: Negatives,
        batch_size: int,
        device: torch.device,
        known: KnownPositives | None = None,
    ) -> None:
        """`known`: positives to keep out of the negatives of their query; None leaves them in."""
        self._examples = examples
        self._items = items
        self._negatives = negatives
        self._batch_size = batch_size
        self._device = device
        self._known = known
        self._whole: list[Tensor] | None = None

    def __len__(self) -> int:
        """Batches an epoch."""
        return -(-len(self._examples) // self._batch_size)

    def epoch(self, rng: np.random.Generator) -> Iterator[Batch]:
        """All examples once; the last batch may be smaller."""
        order_N = rng.permutation(len(self._examples))
        for start in range(0, len(order_N), self._batch_size):
            yield self._batch(order_N[start : start + self._batch_size], rng)

    def _batch(self, rows_B: IntArray, rng: np.random.Generator) -> Batch:
        targets = self._examples.targets.take(rows_B)
        pool = self._negatives.pool(targets.values_V, rng)
        positive_BM = np.zeros((len(rows_B), len(pool.item_rows_M)), dtype=np.bool_)
        positive = targets.row_index_V, np.searchsorted(pool.item_rows_M, targets.values_V)
        positive_BM[positive] = True
        valid_BM = np.ones_like(positive_BM)
        if self._known is not None:
            known = self._known.items.take(self._examples.query_rows_N[rows_B])
            column_V = np.searchsorted(pool.item_rows_M, known.values_V)
            in_pool_V = np.append(pool.item_rows_M, -1)[column_V] == known.values_V
            valid_BM[known.row_index_V[in_pool_V], column_V[in_pool_V]] = False
        valid_BM[positive] = True
        return Batch(
            query_arrays=self._tensors(self._examples.encoded, rows_B),
            item_arrays=self._item_arrays(pool),
            positive_BM=torch.from_numpy(positive_BM).to(self._device),
            valid_BM=torch.from_numpy(valid_BM).to(self._device),
            draws_M=torch.from_numpy(pool.draws_M).to(self._device),
            logq_M=None if pool.logq_M is None else torch.from_numpy(pool.logq_M).to(self._device),
            weight_B=torch.from_numpy(self._examples.weight_N[rows_B]).to(self._device),
        )

    def _item_arrays(self, pool: Pool) -> list[Tensor]:
        if len(pool.item_rows_M) < len(self._items):
            return self._tensors(self._items, pool.item_rows_M)
        if self._whole is None:  # the whole catalogue looks the same in every batch
            self._whole = self._tensors(self._items, pool.item_rows_M)
        return self._whole

    def _tensors(self, records: EncodedRecords, rows: IntArray) -> list[Tensor]:
        return [torch.from_numpy(array).to(self._device) for array in records.batch(rows).values()]
