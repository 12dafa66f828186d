"""Batches: which examples, which pool of items, and what may compete with what.

Axes: B queries of the batch, M items of the pool, N examples, P targets of the batch, V pairs of the batch.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from bundle.columns import Array, EncodedRecords
from training.candidates import Candidates, draw
from training.examples import Examples
from training.known import KnownPositives
from training.negatives import Negatives, Pool
from training.negatives.contract import with_certain
from training.objectives import LossInput
from training.ragged import FloatArray, IntArray, Ragged


class Records(Protocol):
    """Encoded records of which a batch takes some."""

    def batch(self, rows: IntArray | None = None) -> dict[str, Array]:
        """Padded arrays of the given rows, in feature order."""


@dataclass(frozen=True)
class Batch:
    """Arrays for both towers in feature order, and the masks of the loss, on the device of the model.

    `rows_B` are the examples, `query_rows_B` their rows in the dataset and `item_rows_M` the pool's in the catalogue;
    `targets` holds the item rows of each example's targets. See LossInput for the rest.
    """

    rows_B: IntArray
    query_rows_B: IntArray
    item_rows_M: IntArray
    targets: Ragged
    query_arrays: list[Tensor]
    item_arrays: list[Tensor]
    positive_BM: Tensor
    valid_BM: Tensor
    draws_M: Tensor
    logq_M: Tensor | None
    weight_B: Tensor
    grade_BM: Tensor
    teacher_BM: Tensor | None
    count_M: Tensor
    certain_M: Tensor | None = None

    def loss_input(self, query_BD: Tensor, item_MD: Tensor) -> LossInput:
        """What an objective reads of this batch, with these embeddings of its queries and pool."""
        return LossInput(
            query_BD=query_BD,
            item_MD=item_MD,
            positive_BM=self.positive_BM,
            valid_BM=self.valid_BM,
            draws_M=self.draws_M,
            logq_M=self.logq_M,
            weight_B=self.weight_B,
            grade_BM=self.grade_BM,
            teacher_BM=self.teacher_BM,
            count_M=self.count_M,
            certain_M=self.certain_M,
        )


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
        positives: int | None = None,
    ) -> None:
        """`known`: positives to keep out of the negatives of their query; None leaves them in.

        `positives`: targets drawn for an example that has more; all when None.
        """
        self.examples = examples
        self.items = items
        self.known = known
        self._negatives = negatives
        self._batch_size = batch_size
        self._device = device
        self._positives = positives
        self._count_N = np.bincount(examples.targets.values_V, minlength=len(items))
        self._whole: list[Tensor] | None = None
        self._candidates: Candidates | None = None
        self._weight_N = examples.weight_N

    def __len__(self) -> int:
        """Batches an epoch."""
        return -(-len(self.examples) // self._batch_size)

    def set_candidates(self, candidates: Candidates | None) -> None:
        """Let these items join the pools from now on."""
        self._candidates = candidates

    def set_weights(self, weight_N: FloatArray | None) -> None:
        """Weigh the examples by this, on top of their own weights; None weighs them by their own alone."""
        own_N = self.examples.weight_N
        self._weight_N = own_N if weight_N is None else (own_N * weight_N).astype(np.float32)

    def epoch(self, rng: np.random.Generator) -> Iterator[Batch]:
        """All examples once; the last batch may be smaller."""
        order_N = rng.permutation(len(self.examples))
        for start in range(0, len(order_N), self._batch_size):
            yield self.batch(order_N[start : start + self._batch_size], rng)

    def batch(self, rows_B: IntArray, rng: np.random.Generator) -> Batch:
        """The batch of these examples."""
        targets, grade_V = self._targets(rows_B, rng)
        query_rows_B = self.examples.query_rows_N[rows_B]
        pool = self._negatives.pool(targets.values_V, rng)
        chosen = self._chosen(query_rows_B, rng)
        if chosen is not None:
            pool = with_certain(pool, chosen.values_V)
        logq_M = pool.logq_M
        positive = targets.row_index_V, np.searchsorted(pool.item_rows_M, targets.values_V)
        positive_BM = np.zeros((len(rows_B), len(pool.item_rows_M)), dtype=np.bool_)
        positive_BM[positive] = True
        grade_BM = np.zeros(positive_BM.shape, dtype=np.float32)
        grade_BM[positive] = grade_V
        valid_BM = self._valid(rows_B, query_rows_B, pool)
        valid_BM[positive] = True
        return Batch(
            rows_B=rows_B,
            query_rows_B=query_rows_B,
            item_rows_M=pool.item_rows_M,
            targets=targets,
            query_arrays=self._tensors(self.examples.encoded, rows_B),
            item_arrays=self._item_arrays(pool),
            positive_BM=self._put(positive_BM),
            valid_BM=self._put(valid_BM),
            draws_M=self._put(pool.draws_M),
            logq_M=None if logq_M is None else self._put(logq_M),
            weight_B=self._put(self._weight_N[rows_B]),
            grade_BM=self._put(grade_BM),
            teacher_BM=self._teacher(query_rows_B, pool, targets, chosen),
            count_M=self._put(self._count_N[pool.item_rows_M]),
            certain_M=None if pool.certain_M is None else self._put(pool.certain_M),
        )

    def _targets(self, rows_B: IntArray, rng: np.random.Generator) -> tuple[Ragged, FloatArray]:
        all_targets = self.examples.targets
        targets = all_targets.take(rows_B)
        grade_V = self.examples.grade_V[all_targets.places(rows_B)]
        if self._positives is None or int(targets.lengths.max(initial=0)) <= self._positives:
            return targets, grade_V
        kept_V = draw(targets, self._positives, rng, grade_V)
        keep_V = np.zeros(len(grade_V), dtype=np.bool_)
        keep_V[kept_V] = True
        return targets.select(keep_V), grade_V[keep_V]

    def _valid(self, rows_B: IntArray, query_rows_B: IntArray, pool: Pool) -> np.ndarray:
        """False at known positives, and at targets of the example that were not drawn: neither is a negative."""
        valid_BM = np.ones((len(rows_B), len(pool.item_rows_M)), dtype=np.bool_)
        excluded = [] if self._positives is None else [self.examples.targets.take(rows_B)]
        if self.known is not None:
            excluded.append(self.known.items.take(query_rows_B))
        for pairs in excluded:
            column_V = np.searchsorted(pool.item_rows_M, pairs.values_V)
            in_pool_V = np.append(pool.item_rows_M, -1)[column_V] == pairs.values_V
            valid_BM[pairs.row_index_V[in_pool_V], column_V[in_pool_V]] = False
        return valid_BM

    def _chosen(self, query_rows_B: IntArray, rng: np.random.Generator) -> Ragged | None:
        """The candidates of this step, by example."""
        if self._candidates is None:
            return None
        items = self._candidates.items.take(query_rows_B)
        keep_V = np.zeros(len(items.values_V), dtype=np.bool_)
        keep_V[draw(items, self._candidates.per_step, rng)] = True
        return items.select(keep_V)

    def _teacher(self, query_rows_B: IntArray, pool: Pool, targets: Ragged, chosen: Ragged | None) -> Tensor | None:
        """A teacher's scores of each query's own candidates and targets, NaN elsewhere; None without a teacher."""
        if self._candidates is None or self._candidates.scores is None or chosen is None:
            return None
        teacher_BM = np.full((len(query_rows_B), len(pool.item_rows_M)), np.nan, dtype=np.float32)
        for pairs in (targets, chosen):
            row_V = pairs.row_index_V
            score_V = self._candidates.scores.lookup(query_rows_B[row_V], pairs.values_V)
            teacher_BM[row_V, np.searchsorted(pool.item_rows_M, pairs.values_V)] = score_V
        return self._put(teacher_BM)

    def _item_arrays(self, pool: Pool) -> list[Tensor]:
        if len(pool.item_rows_M) < len(self.items):
            return self._tensors(self.items, pool.item_rows_M)
        if self._whole is None:  # the whole catalogue looks the same in every batch
            self._whole = self._tensors(self.items, pool.item_rows_M)
        return self._whole

    def _tensors(self, records: Records, rows: IntArray) -> list[Tensor]:
        return [self._put(array) for array in records.batch(rows).values()]

    def _put(self, array: Array) -> Tensor:
        return torch.from_numpy(array).to(self._device)
