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
    """The pool of one batch; the embeddings are on the device of the model."""

    rows_K: IntArray
    draws_K: Tensor
    count_K: Tensor
    logq_K: Tensor | None
    item_KD: Tensor


class Memory:
    """A queue of pools. An item that stands in several counts with its newest embedding and all its draws."""

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
        place_K = np.searchsorted(batch.item_rows_M, past.rows_K[old_K])
        again_M = torch.zeros(len(batch.item_rows_M), dtype=given.draws_M.dtype)
        again_M[torch.from_numpy(place_K)] = past.draws_K[torch.from_numpy(old_K)].to(again_M.dtype)
        new_V = torch.from_numpy(np.flatnonzero(~old_K & (past.draws_K.numpy() > 0)))
        valid_BV = torch.from_numpy(self._valid(batch, past.rows_K[new_V.numpy()])).to(device)
        logq_M = given.logq_M
        if logq_M is not None and past.logq_K is not None:
            logq_M = torch.cat([logq_M, past.logq_K[new_V].to(logq_M)])
        return replace(
            given,
            item_MD=torch.cat([given.item_MD, past.item_KD[new_V.to(device)].to(given.item_MD)]),
            positive_BM=torch.cat([given.positive_BM, torch.zeros_like(valid_BV)], 1),
            valid_BM=torch.cat([given.valid_BM, valid_BV], 1),
            draws_M=torch.cat([given.draws_M + again_M.to(device), past.draws_K[new_V].to(given.draws_M)]),
            logq_M=logq_M,
            grade_BM=_widened(given.grade_BM, len(new_V), 0.0),
            teacher_BM=_widened(given.teacher_BM, len(new_V), torch.nan),
            count_M=torch.cat([given.count_M, past.count_K[new_V].to(given.count_M)]),
        )

    def remember(self, item_MD: Tensor, batch: Batch) -> None:
        """Keep the embeddings of this batch's pool; the oldest batch is forgotten."""
        logq_K = None if batch.logq_M is None else batch.logq_M.cpu()
        item_KD = item_MD.detach().clone()
        self._queue.append(_Remembered(batch.item_rows_M, batch.draws_M.cpu(), batch.count_M.cpu(), logq_K, item_KD))

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
        draws = np.concatenate([kept.draws_K.numpy() for kept in newest_first])
        draws_U = torch.from_numpy(np.bincount(place, draws, len(rows_U)).astype(np.int64))
        take_U = torch.from_numpy(first_U)
        logq = [kept.logq_K for kept in newest_first if kept.logq_K is not None]
        item_KD = torch.cat([kept.item_KD for kept in newest_first])
        return _Remembered(
            rows_U,
            draws_U,
            torch.cat([kept.count_K for kept in newest_first])[take_U],
            torch.cat(logq)[take_U] if logq else None,
            item_KD[take_U.to(item_KD.device)],
        )

    def _valid(self, batch: Batch, rows_V: IntArray) -> np.ndarray:
        excluded_BV = self._targets.mask(batch.rows_B, rows_V)
        if self._known is not None:
            excluded_BV = excluded_BV | self._known.mask(batch.query_rows_B, rows_V)
        return ~excluded_BV


def _widened(value_BM: Tensor | None, n: int, fill: float) -> Tensor | None:
    return None if value_BM is None else torch.cat([value_BM, value_BM.new_full((len(value_BM), n), fill)], 1)
