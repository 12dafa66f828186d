"""The one contract between batches and objectives: what a loss may read, and what it gives back.

Axes: B queries of the batch, M items of the pool (each once), D embedding.
"""

from dataclasses import dataclass, field
from typing import Protocol

import torch
from torch import Tensor


@dataclass(frozen=True)
class LossInput:
    """A batch of queries against a pool of distinct items.

    `positive_BM` marks the targets of each query. `valid_BM` is False where an item may not take part in a
    query's loss: padding, or a known positive that is not a target. `draws_M` says how often the item was drawn
    as a negative: an item with 0 draws is in the pool only as somebody's target, an item with n draws counts n
    times in a denominator. `logq_M` is the log probability that one draw gives the item, over the catalogue;
    None when negatives need no correction.
    """

    query_BD: Tensor
    item_MD: Tensor
    positive_BM: Tensor
    valid_BM: Tensor
    draws_M: Tensor | None = None
    logq_M: Tensor | None = None
    weight_B: Tensor | None = None
    grade_BM: Tensor | None = None
    teacher_BM: Tensor | None = None


@dataclass(frozen=True)
class LossOutput:
    """The scalar to descend, its part for each query, and detached scalars worth a curve."""

    loss: Tensor
    per_query_B: Tensor
    logs: dict[str, Tensor] = field(default_factory=dict)


class Objective(Protocol):
    """Maps a batch to a loss, in float32 at least, without randomness and without state."""

    def __call__(self, batch: LossInput) -> LossOutput:
        """Loss of the batch: the mean over the queries that have a target and a negative."""


def reduce(per_query_B: Tensor, contributes_B: Tensor, weight_B: Tensor | None) -> LossOutput:
    """Weighted mean over the contributing queries; the others count in `logs` as skipped."""
    per_query_B = per_query_B.masked_fill(~contributes_B, 0.0)
    share_B = contributes_B.to(per_query_B.dtype)
    if weight_B is not None:
        share_B = share_B * weight_B
    loss = (per_query_B * share_B).sum() / share_B.sum().clamp_min(torch.finfo(share_B.dtype).tiny)
    return LossOutput(loss, per_query_B, {"skipped": (~contributes_B).sum().detach()})
