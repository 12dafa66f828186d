"""Skip-gram with negative sampling: each target against a threshold, and against a fixed number of negatives.

Axes: B queries, M items of the pool, P most targets of a query.
"""

from dataclasses import dataclass
from typing import ClassVar, Literal

import torch
from pydantic import Field
from torch import Tensor
from torch.nn.functional import embedding, softplus

from training.objectives.contract import LossInput, LossOutput, ObjectiveSettings, reduce
from training.objectives.judged import at_least_float32, columns_of, mean_over


class SGNSConfig(ObjectiveSettings):
    """Logistic loss of pairs and of sampled negatives; with item pairs it learns in and out vectors of items."""

    no_logq: ClassVar[str] = "takes a logistic loss of each score and is no sampled softmax"
    kind: Literal["sgns"] = "sgns"
    temperature: float = Field(
        default=0.1, gt=0, description="Divides the scores; 1 with metric = 'dot' is the paper's form."
    )
    negatives: float = Field(
        default=20.0, gt=0, description="Negatives that each target counts against, however many the batch has."
    )

    def build(self, dimension: int) -> "SGNS":
        """The objective; `dimension` does not matter."""
        return SGNS(self.temperature, self.negatives)


@dataclass(frozen=True)
class SGNS:
    """L_i = mean over targets p of softplus(-Z_ip) + k mean over negatives n of softplus(Z_in), k `negatives`.

    word2vec's loss (Mikolov et al., 2013) as item embeddings use it ("Two Is Better Than One", ICKG 2022). There each
    pair draws k negatives of its own; here the mean over all draws of the batch takes their place, which has the same
    expectation and less noise. At its best a score is the pair's mutual information less log k (Levy and Goldberg,
    2014). Not invariant to a shift of a query's scores.
    """

    temperature: float = 0.1
    negatives: float = 20.0

    def __call__(self, batch: LossInput) -> LossOutput:
        """Loss of the batch."""
        column_BP, is_target_BP = columns_of(batch.positive_BM & batch.valid_BM)
        draws_BM = (batch.valid_BM > batch.positive_BM).to(torch.float32)
        if batch.draws_M is not None:
            draws_BM = draws_BM * batch.draws_M
        with torch.autocast(batch.query_BD.device.type, enabled=False):
            query_BD, item_MD = at_least_float32(batch.query_BD) / self.temperature, at_least_float32(batch.item_MD)
            draws_BM = draws_BM.to(item_MD.dtype)
            target_BP = (embedding(column_BP, item_MD) * query_BD[:, None, :]).sum(-1).masked_fill(~is_target_BP, 0.0)
            negative_B = _weighted_mean(softplus((query_BD @ item_MD.T).masked_fill(draws_BM == 0, 0.0)), draws_BM)
            per_query_B = mean_over(softplus(-target_BP), is_target_BP) + self.negatives * negative_B
        return reduce(per_query_B, is_target_BP.any(1) & draws_BM.any(1), batch.weight_B)


def _weighted_mean(value_BM: Tensor, weight_BM: Tensor) -> Tensor:
    """Mean of each row, 0 for a row without weight."""
    return (value_BM * weight_BM).sum(1) / weight_BM.sum(1).clamp_min(1.0)
