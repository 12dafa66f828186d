"""Distillation of a ranking: the teacher's softmax over a query's candidates as the target of the model's.

Axes: B queries, J most judged candidates of a query.
"""

from dataclasses import dataclass
from typing import ClassVar, Literal

import torch
from pydantic import Field
from torch import Tensor

from training.objectives.contract import LossInput, LossOutput, ObjectiveSettings, reduce
from training.objectives.judged import Judged, judged_candidates, log_shares

_LEAST_SPAN = 1e-3


class DistillKLConfig(ObjectiveSettings):
    """KL divergence from a teacher's distribution over the judged items, for both of which a temperature is set."""

    needs_teacher: ClassVar[bool] = True
    no_logq: ClassVar[str] = "compares the judged candidates of a query only"
    kind: Literal["distill_kl"] = "distill_kl"
    temperature: float = Field(
        default=0.05, gt=0, description="Divides the scores before the softmax; its square multiplies the loss."
    )
    teacher_temperature: float = Field(
        default=1.0, gt=0, description="Divides the teacher's scores before the softmax."
    )
    normalize_scores: bool = Field(
        default=False, description="Whether each query's scores are stretched to reach from 0 to 1 first."
    )

    def build(self, dimension: int) -> "DistillKL":
        """The objective; `dimension` does not matter."""
        return DistillKL(self.temperature, self.teacher_temperature, self.normalize_scores)


@dataclass(frozen=True)
class DistillKL:
    """L_i = T_s^2 KL(softmax(t_i / T_t) || softmax(s_i / T_s)) over the judged items of query i (Hinton et al. 2015).

    A query with fewer than two judged items is skipped. Needs teacher scores, or raises TrainingError.
    """

    temperature: float
    teacher_temperature: float
    normalize_scores: bool = False

    def __call__(self, batch: LossInput) -> LossOutput:
        """Loss of the batch."""
        c = judged_candidates(batch, "distill_kl")
        score_BJ = _stretched(c) if self.normalize_scores else c.score_BJ
        log_model_BJ = log_shares(score_BJ / self.temperature, c.is_judged_BJ)
        log_teacher_BJ = log_shares(c.teacher_BJ / self.teacher_temperature, c.is_judged_BJ)
        loss_B = self.temperature**2 * (log_teacher_BJ.exp() * (log_teacher_BJ - log_model_BJ)).sum(1)
        return reduce(loss_B, c.is_judged_BJ.sum(1) >= 2, batch.weight_B)


def _stretched(c: Judged) -> Tensor:
    """Scores from 0 to 1 in each query; scores closer together than 1e-3 are not torn apart."""
    unjudged_BJ = ~c.is_judged_BJ
    low_B1 = c.score_BJ.masked_fill(unjudged_BJ, torch.inf).amin(1, keepdim=True)
    high_B1 = c.score_BJ.masked_fill(unjudged_BJ, -torch.inf).amax(1, keepdim=True)
    some_B1 = c.is_judged_BJ.any(1, keepdim=True)
    low_B1, high_B1 = low_B1.masked_fill(~some_B1, 0.0), high_B1.masked_fill(~some_B1, 0.0)
    return (c.score_BJ - low_B1) / (high_B1 - low_B1).clamp_min(_LEAST_SPAN)
