"""Multi-label cluster discrimination: targets above zero, negatives below it, each by itself.

Axes: B queries, M items of the pool, P most targets of a query.
"""

from dataclasses import dataclass
from typing import ClassVar, Literal

import torch
from pydantic import Field
from torch.nn.functional import softplus

from training.objectives.competition import compete, logsumexp
from training.objectives.contract import LossInput, LossOutput, ObjectiveSettings, reduce


class MLCDConfig(ObjectiveSettings):
    """Several targets against one absolute threshold, the same for all queries."""

    no_logq: ClassVar[str] = "compares scores with zero and is no sampled softmax"
    kind: Literal["mlcd"] = "mlcd"
    temperature: float = Field(default=0.1, gt=0, description="Divides the scores.")

    def build(self, dimension: int) -> "MLCD":
        """The objective; `dimension` does not matter."""
        return MLCD(self.temperature)


@dataclass(frozen=True)
class MLCD:
    """L_i = log(1 + sum_p e^(-Z_ip)) + log(1 + sum_n e^(Z_in)) over targets p and negatives n (MLCD, ECCV 2024).

    Targets and negatives meet only the threshold 0, not each other, so a shift of a query's scores changes the loss and
    scores of different queries are comparable. Both sums grow with the number of items.
    """

    temperature: float

    def __call__(self, batch: LossInput) -> LossOutput:
        """Loss of the batch."""
        c = compete(batch, self.temperature, None)
        targets_B, _ = logsumexp((-c.score_BP).masked_fill(~c.is_target_BP, -torch.inf))
        return reduce(softplus(targets_B) + softplus(c.negatives_B1[:, 0]), c.contributes_B, batch.weight_B)
