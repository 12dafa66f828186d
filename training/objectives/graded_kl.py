"""Soft labels from a judge: the model's shares of a query's candidates against the judge's shares.

Axes: B queries, J most judged candidates of a query.
"""

from dataclasses import dataclass
from typing import ClassVar, Literal

from pydantic import Field

from training.objectives.contract import LossInput, LossOutput, ObjectiveSettings, reduce
from training.objectives.judged import judged_candidates, log_shares

Direction = Literal["symmetric", "teacher"]


class GradedKLConfig(ObjectiveSettings):
    """Divergence between the softmax of the scores and the softmax of a teacher's scores, over the judged items."""

    needs_teacher: ClassVar[bool] = True
    no_logq: ClassVar[str] = "compares the judged candidates of a query only"
    kind: Literal["graded_kl"] = "graded_kl"
    temperature: float = Field(default=0.02, gt=0, description="Divides the scores before the softmax.")
    teacher_temperature: float = Field(
        default=0.1,
        gt=0,
        description="Divides the teacher's scores before the softmax; "
        "at the optimum a gap of scores is temperature / teacher_temperature times the teacher's gap.",
    )
    direction: Direction = Field(
        default="symmetric",
        description="'teacher' is KL(teacher || model); 'symmetric' is the mean of it and KL(model || teacher).",
    )

    def build(self, dimension: int) -> "GradedKL":
        """The objective; `dimension` does not matter."""
        return GradedKL(self.temperature, self.teacher_temperature, self.direction)


@dataclass(frozen=True)
class GradedKL:
    """L_i = (KL(P_i || T_i) + KL(T_i || P_i)) / 2 or KL(T_i || P_i) (UniME-V2, soft labels of a judge).

    P_i is the softmax of scores / temperature and T_i of the teacher's scores / teacher_temperature, both over the
    judged items of query i. It is 0 only where the two differ by a constant. A query with fewer than two judged items
    is skipped; whether they are targets does not matter. Needs teacher scores, or raises TrainingError.
    """

    temperature: float
    teacher_temperature: float
    direction: Direction = "symmetric"

    def __call__(self, batch: LossInput) -> LossOutput:
        """Loss of the batch."""
        c = judged_candidates(batch, "graded_kl")
        log_model_BJ = log_shares(c.score_BJ / self.temperature, c.is_judged_BJ)
        log_teacher_BJ = log_shares(c.teacher_BJ / self.teacher_temperature, c.is_judged_BJ)
        gap_BJ = log_teacher_BJ - log_model_BJ
        weight_BJ = log_teacher_BJ.exp()
        if self.direction == "symmetric":
            weight_BJ = (weight_BJ - log_model_BJ.exp()) / 2
        return reduce((weight_BJ * gap_BJ).sum(1), c.is_judged_BJ.sum(1) >= 2, batch.weight_B)
