"""Several heads over the embeddings, in which every pair of a query and an item has a temperature of its own.

Axes: B queries, M items of the pool, P most targets of a query, D embedding, C heads, E width of a head, R rank of the
temperature map.
"""

import math
from typing import ClassVar, Literal, Self

import torch
from pydantic import Field, model_validator
from torch import Tensor, nn
from torch.nn.functional import normalize, softplus

from training.objectives.competition import logsumexp
from training.objectives.contract import LossInput, LossOutput, ObjectiveSettings, reduce
from training.objectives.judged import at_least_float32, columns_of, mean_over


class AdaptiveHeadsConfig(ObjectiveSettings):
    """Multi-head contrast with learned temperatures. The heads serve training only: the index holds the embeddings."""

    no_logq: ClassVar[str] = "gives each pair a temperature of its own"
    kind: Literal["adaptive_heads"] = "adaptive_heads"
    heads: int = Field(default=3, ge=1, le=16, description="Linear projections, shared by both towers.")
    head_dimension: int | None = Field(
        default=None, ge=1, description="Width of a head; half of the embedding's if unset."
    )
    rank: int = Field(default=8, ge=1, description="Rank of the map from a pair to its temperature.")
    temperature: float = Field(default=0.1, gt=0, description="Temperature of every pair before training.")
    floor: float = Field(default=0.02, ge=0.02, description="Least temperature.")
    ceiling: float = Field(default=1.0, le=1, description="Greatest temperature; equal to floor, it is constant.")
    penalty: float = Field(
        default=0.1, ge=0, description="Weight of the term that keeps temperatures near the pairs' variance."
    )

    @model_validator(mode="after")
    def _range_holds_the_start(self) -> Self:
        if not self.floor <= self.ceiling:
            raise ValueError(f"floor = {self.floor} is above ceiling = {self.ceiling}")
        if self.floor < self.ceiling and not self.floor <= self.temperature <= self.ceiling:
            raise ValueError(f"temperature = {self.temperature} is not from {self.floor} (floor) to {self.ceiling}")
        return self

    def build(self, dimension: int) -> "AdaptiveHeads":
        """The objective, with fresh weights from torch's generator."""
        return AdaptiveHeads(self, dimension)


class AdaptiveHeads(nn.Module):
    """Mean over heads of log(1 + e^(neg - Z+)) + b mean Omega(tau+) - b mean Omega(tau-) (AMCL, practical variant).

    Z = cosine / tau in each head, neg the logsumexp over the negatives, tau = floor + (ceiling - floor)
    sigma(o + (A z_i).(B z_j)), Omega(tau) = 1/tau + E/2 log tau. At b = 1 the best tau of a target is 2 (1 - cosine)/E.
    With one square head of orthogonal weights, a constant temperature and b = 0 it is InfoNCE on cosines.
    """

    def __init__(self, config: AdaptiveHeadsConfig, dimension: int) -> None:
        super().__init__()
        width = config.head_dimension or max(1, dimension // 2)
        self.floor, self.span, self.penalty = config.floor, config.ceiling - config.floor, config.penalty
        heads = [nn.init.orthogonal_(torch.empty(dimension, width)) for _ in range(config.heads)]
        self.head_CDE = nn.Parameter(torch.stack(heads))
        # One side starts at zero: every pair has the configured temperature, and the gradient is not zero.
        self.query_map_ER = nn.Parameter(torch.randn(width, config.rank) / math.sqrt(width))
        self.item_map_ER = nn.Parameter(torch.zeros(width, config.rank))
        share = (config.temperature - self.floor) / self.span if self.span > 0 else 0.5
        share = min(max(share, 0.01), 0.99)  # the ends of the range are infinitely far off
        self.offset = nn.Parameter(torch.tensor(math.log(share / (1 - share))))

    def forward(self, batch: LossInput) -> LossOutput:
        """Loss of the batch; `logs` has the mean temperature of targets and of negatives."""
        column_BP, is_target_BP = columns_of(batch.positive_BM & batch.valid_BM)
        negative_BM = batch.valid_BM & ~batch.positive_BM
        draws_M = torch.ones(len(batch.item_MD), device=batch.item_MD.device)
        if batch.draws_M is not None:
            draws_M = batch.draws_M.to(draws_M.dtype)
            negative_BM = negative_BM & (draws_M > 0)
        with torch.autocast(batch.query_BD.device.type, enabled=False):
            query_BD, item_MD = at_least_float32(batch.query_BD), at_least_float32(batch.item_MD)
            drawn_BM = negative_BM * draws_M.to(item_MD.dtype)
            share_BM = drawn_BM / drawn_BM.sum(1, keepdim=True).clamp_min(1.0)
            shift_BM = drawn_BM.log()
            losses, targets, negatives = [], [], []
            for head_DE in self.head_CDE.to(query_BD.dtype):
                cosine_BM, tau_BM = self._pairs(normalize(query_BD @ head_DE), normalize(item_MD @ head_DE))
                loss_B = self._contrast(cosine_BM / tau_BM, shift_BM, column_BP, is_target_BP)
                tau_BP = tau_BM.gather(1, column_BP).masked_fill(~is_target_BP, 1.0)
                if self.penalty > 0:
                    width = head_DE.shape[1]
                    apart_B = mean_over(variance_cost(tau_BP, width), is_target_BP)
                    apart_B = apart_B - (variance_cost(tau_BM, width) * share_BM).sum(1)
                    loss_B = loss_B + self.penalty * apart_B
                losses.append(loss_B)
                targets.append(mean_over(tau_BP, is_target_BP).detach())
                negatives.append((tau_BM.detach() * share_BM).sum(1))
            contributes_B = is_target_BP.any(1) & negative_BM.any(1)
            output = reduce(torch.stack(losses).mean(0), contributes_B, batch.weight_B)
            for name, tau in (("target_temperature", targets), ("negative_temperature", negatives)):
                output.logs[name] = reduce(torch.stack(tau).mean(0), contributes_B, None).loss
        return output

    def _pairs(self, query_BE: Tensor, item_ME: Tensor) -> tuple[Tensor, Tensor]:
        """Cosine and temperature of every pair in one head."""
        mapped_BE = query_BE @ self.query_map_ER.to(query_BE.dtype) @ self.item_map_ER.to(query_BE.dtype).T
        tau_BM = self.floor + self.span * (mapped_BE @ item_ME.T + self.offset).sigmoid()
        return query_BE @ item_ME.T, tau_BM

    def _contrast(self, logit_BM: Tensor, shift_BM: Tensor, column_BP: Tensor, is_target_BP: Tensor) -> Tensor:
        negatives_B, some_B = logsumexp(logit_BM + shift_BM)
        negatives_B = negatives_B.masked_fill(~some_B, 0.0)
        score_BP = logit_BM.gather(1, column_BP).masked_fill(~is_target_BP, 0.0)
        return mean_over(softplus(negatives_B[:, None] - score_BP), is_target_BP)


def variance_cost(tau: Tensor, width: int) -> Tensor:
    """Omega(tau) = 1/tau + width/2 log tau: unit vectors' Gaussian negative log-likelihood with variance tau."""
    return tau.reciprocal() + width / 2 * tau.log()
