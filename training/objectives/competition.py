"""Who competes with whom in a softmax over the pool: the scores of the targets against the mass of the negatives.

Axes: B queries, M items of the pool, P most targets of a query, D embedding.
"""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import embedding

from training.objectives.contract import LossInput
from training.objectives.judged import at_least_float32, columns_of, mean_over
from training.objectives.mass import log_mass


@dataclass(frozen=True)
class Competition:
    """Per query the scores of its targets, padded, and the log mass of its negatives.

    `contributes_B` is False for a query without a valid target or without a negative: its numbers are finite, but
    mean nothing.
    """

    score_BP: Tensor
    is_target_BP: Tensor
    column_BP: Tensor
    negatives_B1: Tensor
    negative_BM: Tensor
    contributes_B: Tensor


def compete(batch: LossInput, temperature: float, logq_M: Tensor | None) -> Competition:
    """Scores over temperature, in at least float32 also under autocast.

    `negatives_B1` is logsumexp over the negatives of Z + log(draws) - logq: an item drawn n times counts n times. With
    logq that sum is n draws' estimate of n times the catalogue's, so an item that is there for certain counts n times.
    """
    column_BP, is_target_BP = columns_of(batch.positive_BM & batch.valid_BM)
    negative_BM = batch.valid_BM > batch.positive_BM  # valid and not positive, in one pass
    shift_M = _log_counts(batch, logq_M)
    with torch.autocast(batch.query_BD.device.type, enabled=False):
        query_BD, item_MD = at_least_float32(batch.query_BD) / temperature, at_least_float32(batch.item_MD)
        negatives_B = log_mass(query_BD, item_MD, shift_M.to(item_MD.dtype), negative_BM)
        score_BP = (embedding(column_BP, item_MD) * query_BD[:, None, :]).sum(-1)
    has_negative_B = negatives_B != -torch.inf  # NaN is no reason to skip a query: it must come through
    return Competition(
        score_BP=score_BP.masked_fill(~is_target_BP, 0.0),
        is_target_BP=is_target_BP,
        column_BP=column_BP,
        negatives_B1=negatives_B.masked_fill(~has_negative_B, 0.0)[:, None],
        negative_BM=negative_BM,
        contributes_B=has_negative_B & is_target_BP.any(1),
    )


def logsumexp(value: Tensor) -> tuple[Tensor, Tensor]:
    """log sum exp over the last axis, and whether any of it exceeds -inf; if not, it is finite, without gradient."""
    top = value.amax(-1, keepdim=True).detach()
    some = top != -torch.inf  # NaN is something, and must come through
    top = top.masked_fill(~some, 0.0)
    total = (value - top).exp().sum(-1).clamp_min(torch.finfo(value.dtype).tiny)
    return total.log() + top[..., 0], some[..., 0]


def n_negatives(competition: Competition, batch: LossInput) -> Tensor:
    """How many draws stand behind each query's negatives, [B, 1], at least 1; what is there for certain is none."""
    dtype = competition.score_BP.dtype
    return (competition.negative_BM.to(dtype) @ _sampled(batch).to(dtype)[:, None]).clamp_min(1.0)


def _sampled(batch: LossInput) -> Tensor:
    """How often the sampler drew each item, [M]."""
    draws_M = torch.ones(len(batch.item_MD), device=batch.item_MD.device) if batch.draws_M is None else batch.draws_M
    return draws_M if batch.certain_M is None else draws_M.masked_fill(batch.certain_M, 0)


def _log_counts(batch: LossInput, logq_M: Tensor | None) -> Tensor:
    """Log of how often each item counts as a negative, [M]; -inf for an item that no draw gave."""
    if logq_M is None:
        once_M = torch.zeros(len(batch.item_MD), device=batch.item_MD.device)
        return once_M if batch.draws_M is None else batch.draws_M.float().log()
    sampled_M = _sampled(batch).float()
    drawn_M = sampled_M.log() - logq_M
    if batch.certain_M is None:
        return drawn_M
    return torch.where(batch.certain_M, sampled_M.sum().clamp_min(1.0).log(), drawn_M)


def mean_over_targets(loss_BP: Tensor, competition: Competition) -> Tensor:
    """Mean of each query over its targets, 0 for a query without any."""
    return mean_over(loss_BP, competition.is_target_BP)
