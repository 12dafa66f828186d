"""Mann-Whitney: every target against every negative of every query, a smooth bound of 1 - AUC.

Axes: B queries, M items of the pool, P most targets of a query, V targets of the batch, N negatives of the batch.
"""

from dataclasses import dataclass
from typing import ClassVar, Literal

import torch
from pydantic import Field
from torch.nn.functional import embedding

from training.objectives.contract import LossInput, LossOutput, ObjectiveSettings, reduce
from training.objectives.judged import at_least_float32, columns_of, mean_over
from training.objectives.pairs import softplus_of_pairs

Reduction = Literal["pair_mean", "paper"]


class MannWhitneyConfig(ObjectiveSettings):
    """Makes scores comparable across queries, so that one threshold serves all; a term beside a softmax."""

    no_logq: ClassVar[str] = "compares pairs across queries and is no sampled softmax"
    kind: Literal["mann_whitney"] = "mann_whitney"
    temperature: float = Field(default=0.01, gt=0, description="Divides the differences of scores.")
    reduction: Reduction = Field(
        default="pair_mean",
        description="'pair_mean' divides by the number of negatives in the batch; 'paper' does not, so its gradient "
        "grows with the batch.",
    )

    def build(self, dimension: int) -> "MannWhitney":
        """The objective; `dimension` does not matter."""
        return MannWhitney(self.temperature, self.reduction)


@dataclass(frozen=True)
class MannWhitney:
    """L_i = mean over targets p of query i, and over all negatives (j, n) of the batch, of softplus((S_jn - S_ip) / t).

    ("AUC-driven learning", MW loss.) The negatives of all queries are one pool; a negative drawn n times counts n
    times. A query without a target or without a negative takes no part on either side. With one target a query,
    L / log 2 is at least 1 - AUC of the pooled scores. One constant added to all scores changes nothing, one added to
    the scores of one query does.
    """

    temperature: float
    reduction: Reduction = "pair_mean"

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
            weight_BM = weight_BM.masked_fill_(~contributes_B[:, None], 0.0)
            score_BP = (embedding(column_BP, item_MD) * query_BD[:, None, :]).sum(-1)
            counts_BP = is_target_BP & contributes_B[:, None]
            loss_V = softplus_of_pairs(score_BP.masked_select(counts_BP), query_BD @ item_MD.T, weight_BM)
        if self.reduction == "pair_mean":
            loss_V = loss_V / weight_BM.sum().clamp_min(1.0)
        loss_BP = torch.zeros_like(score_BP).masked_scatter(counts_BP, loss_V)
        return reduce(mean_over(loss_BP, is_target_BP), contributes_B, batch.weight_B)
