"""Cross-batch memory: the items of the last batches as further negatives (Wang et al., CVPR 2020).

Letters: B queries, M items of the pool, K items remembered, U distinct ones among them, V new to the pool, D embedding.
"""

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from pydantic import Field
from torch import Tensor

from bundle.config import Config
from training.batches import Batch
from training.known import KnownPositives
from training.objectives import LossInput
from training.ragged import IntArray, Ragged


class MemoryConfig(Config):
    """How much of the past a batch meets."""

    batches: int = Field(default=4, ge=1, le=1000, description="Batches whose items are remembered.")
    start_epoch: int = Field(
        default=1,
        ge=0,
        description="First epoch, counted from 0, that uses it: old embeddings mislead while all moves.",
    )


@dataclass(frozen=True)
class _Remembered:
    """The pool of one batch; the embeddings are on the device of the model.

    `draws_K` are those of the sampler, 0 for an item that is there for certain alone.
    """

    rows_K: IntArray
    draws_K: Tensor
    certain_K: Tensor
    count_K: Tensor
    logq_K: Tensor | None
    item_KD: Tensor


class Memory:
    """A queue of pools. An item that stands in several counts with its newest embedding and all its draws.

    One that no draw gave, but that was there for certain in some, counts once.
    """

    def __init__(self, config: MemoryConfig, targets: Ragged, known: KnownPositives | None) -> None:
        """`targets` by example and `known` positives by query are no negatives of theirs."""
        self.config = config
        self._targets = KnownPositives(targets)
        self._known = known
        self._queue: deque[_Remembered] = deque(maxlen=config.batches)

    def extend(self, given: LossInput, batch: Batch) -> LossInput:
        """The same batch against a pool that the remembered items have joined, without gradients of their own.

        Of an item that the pool has anyway, only the number of draws is taken over: the pool's embedding is newer. So
        with weights that stand still the result is that of a batch with all these items.
        """
        if not self._queue or given.draws_M is None or given.count_M is None:
            return given
        past = self._joined()
        device = given.item_MD.device
        old_K = np.isin(past.rows_K, batch.item_rows_M)
        negative_K = (past.draws_K > 0) | past.certain_K
        new_V = torch.from_numpy(np.flatnonzero(~old_K & negative_K.numpy()))
        place_K = torch.from_numpy(np.searchsorted(batch.item_rows_M, past.rows_K[old_K]))
        draws_M, certain_M = (
            torch.cat([own_M.index_add(0, place_K, past_K[old_K]), past_K[new_V]])
            for own_M, past_K in zip(_counts(batch), (past.draws_K, past.certain_K.long()), strict=True)
        )
        alone_M = (certain_M > 0) & (draws_M == 0)
        valid_BV = torch.from_numpy(self._valid(batch, past.rows_K[new_V.numpy()])).to(device)
        logq_M = given.logq_M
        if logq_M is not None and past.logq_K is not None:
            logq_M = torch.cat([logq_M, past.logq_K[new_V].to(logq_M)])
        return replace(
            given,
            item_MD=torch.cat([given.item_MD, past.item_KD[new_V.to(device)].to(given.item_MD)]),
            positive_BM=torch.cat([given.positive_BM, torch.zeros_like(valid_BV)], 1),
            valid_BM=torch.cat([given.valid_BM, valid_BV], 1),
            draws_M=draws_M.masked_fill(alone_M, 1).to(given.draws_M),
            logq_M=logq_M,
            grade_BM=_widened(given.grade_BM, len(new_V), 0.0),
            teacher_BM=_widened(given.teacher_BM, len(new_V), torch.nan),
            count_M=torch.cat([given.count_M, past.count_K[new_V].to(given.count_M)]),
            certain_M=alone_M.to(device),
        )

    def remember(self, item_MD: Tensor, batch: Batch) -> None:
        """Keep the embeddings of this batch's pool; the oldest batch is forgotten."""
        logq_K = None if batch.logq_M is None else batch.logq_M.cpu()
        draws_K, certain_K = _counts(batch)
        item_KD = item_MD.detach().clone()
        self._queue.append(_Remembered(batch.item_rows_M, draws_K, certain_K > 0, batch.count_M.cpu(), logq_K, item_KD))

    def state(self) -> list[dict[str, Any]]:
        """What a resumed run needs, oldest batch first."""
        return [{**vars(kept), "rows_K": torch.from_numpy(kept.rows_K)} for kept in self._queue]

    def restore(self, state: Sequence[Mapping[str, Any]], device: torch.device) -> None:
        """Take up the state."""
        self._queue.clear()
        for kept in state:
            values = {**kept, "rows_K": kept["rows_K"].numpy(), "item_KD": kept["item_KD"].to(device)}
            self._queue.append(_Remembered(**values))

    def _joined(self) -> _Remembered:
        newest_first = list(reversed(self._queue))
        rows = np.concatenate([kept.rows_K for kept in newest_first])
        rows_U, first_U, place = np.unique(rows, return_index=True, return_inverse=True)
        draws_U, certain_U = (
            torch.from_numpy(np.bincount(place, torch.cat(parts).numpy(), len(rows_U)).astype(np.int64))
            for parts in zip(*((kept.draws_K, kept.certain_K) for kept in newest_first), strict=True)
        )
        take_U = torch.from_numpy(first_U)
        logq = [kept.logq_K for kept in newest_first if kept.logq_K is not None]
        item_KD = torch.cat([kept.item_KD for kept in newest_first])
        return _Remembered(
            rows_U,
            draws_U,
            certain_U > 0,
            torch.cat([kept.count_K for kept in newest_first])[take_U],
            torch.cat(logq)[take_U] if logq else None,
            item_KD[take_U.to(item_KD.device)],
        )

    def _valid(self, batch: Batch, rows_V: IntArray) -> np.ndarray:
        excluded_BV = self._targets.mask(batch.rows_B, rows_V)
        if self._known is not None:
            excluded_BV = excluded_BV | self._known.mask(batch.query_rows_B, rows_V)
        return ~excluded_BV


def _counts(batch: Batch) -> tuple[Tensor, Tensor]:
    """How often the sampler drew each item of the pool, and 1 for each that is there for certain, on the CPU."""
    draws_M = batch.draws_M.cpu().to(torch.int64)
    if batch.certain_M is None:
        return draws_M, torch.zeros_like(draws_M)
    certain_M = batch.certain_M.cpu()
    return draws_M.masked_fill(certain_M, 0), certain_M.to(torch.int64)


def _widened(value_BM: Tensor | None, n: int, fill: float) -> Tensor | None:
    return None if value_BM is None else torch.cat([value_BM, value_BM.new_full((len(value_BM), n), fill)], 1)
