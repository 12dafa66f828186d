"""Distillation of single scores: each score of the model against the teacher's, without a softmax over the others.

Axes: B queries, J most judged candidates of a query.
"""

import math
from dataclasses import dataclass
from typing import ClassVar, Literal

from pydantic import Field
from torch.nn.functional import softplus

from training.objectives.contract import LossInput, LossOutput, ObjectiveSettings, reduce
from training.objectives.judged import judged_candidates, mean_over


class LogitDistillationConfig(ObjectiveSettings):
    """The distillation loss of DHKD; meant for a second head, beside a contrastive first one."""

    needs_teacher: ClassVar[bool] = True
    no_logq: ClassVar[str] = "compares single scores with a teacher's"
    kind: Literal["logit_distillation"] = "logit_distillation"
    scale: float = Field(
        default=1.0, gt=0, description="Multiplies the scores, so that cosines can reach the teacher's scores."
    )
    temperature: float = Field(
        default=2.0, gt=0, description="Divides the differences of scores; its square multiplies the loss."
    )

    def build(self, dimension: int) -> "LogitDistillation":
        """The objective; `dimension` does not matter."""
        return LogitDistillation(self.scale, self.temperature)


@dataclass(frozen=True)
class LogitDistillation:
    """L_i = T^2 mean over j of KL(fair coin || sigma(d_ij)), d_ij = (s_ij - t_ij) / T (DHKD, dual-head distillation).

    The paper sums over the classes; here it is the mean over the judged items of query i. Even in d, 0 only where
    model and teacher agree. A query without a judged item is skipped. Needs teacher scores, or raises TrainingError.
    """

    scale: float = 1.0
    temperature: float = 2.0

    def __call__(self, batch: LossInput) -> LossOutput:
        """Loss of the batch."""
        c = judged_candidates(batch, "logit_distillation")
        gap_BJ = (c.score_BJ * self.scale - c.teacher_BJ) / self.temperature
        loss_BJ = (softplus(gap_BJ) + softplus(-gap_BJ)) / 2 - math.log(2)
        loss_B = self.temperature**2 * mean_over(loss_BJ, c.is_judged_BJ)
        return reduce(loss_B, c.is_judged_BJ.any(1), batch.weight_B)
