"""Positive and unlabelled items: what a query was not seen with need not be wrong.

Axes: B queries, M items of the pool, P most targets of a query, D embedding.
"""

from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import torch
from pydantic import Field
from torch import Tensor
from torch.nn.functional import embedding, logsigmoid, softplus

from training.objectives.contract import LossInput, LossOutput, ObjectiveSettings, reduce
from training.objectives.judged import at_least_float32, columns_of, mean_over


class PositiveUnlabelledConfig(ObjectiveSettings):
    """Targets against the mean of all items, targets included; for sparse clicks."""

    no_logq: ClassVar[str] = "takes a mean over the pool and is no sampled softmax"
    kind: Literal["positive_unlabelled"] = "positive_unlabelled"
    temperature: float = Field(default=0.1, gt=0, description="Divides the scores before the logistic function.")
    gamma: float = Field(
        default=0.0,
        ge=0,
        description="The first term is multiplied by the mean probability of the items to this power.",
    )

    def build(self, dimension: int) -> "PositiveUnlabelled":
        """The objective; `dimension` does not matter."""
        return PositiveUnlabelled(self.temperature, self.gamma)


@dataclass(frozen=True)
class PositiveUnlabelled:
    """L_i = m_i^gamma log m_i - mean over targets p of log sigma(Z_ip), m_i = mean over all items of sigma (PU-MLC).

    Carried over from classes to queries. The factor m_i^gamma has no gradient. With gamma = 0 equal scores give 0, and
    a good model a negative loss, down to the log of the targets' share. A negative drawn n times counts n times in the
    mean, a target once. Not invariant to a shift of a query's scores.
    """

    temperature: float
    gamma: float = 0.0

    def __call__(self, batch: LossInput) -> LossOutput:
        """Loss of the batch."""
        target_BM = batch.positive_BM & batch.valid_BM
        column_BP, is_target_BP = columns_of(target_BM)
        with torch.autocast(batch.query_BD.device.type, enabled=False):
            query_BD, item_MD = at_least_float32(batch.query_BD) / self.temperature, at_least_float32(batch.item_MD)
            weight_BM = (batch.valid_BM > batch.positive_BM).to(item_MD.dtype)
            if batch.draws_M is not None:
                weight_BM = weight_BM * batch.draws_M
            contributes_B = is_target_BP.any(1) & weight_BM.any(1)
            mean_B = _log_mean_sigmoid(query_BD, item_MD, weight_BM.masked_fill_(target_BM, 1.0))
            score_BP = (embedding(column_BP, item_MD) * query_BD[:, None, :]).sum(-1).masked_fill(~is_target_BP, 0.0)
        factor_B = (self.gamma * mean_B.detach()).exp()
        per_query_B = factor_B * mean_B - mean_over(logsigmoid(score_BP), is_target_BP)
        return reduce(per_query_B, contributes_B, batch.weight_B)


class _LogMeanSigmoid(torch.autograd.Function):
    """log of the weighted mean of sigma(query . item): [B, D], [M, D], [B, M] -> [B]; 0 for a row without weight."""

    @staticmethod
    def forward(ctx: Any, query_BD: Tensor, item_MD: Tensor, weight_BM: Tensor) -> Tensor:
        score_BM = query_BD @ item_MD.T
        log_BM = softplus(-score_BM).neg_().masked_fill_(weight_BM == 0, -torch.inf)
        top_B1 = log_BM.amax(1, keepdim=True)
        top_B1 = top_B1.masked_fill(top_B1 == -torch.inf, 0.0)
        share_BM = log_BM.sub_(top_B1).exp_().mul_(weight_BM)
        total_B1 = share_BM.sum(1, keepdim=True)
        empty_B1 = total_B1 == 0
        total_B1 = total_B1.masked_fill(empty_B1, 1.0)
        n_B1 = weight_BM.sum(1, keepdim=True).masked_fill_(empty_B1, 1.0)
        slope_BM = score_BM.neg_().sigmoid_().mul_(share_BM).div_(total_B1)  # d log sigma(z) = sigma(-z) dz
        ctx.save_for_backward(query_BD, item_MD, slope_BM)
        return (total_B1.log() + top_B1 - n_B1.log())[:, 0]

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, Tensor, None]:
        query_BD, item_MD, slope_BM = ctx.saved_tensors
        slope_BM = slope_BM * gradients[0][:, None]
        return slope_BM @ item_MD, slope_BM.T @ query_BD, None


def _log_mean_sigmoid(query_BD: Tensor, item_MD: Tensor, weight_BM: Tensor) -> Tensor:
    mean_B: Tensor = _LogMeanSigmoid.apply(query_BD, item_MD, weight_BM)  # type: ignore[no-untyped-call]
    return mean_B
